"""Every procedure of the rating page in a real browser, by keyboard, and its answers analysed."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from snakemake.iocontainers import Namedlist

from jndlab.datasets.jnd_labels import read_labels
from jndlab.datasets.mcl_jcv import read_samples
from jndlab.files import read_csv, read_json, write_csv
from jndlab.media.pictures import write_png
from jndlab.quality.points import POINT_COLUMNS, with_savings, write_points
from jndlab.subjective.answers import RECORD_COLUMNS, read_answers
from jndlab.subjective.jnd_search import read_searches, write_samples
from jndlab.subjective.preferences import preference_table, read_pairs, read_votes
from jndlab.subjective.rating_page import LANGUAGES
from jndlab.subjective.rating_tables import rater_table
from jndlab.subjective.ratings import read_ratings, read_stimuli
from rating_sessions import RatingPage, coded_clips, make_session
from workflow_runner import REPOSITORY

SCREENING = {"questions": True, "display_check": True, "full_screen": True, "fit_screen": True}


@pytest.fixture
def page(browser, tmp_path) -> RatingPage:
    return RatingPage(browser, tmp_path / "downloads")


def test_dcr_with_repeats_and_checks_is_recorded_whole(page, tmp_path):
    options = {"repeats": 2, "attention_checks": 2, "training_pairs": 2, "break_every": 6}
    page.open(make_session(tmp_path, screening=SCREENING, **options))
    page.start("anna")
    assert page.rate(lambda n: 1 + n % 5) == ["training", "ready", "break", "break", "thanks"]
    assert not page.complaints()
    rows = read_csv(page.saved())
    assert list(rows[0]) == list(RECORD_COLUMNS)
    assert Counter(row["kind"] for row in rows) == {
        "training": 2, "test": 10, "repeat": 2, "check": 2,
    }  # fmt: skip
    assert [int(row["position"]) for row in rows] == list(range(16))
    assert all(row["score"] == row["expected"] for row in rows if row["kind"] == "check")
    for row in rows:
        assert (row["acuity"], row["colour_vision"], row["display_check"]) == (
            "yes",
            "yes",
            "passed",
        )
        assert row["full_screen"] == "1" and float(row["refresh_hz"]) > 5 and row["browser"]
        assert float(row["vote_seconds"]) >= 0 and int(row["frames"]) > 0
    first = {row["stimulus"]: row["score"] for row in rows if row["kind"] == "test"}
    order = [row["stimulus"] for row in rows if row["kind"] != "training"]
    again = [row for row in rows if row["kind"] == "repeat"]
    for row in again:
        assert order.index(row["stimulus"]) < int(row["position"]) - 2
    copy = tmp_path / "ben.csv"
    copy.write_text(page.saved().read_text().replace("anna,", "ben,"))
    key = tmp_path / "stimuli.csv"
    ratings = read_ratings([page.saved(), copy], read_stimuli(key))
    assert ratings.scores.shape == (10, 2)
    raters = rater_table(ratings)
    assert list(raters["checks"]) == [2, 2] and list(raters["checks_failed"]) == [0, 0]
    expected = np.mean([abs(int(row["score"]) - int(first[row["stimulus"]])) for row in again])
    assert raters["repeat_difference"].to_numpy() == pytest.approx(expected)


def test_acr_in_two_sittings_with_a_reload_in_the_middle(page, tmp_path):
    minutes = 5 * (5 / 25 + 0.02 + 4) / 60 + 0.001  # of five of the ten clips
    address = make_session(tmp_path, procedure="acr", max_minutes=minutes, language="de")
    page.open(address)
    page.start("anna")
    page.rate(lambda _: 4, most=2)
    page.open(address)  # a reload
    page.start("anna")
    assert page.rate(lambda _: 2) == ["welcome_back", "thanks"]
    first = read_csv(page.saved())
    assert [row["score"] for row in first] == ["4"] * 2 + ["2"] * 3
    assert "1" in page.text("message-text")  # a sitting is left
    page.open(address)
    page.start("anna")
    assert page.rate(lambda _: 5) == ["thanks"]
    second = read_csv(page.saved())
    blocks = {row["stimulus"]: row["block"] for row in read_csv(tmp_path / "stimuli.csv")}
    assert {row["stimulus"] for row in first + second} == set(blocks)
    for rows in (first, second):
        assert len({blocks[row["stimulus"]] for row in rows}) == 1
        assert {row["block"] for row in rows} == {blocks[rows[0]["stimulus"]]}
    page.open(address)
    page.start("anna")
    assert page.rate(lambda _: 1) == ["thanks"]  # nothing is left
    tables = analysed(tmp_path, first + second)
    given = {row["stimulus"]: float(row["score"]) for row in first + second}
    of = {row["stimulus"]: row for row in read_csv(tmp_path / "stimuli.csv")}
    key = ("sequence", "method", "qp")
    expected = {tuple(of[name][part] for part in key): score for name, score in given.items()}
    scores = [row for row in read_csv(tables / "scores.csv") if row["model"] == "mos"]
    assert len(scores) == 10
    for row in scores:
        hidden = not row["qp"]
        own = expected[row["sequence"], "" if hidden else row["method"], row["qp"]]
        source = expected[row["sequence"], "", ""]
        assert float(row["mos"]) == own  # both raters gave the same
        assert hidden or float(row["differential_score"]) == own - source + 5  # ACR-HR
    assert [row["votes"] for row in read_csv(tables / "raters.csv")] == ["10", "10"]


def analysed(folder: Path, rows: list[dict[str, str]]) -> Path:
    """Tables of the rule `analyse_ratings` on the answers of one person, given by two."""
    for subject in ("anna", "ben"):
        own = [{**row, "subject": subject} for row in rows]
        write_csv(folder / f"{subject}.csv", own, RECORD_COLUMNS)
    coded = [row for row in read_csv(folder / "stimuli.csv") if row["qp"]]
    names = ("sequence", "configuration", "codec", "method")
    points = pd.DataFrame(
        {**{name: row[name] for name in names}, "qp": int(row["qp"]), "content": "demo",
         "bits": 10**6 // int(row["qp"]), "bitrate_kbps": 1000 / int(row["qp"]), "vmaf_mean": 80.0}
        for row in coded
    )  # fmt: skip
    points = with_savings(points.reindex(columns=POINT_COLUMNS).astype({"qp": int}))
    write_points(points, folder / "points.parquet")
    tables = ("scores", "raters", "paired_tests", "bd_rate_mos", "headline", "headline_comparison")
    figures = ("rating_histograms", "mos_over_rate_mos")
    outputs = {name: str(folder / f"tables/{name}.csv") for name in tables}
    outputs |= {name: str(folder / f"figures/{name}.png") for name in figures}
    scripts = REPOSITORY / "workflow_scripts/subjective"
    snakemake = SimpleNamespace(
        input=SimpleNamespace(
            ratings=[str(folder / "anna.csv"), str(folder / "ben.csv")],
            stimuli=str(folder / "stimuli.csv"),
            points=str(folder / "points.parquet"),
        ),
        output=Namedlist(fromdict=outputs),
        params=Namedlist(
            fromdict={
                "scale": [1, 5], "max_failed_checks": None, "models": ["mos"], "anchor": "anchor",
                "interpolation": "pchip", "classes": {}, "trained": [],
            }
        ),
        log=[str(folder / "log.txt")],
        scriptdir=str(scripts),
    )  # fmt: skip
    runpy.run_path(str(scripts / "analyse_ratings.py"), init_globals={"snakemake": snakemake})
    return folder / "tables"


def test_pairs_are_shown_in_both_orders_and_scored_for_the_method(page, tmp_path):
    sequences = ("bikes", "bunny", "cats", "dogs")
    page.open(make_session(tmp_path, coded_clips(tmp_path, sequences), procedure="pairs"))
    key = {row["stimulus"]: row for row in read_csv(tmp_path / "stimuli.csv")}
    of_method = {row["file"] for row in key.values()}

    def prefer_the_method(number: int) -> int:
        return 3 if number == 7 else 1 + (page.shown[0] not in of_method)

    page.start("anna")
    page.rate(prefer_the_method)
    rows = read_csv(page.saved())
    assert [row["score"] for row in rows] == ["1"] * 7 + ["0"]
    assert {row["swapped"] for row in rows} == {"0", "1"}
    copies = [page.saved()]
    for name in ("ben", "cleo"):
        copies.append(tmp_path / f"{name}.csv")
        copies[-1].write_text(page.saved().read_text().replace("anna,", f"{name},"))
    pairs = read_pairs(tmp_path / "stimuli.csv")
    table = preference_table(pairs, read_votes(copies, pairs), "anchor")
    whole = table[table["qp"].isna()].iloc[0]
    assert (whole["votes"], whole["raters"], whole["share_pct"]) == (24, 3, 100 * 7.5 / 8)
    assert whole["scale"] == pytest.approx(np.log((21 + 1.5 + 0.5) / (1.5 + 0.5)))


def test_a_forced_choice_has_no_third_answer(page, tmp_path):
    page.open(make_session(tmp_path, procedure="pairs", ties=False))
    page.start("anna")
    page.go_on()
    page.press("3")
    assert page.ask("return document.querySelectorAll('.choice').length") == 2
    assert page.ask("return document.getElementById('confirm').disabled")
    page.rate(lambda _: 2)
    assert {row["score"] for row in read_csv(page.saved())} <= {"1", "-1"}


@pytest.mark.parametrize("seen_from", [23, 30, 99])
def test_a_search_finds_the_jnds_of_a_subject(page, tmp_path, seen_from):
    """A subject who sees a change of level n from QP ``seen_from`` + 4 (n - 1) on."""
    qps = tuple(range(20, 41))
    clips = coded_clips(tmp_path, ("SRC01",), ("anchor",), qps)
    address = make_session(tmp_path, clips, procedure="jnd", attention_checks=1, jnd_levels=2)
    page.open(address)
    qp_of = {row["file"]: int(row["qp"] or 0) for row in read_csv(tmp_path / "stimuli.csv")}

    def answer(_: int) -> int:
        reference, compared = (qp_of[name] for name in page.shown)
        limit = seen_from if reference == 0 else reference + 4
        return 2 if compared >= limit else 1

    page.start("anna")
    page.rate(answer, most=3)
    page.open(address)  # the search goes on where it was
    page.start("anna")
    assert page.rate(answer)[-1] == "thanks"
    rows = read_csv(page.saved())
    assert sum(row["kind"] == "check" for row in rows) == 1
    subjects, samples = read_searches([page.saved()], tmp_path / "stimuli.csv", 0)
    found = [float(level[0]) for level in samples.values["SRC01"]]
    expected = [seen_from, seen_from + 4]
    if seen_from == 99:
        assert all(np.isnan(found))
        return
    assert subjects == ["anna"] and found == expected
    assert len([row for row in rows if row["kind"] == "test"]) <= 10  # 21 QPs, two levels
    write_samples(tmp_path / "jnd", subjects, samples)
    again = read_samples(tmp_path / "jnd", ["SRC01"])
    assert [float(level[0]) for level in again.values["SRC01"][:2]] == expected


def command(*arguments: object) -> str:
    script = REPOSITORY / "workflow_scripts/commands/jnd_pictures.py"
    done = subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True
    )
    return done.stdout + done.stderr


def test_picture_sessions_have_a_consent_text_and_a_limit(tmp_path):
    (tmp_path / "pictures").mkdir()
    for name in "ab":
        write_png(tmp_path / f"pictures/{name}.png", np.zeros((16, 16, 3), np.uint8))
    (tmp_path / "consent.txt").write_text("I agree.")
    given = (tmp_path, "--pictures", tmp_path / "pictures", "--qualities", 10, 50, 90)
    consent = ("--consent", tmp_path / "consent.txt")
    # A picture is two questions of 14 s; training is as long, a check is one question.
    for minutes, blocks in ((1.2, 2), (30, 1)):
        assert "open " in command(*given, *consent, "--max-minutes", minutes)
        session = (tmp_path / "session/session.js").read_text()
        assert '"consent": "I agree."' in session and f'"blocks": {blocks},' in session
    for wrong, said in (("1", "max_minutes"), ("nan", "--max-minutes above 0")):
        complaint = command(*given, "--max-minutes", wrong)
        assert said in complaint and "Traceback" not in complaint
    complaint = command(*given, "--consent", tmp_path / "absent.txt")
    assert "absent.txt" in complaint and "Traceback" not in complaint


def test_pictures_flicker_in_one_place_and_get_labels(page, tmp_path):
    (tmp_path / "pictures").mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    write_png(tmp_path / "pictures/kodim01.png", picture)
    qualities = (10, 30, 50, 70, 90)
    made = command(tmp_path, "--pictures", tmp_path / "pictures", "--qualities", *qualities)
    assert "Traceback" not in made
    shortened = (
        (tmp_path / "session/session.js").read_text().replace('"seconds": 4.0', '"seconds": 0.4')
    )
    (tmp_path / "session/session.js").write_text(shortened)
    page.open(tmp_path / "session/index.html")
    page.start("anna")
    page.ask(
        "window.places = new Set();"
        "new MutationObserver((found) => found.forEach(({ target }) => {"
        "  if (target.classList.contains('shown') && target.tagName === 'IMG')"
        "    window.places.add(JSON.stringify(target.getBoundingClientRect()) + target.src);"
        "})).observe(document.getElementById('stage'), { attributes: true, subtree: true });"
    )
    quality = {row["file"]: int(row["qp"] or 101) for row in read_csv(tmp_path / "stimuli.csv")}
    page.rate(lambda _: 2 if quality[page.shown[1]] <= 50 else 1)
    places = page.ask("return [...window.places]")
    assert len(places) >= 2 and len({place.split("}")[0] for place in places}) == 1
    assert not page.complaints()
    assert "1 labels of 1 subjects" in command(tmp_path, "--ratings", page.saved())
    (label,) = read_labels(tmp_path / "jnd/labels.csv", levels=1).rows
    assert (label.source, label.unit, label.value) == ("kodim01", "QF", 50)


def test_a_trial_can_be_seen_again_as_often_as_allowed(page, tmp_path):
    page.open(make_session(tmp_path, replays=2))
    page.start("anna")
    page.go_on()
    for _ in range(2):
        page.press("r")
        page.wait(lambda: page.screen == "play")
        page.go_on()
    assert page.ask("return document.getElementById('again').hidden")
    page.rate(lambda _: 3)
    assert [row["replays"] for row in read_csv(page.saved())] == ["2"] + ["0"] * 9


def test_unfit_screens_windows_and_wrong_digits_are_refused(page, tmp_path):
    big = coded_clips(tmp_path)
    for clip in big:
        clip.metadata["width"] = 9000
    page.open(make_session(tmp_path, big, screening=SCREENING))
    assert page.ask("return document.querySelector('#start button').disabled")
    assert "9000 x 48" in page.text("warning")

    fast = coded_clips(tmp_path)
    for clip in fast:
        clip.metadata["seconds"] = 0.001
    page.open(make_session(tmp_path, fast, screening=SCREENING))
    assert "5000 frames" in page.text("warning")

    nasty = tmp_path / "consent.txt"
    nasty.write_text('I\'m "asked"\n<b>here</b> </script><script>window.hacked = 1</script>')
    page.open(make_session(tmp_path, screening={**SCREENING, "consent": str(nasty)}))
    page.press("anna", "\ue007")
    page.wait(lambda: page.screen == "setup")
    assert page.text("consent-text") == nasty.read_text()
    assert page.ask("return window.hacked === undefined")
    page.press(" ", "\ue004", " ", "\ue004", " ", "\ue004", "000000", "\ue007")
    page.wait(lambda: not page.ask("return document.getElementById('setup-warning').hidden"))
    assert page.screen == "setup" and "digits" in page.text("setup-warning")
    page.ask("document.documentElement.requestFullscreen = () => Promise.reject(new Error('no'));")
    page.press(page.text("dark") + page.text("light"), "\ue007")
    page.wait(lambda: "full screen" in page.text("setup-warning"))
    assert page.screen == "setup"


@pytest.mark.parametrize("language", ["de", "fr"])
def test_the_page_speaks_other_languages(page, tmp_path, language):
    page.open(make_session(tmp_path, language=language))
    texts = read_json(LANGUAGES / f"{language}.json")
    assert page.ask("return document.documentElement.lang") == language
    assert page.text("title") == texts["dcr_title"]
    body = page.ask("return document.body.textContent")
    for name in ("advice_place", "digits", "confirm", "dcr_question", "dcr_4"):
        assert texts[name] in body


def test_everything_has_a_label_and_a_place_in_the_order_of_tabs(page, tmp_path):
    page.open(make_session(tmp_path, screening=SCREENING))
    unnamed = page.ask(
        "return [...document.querySelectorAll('input, button, video, section')]"
        ".filter((e) => e.matches('input') && !e.labels.length"
        " || e.matches('button') && e.id !== 'go-on' && e.id !== 'again' && !e.textContent)"
        ".map((e) => e.outerHTML)"
    )
    assert not unnamed
    page.start("anna")
    page.go_on()
    page.press("\ue004", "\ue004")  # without a grade nothing can be confirmed: the choices again
    page.press("5", "\ue004")
    assert page.ask("return document.activeElement.id") == "confirm"


def contrast(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Contrast ratio of two sRGB colours (WCAG 2)."""

    def luminance(colour: tuple[float, ...]) -> float:
        channels = np.array(colour) / 255
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_texts_have_a_contrast_of_four_and_a_half(page, tmp_path):
    page.open(make_session(tmp_path))
    page.start("anna")
    page.go_on()
    page.press("5")
    found = page.ask(
        "const back = (e) => { for (; e; e = e.parentElement) {"
        "  const colour = getComputedStyle(e).backgroundColor;"
        "  if (colour !== 'rgba(0, 0, 0, 0)') return colour; } };"
        "return [...document.querySelectorAll('#vote :is(legend, span, kbd, button, p), header p')]"
        ".filter((e) => e.textContent.trim() && e.offsetParent)"
        ".map((e) => [e.textContent, getComputedStyle(e).color, back(e)]);"
    )
    assert len(found) > 10
    for text, ink, paper in found:
        colours = [
            tuple(float(n) for n in colour.split("(")[1].rstrip(")").split(",")[:3])
            for colour in (ink, paper)
        ]
        assert contrast(*colours) >= 4.5, text


def test_records_of_a_file_are_answers(tmp_path):
    path = tmp_path / "r.csv"
    row = {name: "" for name in RECORD_COLUMNS}
    row |= {"subject": 'O\'Neil "<b>"', "stimulus": "a", "score": "2", "kind": "check"}
    row |= {"expected": "3", "time": "2024-05-31T14:02:11Z"}
    cells = ['"' + text.replace('"', '""') + '"' for text in row.values()]
    path.write_text(",".join(RECORD_COLUMNS) + "\n" + ",".join(cells) + "\n")
    (answer,) = read_answers([path], ["a"], (1, 5))
    assert answer.failed and answer.subject == 'O\'Neil "<b>"'
    assert read_answers([path], ["a"], (1, 5), max_failed_checks=0) == []


def test_sessions_of_other_folders_do_not_meet(tmp_path):
    """Blind names and the session's name follow what is shown, so storage in a browser is apart."""
    first = make_session(tmp_path)
    name = first.parent / "session.js"
    text = name.read_text()
    make_session(tmp_path, seed=1)
    assert name.read_text() != text and Path(name).exists()
