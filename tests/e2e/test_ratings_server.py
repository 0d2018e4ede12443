"""The server of a rating session: many browsers at once, killed, restarted, and nothing is lost."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from jndlab.files import read_csv, read_json
from jndlab.subjective.ratings import read_ratings, read_stimuli
from jndlab.subjective.server import stimuli_of
from rating_sessions import RatingPage, make_session
from workflow_runner import REPOSITORY

NAMES = ['O\'Neil "<b>"', "Zoë, the 2nd"]


class Lab:
    """A configuration whose session is made, and the server's command on it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder / "results/subjective"
        self.folder.mkdir(parents=True)
        make_session(self.folder, **options)
        config = yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text())
        self.config = folder / "lab.yaml"
        self.config.write_text(yaml.safe_dump(config | {"results_dir": str(folder / "results")}))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def command(self) -> list[str]:
        script = REPOSITORY / "workflow_scripts/commands/ratings_server.py"
        return [sys.executable, str(script), "--configfile", str(self.config)]

    @contextmanager
    def serving(self, subjects: str) -> Iterator[subprocess.Popen]:
        started = subprocess.Popen(
            [*self.command, "--subjects", subjects, "--port", str(self.port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while not self.answers():
                assert started.poll() is None and time.monotonic() < deadline, "it does not start"
                time.sleep(0.05)
            yield started
        finally:
            started.send_signal(signal.SIGINT)
            started.communicate(timeout=30)

    def answers(self) -> bool:
        with socket.socket() as asked:
            return asked.connect_ex(("127.0.0.1", self.port)) == 0

    def links(self) -> dict[str, str]:
        rows = read_csv(self.folder / "collected/links.csv")
        return {row["subject"]: row["link"] for row in rows}

    def exported(self) -> list[dict[str, str]]:
        subprocess.run([*self.command, "--export"], check=True, capture_output=True)
        return read_csv(self.folder / "collected/ratings.csv")


def send(address: str, body: Any = None) -> tuple[int, bytes]:
    """Status and body of a request; a body is posted as JSON (bytes as they are)."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def votes_of(lab: Lab, subject: str, count: int) -> list[dict[str, Any]]:
    text = (lab.folder / "session/session.js").read_text("utf-8")
    session = json.loads(text.split("const SESSION = ")[1].rstrip().rstrip(";"))
    stimuli = sorted(stimuli_of(session))
    return [
        {"stimulus": stimuli[n % len(stimuli)], "score": 1 + n % 5, "block": 0, "position": n,
         "step": 0, "kind": "test", "time": "2024-05-31T14:02:11Z", "browser": subject}
        for n in range(count)
    ]  # fmt: skip


def test_nothing_is_readable_or_writable_without_a_token(tmp_path):
    lab = Lab(tmp_path)
    with lab.serving("2"):
        (first, link), (_, other) = lab.links().items()
        root = link.split("/s/")[0]
        for path in ("/", "/session.js", "/s/", "/s/wrong/", "/s/wrong/votes", "/s/../stimuli.csv"):
            assert send(root + path)[0] == 404, path
        outside = ("../stimuli.csv", "..%2fstimuli.csv", "%2e%2e/stimuli.csv", "clips/../../x")
        for path in (*outside, "%00", "x" * 3000):
            assert send(link + path)[0] == 404, path
        assert send(root + "/s/wrong/votes", votes_of(lab, first, 1)[0])[0] == 404
        assert b"SESSION" in send(link + "session.js")[1]
        assert send(link + "votes", votes_of(lab, first, 1)[0])[0] == 200
        assert json.loads(send(other + "votes")[1])["votes"] == []
    assert (lab.folder / "collected/links.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON", b"[]", b"{}", b"x" * 100_000, b"[" * 15_000, b"\xff",
        {"position": "1"}, {"position": -1},
        {"step": 10**9}, {"score": "5"}, {"score": 1e9}, {"stimulus": "unknown"},
        {"browser": "x" * 5000}, {"browser": ["x"]}, {"browser": "\ud800"},
        {"frames": float("inf")},
    ],
)  # fmt: skip
def test_what_is_no_vote_is_refused(lab_of_all, body):
    lab, link = lab_of_all
    given = body if isinstance(body, bytes) else votes_of(lab, "p01", 1)[0] | body
    status, text = send(link + "votes", given)
    assert 400 <= status < 500 and b"Traceback" not in text
    assert json.loads(send(link + "votes")[1])["votes"] == []


@pytest.fixture(scope="module")
def lab_of_all(tmp_path_factory) -> Iterator[tuple[Lab, str]]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    with lab.serving("1"):
        yield lab, lab.links()["p01"]


def test_two_subjects_at_once_with_a_reload_and_names_of_any_text(
    started_browser, browser, tmp_path
):
    lab = Lab(tmp_path, repeats=1, attention_checks=1)
    names = tmp_path / "names.txt"
    names.write_text("\n".join(NAMES), encoding="utf-8")
    with lab.serving(str(names)), started_browser() as second:
        pages = [RatingPage(driver, tmp_path / "d") for driver in (browser, second)]
        links = [lab.links()[name] for name in NAMES]
        for page, link in zip(pages, links, strict=True):
            page.open(link)
            page.start()
        for page in pages:
            page.rate(lambda _: 4, most=3)
        pages[0].driver.delete_all_cookies()
        pages[0].ask("localStorage.clear()")  # another computer: the server has the votes
        pages[0].open(links[0])
        pages[0].start()
        assert pages[0].rate(lambda _: 2) == ["welcome_back", "thanks_served"]
        assert pages[1].rate(lambda _: 5) == ["thanks_served"]
        assert not [c for page in pages for c in page.complaints()]
    rows = lab.exported()
    for name in NAMES:
        own = [row for row in rows if row["subject"] == name]
        assert [int(row["position"]) for row in own] == list(range(12))
    ratings = read_ratings(
        [lab.folder / "collected/ratings.csv"], read_stimuli(lab.folder / "stimuli.csv")
    )
    assert set(ratings.subjects) == set(NAMES) and ratings.scores.shape == (10, 2)
    exchanged = read_json(lab.folder / "collected/ratings.sujson.json")
    assert len(exchanged["trials"]) == len(exchanged["scores"]) == 20
    assert {subject["name"] for subject in exchanged["subjects"]} == set(NAMES)


def test_a_page_waits_for_a_server_that_is_away(browser, tmp_path):
    lab = Lab(tmp_path)
    page = RatingPage(browser, tmp_path / "d")
    with lab.serving("1") as server:
        page.open(lab.links()["p01"])
        page.start()
        page.rate(lambda _: 4, most=2)
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        page.press("3", "\ue007")
        page.wait(lambda: "Waiting" in page.text("progress-text"))
    with lab.serving("1"):
        page.wait(lambda: page.screen == "play" or "Waiting" not in page.text("progress-text"))
        # Clips of a server that was away may fail to load: the page opened again goes on.
        page.open(lab.links()["p01"])
        page.start()
        assert page.rate(lambda _: 5)[-1] == "thanks_served"
    rows = lab.exported()
    assert [row["score"] for row in rows] == ["4", "4", "3", *["5"] * 7]


def test_fifty_subjects_at_once_and_a_killed_server_lose_and_double_nothing(tmp_path):
    lab, count = Lab(tmp_path), 20
    with lab.serving("50") as server:
        links = lab.links()
        assert len(links) == 50
        acknowledged: dict[str, int] = {}

        def rate(name: str, link: str) -> None:
            for number, vote in enumerate(votes_of(lab, name, count)):
                try:
                    status, _ = send(link + "votes", vote)
                except (OSError, http.client.HTTPException):
                    return
                assert status == 200
                acknowledged[name] = number + 1

        threads = [threading.Thread(target=rate, args=item) for item in links.items()]
        for thread in threads:
            thread.start()
        while sum(acknowledged.values()) < 300:
            time.sleep(0.005)
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        for thread in threads:
            thread.join()
    before = sum(acknowledged.values())
    assert 300 <= before < 50 * count
    with lab.serving("50"):
        assert lab.links() == links  # the same tokens
        for name, link in links.items():
            kept = json.loads(send(link + "votes")[1])["votes"]
            assert len(kept) >= acknowledged.get(name, 0)
        began = time.monotonic()
        # Every browser sends everything again, twice.
        threads = [threading.Thread(target=rate, args=item) for item in [*links.items()] * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
    assert seconds < 60, f"{50 * count * 2} votes took {seconds:.0f} s"
    rows = lab.exported()
    assert len(rows) == 50 * count
    for name in links:
        own = [row for row in rows if row["subject"] == name]
        assert [int(row["position"]) for row in own] == list(range(count))
        assert all(row["browser"] == name for row in own)
        assert [row["score"] for row in own] == [str(1 + n % 5) for n in range(count)]
