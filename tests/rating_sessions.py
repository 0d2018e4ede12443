"""Rating sessions of tiny clips, and the page of one in a browser, driven by keys alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jndlab.media.ffmpeg import run
from jndlab.subjective.rating_page import CodedClip, SessionOptions, write_session

PATIENCE = 30
ENTER, TAB, SPACE = "\ue007", "\ue004", " "
END = ("thanks", "thanks_served", "failed")
FRAMES = 5


def coded_clips(
    folder: Path,
    sequences: Sequence[str] = ("bikes", "bunny"),
    methods: Sequence[str] = ("anchor", "own"),
    qps: Sequence[int] = (22, 37),
    **given: Any,
) -> list[CodedClip]:
    """A source and its codings for each sequence, all of one clip of a fifth of a second."""
    path = folder / "clip.mp4"
    if not path.exists():
        run(
            ["-f", "lavfi", "-i", f"testsrc=s=64x48:r=25:d={FRAMES / 25}", "-pix_fmt", "yuv420p",
             str(path)],
            log=None,
        )  # fmt: skip
    codings: list[dict[str, Any]] = [{}] + [
        {"codec": "vvenc", "configuration": "LDP", "method": method, "qp": qp}
        for method in methods
        for qp in qps
    ]
    clips = []
    for sequence in sequences:
        for coding in codings:
            metadata = {"width": 64, "height": 48, "frames": FRAMES, "seconds": FRAMES / 25}
            digest = f"{len(clips):060x}{len(sequences):04x}"
            metadata |= {"repeats": 1, "min_psnr_y": None, "sha256": digest}
            clips.append(CodedClip(path, metadata, sequence, **coding, **given))
    return clips


def make_session(folder: Path, clips: Sequence[CodedClip] | None = None, **options: Any) -> Path:
    """A session in ``folder``/session, its key in ``folder``/stimuli.csv; returns the page."""
    settings = {"pause_seconds": 0.02, "training_pairs": 0, "repeats": 0, "attention_checks": 0}
    chosen = SessionOptions(**{**settings, **options})
    write_session(clips or coded_clips(folder), folder / "session", folder / "stimuli.csv", chosen)
    return folder / "session/index.html"


class RatingPage:
    """A rating page in a browser, and what was shown last (``shown``)."""

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads
        self.ended = 0  # sittings that hand out a table
        downloads.mkdir(exist_ok=True)
        driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
        )
        driver.set_window_size(1280, 800)

    def open(self, address: str | Path) -> None:
        self.driver.get(address.as_uri() if isinstance(address, Path) else address)
        self.wait(lambda: self.screen not in ("loading", None))
        self.ask(
            "const show = player.show.bind(player);"
            "player.show = (clips, ...more) => {"
            "  window.shown = clips.map((clip) => clip[1]);"
            "  window.note = more[1];"
            "  return show(clips, ...more);"
            "};"
        )

    @property
    def screen(self) -> str:
        return self.ask("return document.body.dataset.screen")

    @property
    def message(self) -> str:
        """Name of the message that is on the screen."""
        return self.ask("return document.getElementById('message').dataset.name")

    def text(self, name: str) -> str:
        return self.ask(f"return document.getElementById('{name}').textContent")

    @property
    def shown(self) -> list[str]:
        return self.ask("return window.shown")

    def ask(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def press(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def wait(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"the page stays at {self.screen}: {self.message}"
            time.sleep(0.02)

    def start(self, subject: str = "") -> None:
        """From the welcome to the first trial, with all questions answered."""
        self.press(*([subject] if subject else []), ENTER)
        self.wait(lambda: self.screen == "setup")
        for part in ("consent", "vision", "display"):
            if self.ask(f"return document.getElementById('{part}').hidden"):
                continue
            if part == "consent":
                self.press(SPACE, TAB)
            if part == "vision":
                self.press(SPACE, TAB, SPACE, TAB)
            if part == "display":
                self.press(self.text("dark") + self.text("light"))
        self.press(ENTER)
        self.wait(lambda: self.screen != "setup")

    def go_on(self) -> str:
        """Wait for the next vote or message, and say which."""
        self.wait(lambda: self.screen in ("vote", "message"))
        return self.screen

    def vote(self, key: str | int) -> None:
        self.press(str(key), ENTER)
        self.wait(lambda: self.screen != "vote")

    def leave_message(self) -> None:
        name = self.message
        self.press(ENTER)
        self.wait(lambda: self.screen != "message" or self.message != name)

    def rate(self, answer: Callable[[int], str | int | None], most: int | None = None) -> list[str]:
        """Go on with the sitting, giving ``answer(n)`` at the n-th vote; checks as they ask for.

        Returns the names of the messages that came. Ends at the last message, or with the vote
        after ``most`` votes on screen.
        """
        messages, votes = [], 0
        while True:
            if self.go_on() == "message":
                messages.append(self.message)
                if self.message in END:
                    self.ended += self.message == "thanks"
                    return messages
                self.leave_message()
                continue
            if votes == most:
                return messages
            note = self.ask("return window.note")
            self.vote(note.split()[-1] if note else answer(votes))
            votes += 1

    def saved(self) -> Path:
        """The table that the page handed out last."""
        self.wait(lambda: len(list(self.downloads.glob("*.csv"))) >= max(self.ended, 1))
        return max(self.downloads.glob("*.csv"), key=lambda path: path.stat().st_mtime)

    def complaints(self) -> list[dict]:
        return [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
