"""A rating session in a real browser: clicked through, resumed, and its ratings analysed."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jndlab.files import read_csv
from workflow_runner import Workflow

CONFIG = """
results_dir: results
sequences: [bikes_tiny]
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
  {clip_seconds: 0.3, pause_seconds: 0.1, training_pairs: 2, break_every: 6, ratings: [%s]}
"""
PAIRS = 9  # two methods at four QPs, and the hidden reference
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
PATIENCE = 30


class Browser:
    """Chromium with the page open, driven by keys alone."""

    def __init__(self, downloads: Path) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in (*ARGUMENTS, "--window-size=1280,800"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.downloads = downloads

    def open(self, page: Path) -> None:
        self.driver.get(page.as_uri())
        self.wait(lambda: self.screen == "welcome")

    @property
    def screen(self) -> str:
        return self.ask("return document.body.dataset.screen")

    @property
    def title(self) -> str:
        return self.ask("return document.getElementById('message-title').textContent")

    def ask(self, script: str):
        return self.driver.execute_script(script)

    def press(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def wait(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"the page stays at {self.screen}: {self.title}"
            time.sleep(0.02)

    def start(self, subject: str) -> None:
        self.press(subject, "\ue007")
        self.wait(lambda: self.screen != "welcome")

    def go_on(self) -> tuple[str, str]:
        """Wait for the next vote or message, and say which."""
        self.wait(lambda: self.screen in ("vote", "message"))
        return self.screen, self.title

    def vote(self, grade: int) -> None:
        self.press(str(grade), "\ue007")
        self.wait(lambda: self.screen != "vote")

    def answer(self) -> None:
        """Leave a message by the button that has the focus."""
        title = self.title
        self.press("\ue007")
        self.wait(lambda: self.screen != "message" or self.title != title)

    def rate(self, grades: Callable[[int], int], stop_after: int = PAIRS) -> list[str]:
        """Go on with the session, giving ``grades(n)`` to the n-th pair that counts.

        Returns the titles of the messages that came. Ends at the last message, or with the vote
        after ``stop_after`` ratings on screen.
        """
        titles = []
        while True:
            screen, title = self.go_on()
            if screen == "message":
                titles.append(title)
                if title in ("Thank you!", "Something went wrong"):
                    return titles
                self.answer()
                continue
            progress = self.ask("return document.getElementById('progress-text').textContent")
            number = int(progress.split()[1])
            if progress.startswith("Training"):
                self.vote(1)
            elif number > stop_after:
                return titles
            else:
                self.vote(grades(number))

    def saved(self) -> Path:
        self.wait(lambda: list(self.downloads.glob("*.csv")))
        return next(self.downloads.glob("*.csv"))

    def complaints(self) -> list[dict]:
        return [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


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


@pytest.fixture
def browser(tmp_path) -> Iterator[Browser]:
    started = Browser(tmp_path)
    yield started
    started.driver.quit()


@pytest.fixture(scope="module")
def anna(workflow, tmp_path_factory) -> tuple[Path, list[str], list[dict], bool]:
    """A whole session by keyboard: the file saved, the messages, console errors, full screen."""
    browser = Browser(tmp_path_factory.mktemp("anna"))
    try:
        browser.open(workflow.folder / "results/subjective/session/index.html")
        browser.start("anna")
        full = browser.ask("return document.fullscreenElement !== null")
        titles = browser.rate(lambda number: 1 + number % 5)
        return browser.saved(), titles, browser.complaints(), full
    finally:
        browser.driver.quit()


def test_a_whole_session_by_keyboard(anna, workflow):
    path, titles, complaints, full_screen = anna
    assert titles == ["Training", "Ready?", "Time for a break", "Thank you!"]
    assert not complaints and full_screen
    rows = read_csv(path)
    assert [row["score"] for row in rows] == [str(1 + number % 5) for number in range(1, 10)]
    assert {row["subject"] for row in rows} == {"anna"} and path.name.startswith("ratings_anna_")
    shown = [
        row["stimulus"] for row in read_csv(workflow.folder / "results/subjective/stimuli.csv")
    ]
    given = [row["stimulus"] for row in rows]
    assert sorted(given) == sorted(shown) and given != shown
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_a_broken_off_session_goes_on_and_is_analysed(anna, browser, page, workflow):
    browser.open(page)
    browser.start("ben")
    assert browser.rate(lambda _: 4, stop_after=3) == ["Training", "Ready?"]
    browser.open(page)
    browser.start("ben")
    titles = browser.rate(lambda _: 2)
    assert titles == ["Welcome back", "Time for a break", "Thank you!"]
    rows = read_csv(browser.saved())
    assert [row["score"] for row in rows] == ["4"] * 3 + ["2"] * 6
    assert len({row["stimulus"] for row in rows}) == PAIRS
    assert [row["stimulus"] for row in rows] != [row["stimulus"] for row in read_csv(anna[0])]

    files = f"'{anna[0]}', '{browser.saved()}'"
    workflow.write("analysis.yaml", CONFIG % files)
    workflow.run("--configfile", "analysis.yaml", "--", "analyse_ratings")
    results = workflow.folder / "results/subjective"
    given = {}
    for path in (anna[0], browser.saved()):
        for row in read_csv(path):
            given.setdefault(row["stimulus"], []).append(int(row["score"]))
    names = {
        (row["method"] or "hidden reference", row["qp"]): row["stimulus"]
        for row in read_csv(results / "stimuli.csv")
    }
    scores = [row for row in read_csv(results / "tables/scores.csv") if row["model"] == "mos"]
    assert len(scores) == PAIRS
    for row in scores:
        expected = sum(given[names[row["method"], row["qp"]]]) / 2
        assert float(row["mos"]) == pytest.approx(expected)
    for name in ("rating_histograms", "mos_over_rate_bt500", "mos_over_rate_p910"):
        assert (results / f"figures/{name}.png").stat().st_size > 5000

    browser.saved().write_text("\n".join(browser.saved().read_text().splitlines()[:-1]) + "\n")
    said = workflow.run("--configfile", "analysis.yaml", "--", "analyse_ratings", check=False)
    assert said.returncode and "session of subject 'ben' is incomplete" in said.stdout
    assert "Traceback" not in said.stdout


def test_mouse_and_arrow_keys_rate_as_well_and_nothing_moves(browser, page):
    browser.open(page)
    browser.start("cleo")
    browser.answer()
    browser.go_on()
    places = (
        "return [...document.querySelectorAll('#ballot *')].map(e => e.getBoundingClientRect().y)"
    )
    before = browser.ask(places)
    assert browser.ask("return document.getElementById('confirm').disabled")
    browser.press("\ue007")  # Enter without a grade does nothing
    assert browser.screen == "vote"
    browser.press("5", "\ue015")  # arrow down: the next grade below
    assert browser.ask("return new FormData(document.getElementById('ballot')).get('grade')") == "4"
    assert browser.ask(places) == before
    browser.driver.find_element("css selector", "label.choice:last-child").click()
    assert browser.ask("return new FormData(document.getElementById('ballot')).get('grade')") == "1"
    browser.driver.find_element("id", "confirm").click()
    browser.wait(lambda: browser.screen != "vote")
    assert not browser.complaints()


def test_a_clip_that_cannot_be_played_is_told(browser, page, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(page.parent, broken)
    for clip in (broken / "clips").iterdir():
        clip.write_bytes(b"no video")
    browser.open(broken / "index.html")
    browser.start("dora")
    assert browser.rate(lambda _: 1) == ["Training", "Something went wrong"]
    assert ".mp4" in browser.ask("return document.getElementById('message-text').textContent")


def test_names_that_would_spoil_the_table_are_refused(browser, page):
    browser.open(page)
    browser.press("a,b", "\ue007")
    assert browser.screen == "welcome"


def test_orders_are_random_fixed_by_subject_and_mix_contents(browser, page):
    browser.open(page)
    browser.driver.execute_script(
        "window.pairs = [0, 1, 2].flatMap((c) => [...Array(c === 2 ? 7 : 4).keys()].map("
        "(n) => ({ reference: `r${c}`, stimulus: `s${c}${n}` })));"
    )

    def order(seed, subject):
        told = f"return orderOf(window.pairs, {seed}, '{subject}').map((p) => p.stimulus)"
        return browser.ask(told)

    orders = [order(0, f"p{n}") for n in range(40)]
    assert order(0, "p7") == orders[7] and order(1, "p7") != orders[7]
    assert len({tuple(found) for found in orders}) == 40
    assert all(len(set(found)) == 15 for found in orders)
    assert len({found[0] for found in orders}) > 6
    for found in orders:  # 7 of 15 pairs are of one content: still never twice in a row
        assert all(a[:2] != b[:2] for a, b in itertools.pairwise(found))
