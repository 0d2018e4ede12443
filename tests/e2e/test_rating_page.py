"""A rating session in a real browser: clicked through, resumed, and its ratings analysed."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from jndlab.files import read_csv
from rating_sessions import RatingPage
from workflow_runner import Workflow

CONFIG = """
results_dir: results
sequences: [bikes_tiny, bigbuckbunny_tiny]
frames: 9
configurations: [LDP]
qps: [22, 27, 32, 37]
codecs: [x265-ultrafast]
mlflow: false
papers: []
methods:
  anchor: {kind: anchor}
  erjnd: {kind: prefilter, class: "jndlab.jnd.erjnd:ErjndPrefilter"}
subjective:
  clip_seconds: 0.3
  pause_seconds: 0.1
  training_sequences: [bigbuckbunny_tiny]
  training_pairs: 2
  repeats: 1
  break_every: 6
  ratings: [%s]
"""
CLIPS = 9  # two methods at four QPs, and the hidden reference


@pytest.fixture(scope="module")
def workflow(chromium, tmp_path_factory) -> Workflow:
    """A copy of the suite in which the session has been made."""
    made = Workflow(tmp_path_factory.mktemp("rating"))
    made.write("rating.yaml", CONFIG % "")
    made.run("--configfile", "rating.yaml", "--", "subjective_session")
    return made


@pytest.fixture
def page(workflow) -> Path:
    return workflow.folder / "results/subjective/session/index.html"


@pytest.fixture(scope="module")
def anna(workflow, started_browser, tmp_path_factory) -> tuple[Path, list[str], list[dict]]:
    """A whole sitting by keyboard: the file saved, the messages, console errors."""
    with started_browser() as driver:
        page = RatingPage(driver, tmp_path_factory.mktemp("anna"))
        page.open(workflow.folder / "results/subjective/session/index.html")
        page.start("anna")
        messages = page.rate(lambda n: 1 + n % 5)
        return page.saved(), messages, page.complaints()


def rows_that_count(path: Path) -> list[dict[str, str]]:
    return [row for row in read_csv(path) if row["kind"] == "test"]


def test_a_whole_session_by_keyboard(anna, workflow):
    path, messages, complaints = anna
    assert messages == ["training", "ready", "break", "thanks"]
    assert not complaints
    rows = read_csv(path)
    assert {row["subject"] for row in rows} == {"anna"} and path.name.startswith("ratings_anna_")
    shown = read_csv(workflow.folder / "results/subjective/stimuli.csv")
    names = [row["stimulus"] for row in shown if row["sequence"] == "bikes_tiny"]
    given = [row["stimulus"] for row in rows_that_count(path)]
    assert sorted(given) == sorted(names) and given != names
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    # Trained on other content, which the key does not hold.
    training = {row["stimulus"] for row in rows if row["kind"] == "training"}
    assert len(training) == 2 and not training & set(names)


def test_a_broken_off_session_goes_on_and_is_analysed(anna, browser, page, workflow, tmp_path):
    ben = RatingPage(browser, tmp_path)
    ben.open(page)
    ben.start("ben")
    assert ben.rate(lambda _: 4, most=5) == ["training", "ready"]
    ben.open(page)
    ben.start("ben")
    messages = ben.rate(lambda _: 2)
    assert messages[0] == "welcome_back" and messages[-1] == "thanks"
    rows = rows_that_count(ben.saved())
    assert len(rows) == len({row["stimulus"] for row in rows}) == CLIPS
    assert [row["stimulus"] for row in rows] != [
        row["stimulus"] for row in rows_that_count(anna[0])
    ]
    assert {row["score"] for row in rows[:2]} == {"4"} and {row["score"] for row in rows[4:]} == {
        "2"
    }

    files = f"'{anna[0]}', '{ben.saved()}'"
    workflow.write("analysis.yaml", CONFIG % files)
    workflow.run("--configfile", "analysis.yaml", "--", "analyse_ratings")
    results = workflow.folder / "results/subjective"
    given: dict[str, list[int]] = {}
    for path in (anna[0], ben.saved()):
        for row in rows_that_count(path):
            given.setdefault(row["stimulus"], []).append(int(row["score"]))
    names = {
        (row["method"] or "hidden reference", row["qp"]): row["stimulus"]
        for row in read_csv(results / "stimuli.csv")
    }
    scores = [row for row in read_csv(results / "tables/scores.csv") if row["model"] == "mos"]
    assert len(scores) == CLIPS
    for row in scores:
        expected = sum(given[names[row["method"], row["qp"]]]) / 2
        assert float(row["mos"]) == pytest.approx(expected)
    raters = read_csv(results / "tables/raters.csv")
    assert {(row["checks"], row["checks_failed"], row["repeats"]) for row in raters} == {
        ("1", "0", "1")
    }
    paired = read_csv(results / "tables/paired_tests.csv")
    assert [row["qp"] for row in paired] == ["", "22", "27", "32", "37"]
    for name in ("rating_histograms", "mos_over_rate_bt500", "mos_over_rate_p910"):
        assert (results / f"figures/{name}.png").stat().st_size > 5000

    lines = ben.saved().read_text().splitlines()
    last = max(n for n, line in enumerate(lines) if ",test," in line)
    ben.saved().write_text("\n".join(lines[:last] + lines[last + 1 :]) + "\n")
    done = workflow.run("--configfile", "analysis.yaml", "--", "analyse_ratings", check=False)
    assert done.returncode and "session of subject 'ben' is incomplete" in done.stdout
    assert "Traceback" not in done.stdout


def test_mouse_and_arrow_keys_rate_as_well_and_nothing_moves(browser, page, tmp_path):
    cleo = RatingPage(browser, tmp_path)
    cleo.open(page)
    cleo.start("cleo")
    cleo.leave_message()
    cleo.go_on()
    places = (
        "return [...document.querySelectorAll('#ballot *')].map(e => e.getBoundingClientRect().y)"
    )
    before = cleo.ask(places)
    grade = "return new FormData(document.getElementById('ballot')).get('grade')"
    assert cleo.ask("return document.getElementById('confirm').disabled")
    cleo.press("\ue007")  # Enter without a grade does nothing
    assert cleo.screen == "vote"
    cleo.press("5", "\ue015")  # arrow down: the next grade below
    assert cleo.ask(grade) == "4"
    assert cleo.ask(places) == before
    browser.find_element("css selector", "label.choice:last-child").click()
    assert cleo.ask(grade) == "1"
    browser.find_element("id", "confirm").click()
    cleo.wait(lambda: cleo.screen != "vote")
    assert not cleo.complaints()


def test_a_clip_that_cannot_be_played_is_reported(browser, page, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(page.parent, broken)
    for clip in (broken / "clips").iterdir():
        clip.write_bytes(b"no video")
    dora = RatingPage(browser, tmp_path)
    dora.open(broken / "index.html")
    dora.start("dora")
    assert dora.rate(lambda _: 1) == ["training", "failed"]
    assert ".mp4" in dora.text("message-text")


def test_names_that_would_spoil_the_table_are_refused(browser, page, tmp_path):
    eve = RatingPage(browser, tmp_path)
    eve.open(page)
    eve.press('a,"<b>', "\ue007")
    assert eve.screen == "welcome"


def test_orders_are_random_fixed_by_subject_and_mix_contents(browser, page, tmp_path):
    shown = RatingPage(browser, tmp_path)
    shown.open(page)
    shown.ask(
        "window.trials = [0, 1, 2].flatMap((c) => [...Array(c === 2 ? 7 : 4).keys()].map("
        "(n) => ({ content: `r${c}`, stimulus: `s${c}${n}`, block: 0 })));"
    )

    def order(seed, subject):
        script = f"orderOf(window.trials, {seed}, '{subject}').map((t) => t.stimulus)"
        return shown.ask(f"return {script}")

    orders = [order(0, f"p{n}") for n in range(40)]
    assert order(0, "p7") == orders[7] and order(1, "p7") != orders[7]
    assert len({tuple(found) for found in orders}) == 40
    assert all(len(set(found)) == 15 for found in orders)
    assert len({found[0] for found in orders}) > 6
    for found in orders:  # 7 of 15 trials are of one content: still never twice in a row
        assert all(a[:2] != b[:2] for a, b in itertools.pairwise(found))


def test_blocks_differ_between_subjects_and_a_server_spreads_them_evenly(browser, page, tmp_path):
    shown = RatingPage(browser, tmp_path)
    shown.open(page)
    session = "{ seed: 0, blocks: 4, blocksPerRater: 2 }"
    drawn = [shown.ask(f"return blocksOf({session}, 'p{n}')") for n in range(40)]
    assert {tuple(blocks) for blocks in drawn} == {(0, 1), (1, 2), (2, 3), (3, 0)}
    given = [shown.ask(f"return blocksOf({session}, 'x', {n})") for n in range(8)]
    counts = [sum(blocks.count(block) for blocks in given) for block in range(4)]
    assert counts == [4, 4, 4, 4]


# These make other sessions in place of the one that the tests above open.
def answered(workflow, procedure: str, score, *further: str) -> tuple[Path, list[dict[str, str]]]:
    """Make a session of another procedure; ``score(row, rater)`` are answers on rows of its key."""
    config = CONFIG % "" + f"  procedure: {procedure}\n" + "".join(f"  {key}\n" for key in further)
    workflow.write("other.yaml", config.replace("  ratings: []\n", ""))
    workflow.run("--configfile", "other.yaml", "--", "subjective_session")
    key = read_csv(workflow.folder / "results/subjective/stimuli.csv")
    lines = ["subject,stimulus,score,time,level"]
    for rater in range(4):
        for row in key:
            given = score(row, rater)
            if given is not None:
                lines.append(f"p{rater},{row['stimulus']},{given},2024-05-31T14:02:11Z,1")
    workflow.write("votes.csv", "\n".join(lines) + "\n")
    workflow.write("other.yaml", config.replace("ratings: []", "ratings: [votes.csv]"))
    return workflow.folder / "results/subjective", key


def test_preferences_come_from_the_rule(workflow):
    results, key = answered(
        workflow,
        "pairs",
        lambda row, rater: 1 if int(row["qp"]) < 30 else 0,
        "pair_by: rate",
        "max_rate_difference: 10",  # x265 has whole QPs alone, and the clip is tiny
    )
    differences = [abs(float(row["rate_difference_pct"])) for row in key]
    assert len(key) == 4 and max(differences) < 10
    assert {int(row["anchor_qp"]) for row in key} - {22, 27, 32, 37}  # coded for the pairs
    workflow.run("--configfile", "other.yaml", "--", "analyse_preferences")
    table = {row["qp"]: row for row in read_csv(results / "tables/preferences.csv")}
    assert {qp: float(row["share_pct"]) for qp, row in table.items()} == {
        "": 75, "22": 100, "27": 100, "32": 50, "37": 50,
    }  # fmt: skip
    largest = table[""]["largest_rate_difference_pct"]
    assert float(largest) == max(differences)
    assert (results / "tables/preferences.html").is_file()
    mild = (workflow.folder / "other.yaml").read_text()
    strict = mild.replace("difference: 10", "difference: 0.01")
    workflow.write("strict.yaml", strict)
    said = workflow.run("--configfile", "strict.yaml", "--", "subjective_session", check=False)
    assert said.returncode and "are not of equal rate" in said.stdout
    assert "Traceback" not in said.stdout


def test_jnd_samples_come_from_the_rule(workflow):
    ladder = {27: 0, 32: 1, 37: None, 22: None}  # the bisection of one who sees from QP 32 on
    results, key = answered(
        workflow, "jnd", lambda row, rater: ladder[int(row["qp"])] if row["qp"] else None
    )
    assert [row["qp"] for row in key] == ["", "22", "27", "32", "37"]
    workflow.run("--configfile", "other.yaml", "--", "collect_jnd_samples")
    (label,) = read_csv(results / "jnd/labels.csv")
    assert (label["source"], label["value"], label["subjects"]) == ("bikes_tiny", "32.0", "4")
    assert (results / "jnd/samples/bikes_tiny.txt").read_text() == "32\n" * 4
