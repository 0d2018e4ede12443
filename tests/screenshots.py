"""Screenshots of a finished run's pages for the documents, in a real headless Chromium.

usage: .venv/bin/python tests/screenshots.py [--configfile config/config.yaml] [--out FOLDER]
Needs the run itself, `make report` and `make run ARGS="-- viewer"`; the browser is the one that
tests/install_chromium.sh installs. With `--flicker` only the two turns of a JND search on pictures
are taken, which needs no run.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from jndlab.paths import ROOT
from jndops.results_dir import results_dir
from rating_sessions import RatingPage

SIZE = (1280, 800)
COLOURS = (256, 128, 64, 32)  # as many as the size allows
MOST_BYTES = 150_000
ASSISTANT = "//button[@data-component-id='mlflow.assistant.chat_panel.close']"


def main(options: argparse.Namespace) -> None:
    """Take all pictures."""
    subprocess.run(["sh", str(ROOT / "tests/install_chromium.sh")], check=True)
    if options.flicker:
        with browser() as driver, TemporaryDirectory() as folder:
            show_flicker(driver, Path(folder), options.out / "rating_flicker.png")
        return
    results = Path(results_dir(options.configfile)).absolute()
    with browser() as driver, TemporaryDirectory() as folder:
        driver.get((results / "summary.html").as_uri())
        keep(driver, options.out / "summary.png")

        driver.get((results / "viewer/index.html").as_uri())
        choose_method(driver)
        keep(driver, options.out / "viewer.png")

        with zipfile.ZipFile(results / "report.zip") as report:
            report.extractall(folder)
        driver.get((Path(folder) / "report/report.html").as_uri())
        time.sleep(2)
        keep(driver, options.out / "report.png")
        with_text(driver, "a", "Rate-distortion curves").click()
        time.sleep(2)
        driver.find_element(By.CSS_SELECTOR, "a[iconname='eye']").click()
        time.sleep(3)
        keep(driver, options.out / "report_items.png")

        with mlflow(options.configfile) as links:
            for name in ("points", "trainings"):
                driver.get(links[name])
                time.sleep(10)  # its first page loads much, and nothing says when it is through
                for close in driver.find_elements(By.XPATH, ASSISTANT):
                    close.click()  # a pane for language models
                time.sleep(2)
                keep(driver, options.out / f"mlflow_{name}.png")


def show_flicker(driver: Any, folder: Path, target: Path) -> None:
    """Both turns of the first question of a JND search on a photograph, next to each other."""
    from skimage.data import chelsea

    (folder / "pictures").mkdir()
    Image.fromarray(chelsea()).save(folder / "pictures/chelsea.png")
    command = [sys.executable, str(ROOT / "workflow_scripts/commands/jnd_pictures.py")]
    command += [str(folder), "--pictures", str(folder / "pictures"), "--qualities", "2", "5", "10"]
    subprocess.run(command, check=True)
    page = RatingPage(driver, folder / "downloads")
    driver.set_window_size(600, 420)
    page.open(folder / "session/index.html")
    # Every wait of the page lasts until it is told to go on.
    page.ask("wait = () => new Promise((go) => { window.goOn = go; });")
    page.start("anna")
    page.leave_message()  # about the training
    page.wait(lambda: page.ask("return document.querySelectorAll('#stage img').length") == 2)
    turns = []
    while len(turns) < 2:
        page.ask("const go = window.goOn; window.goOn = undefined; go();")
        page.wait(lambda: page.ask("return window.goOn !== undefined"))
        if page.ask("return document.querySelectorAll('#stage img.shown').length"):
            turns.append(picture_of(driver))
    both = Image.new("RGB", (2 * turns[0].width + 8, turns[0].height), "white")
    for place, turn in enumerate(turns):
        both.paste(turn, (place * (turn.width + 8), 0))
    write(both, target)


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium with a window of SIZE."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", f"--window-size={SIZE[0]},{SIZE[1]}"):  # fmt: skip
        options.add_argument(argument)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.implicitly_wait(3)
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def mlflow(configfile: Path) -> Iterator[dict[str, str]]:
    """Links of `make ui` by the name of their experiment, while it serves."""
    command = [sys.executable, str(ROOT / "workflow_scripts/commands/browse_runs.py")]
    command += ["--configfile", str(configfile), "--workers", "1"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as server:
        assert server.stdout is not None
        try:
            links: dict[str, str] = {}
            while len(links) < 4 and (line := server.stdout.readline()):
                if found := re.match(r"  (\w+) +\d+ runs +(\S+)$", line):
                    links[found[1]] = found[2]
            yield links
        finally:
            os.killpg(server.pid, signal.SIGINT)  # MLflow starts processes of its own
            time.sleep(2)
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)


def choose_method(driver: Any) -> None:
    """The first coding that is not the anchor's, next to the anchor at the same QP."""
    chooser = Select(driver.find_element(By.ID, "b"))
    names = [option.text for option in chooser.options]
    wanted = next(n for n, name in enumerate(names) if "IQNet" in name and "QP 37" in name)
    chooser.select_by_index(wanted)
    driver.find_element(By.ID, "same_qp").click()
    time.sleep(1)


def with_text(driver: Any, tag: str, text: str) -> Any:
    """The first element of a kind with this text."""
    return driver.find_element(By.XPATH, f"//{tag}[contains(., '{text}')]")


def keep(driver: Any, path: Path) -> None:
    """Write what is seen as a PNG of few colours. Raises RuntimeError where it is too large."""
    write(picture_of(driver), path)


def picture_of(driver: Any) -> Image.Image:
    """What is seen."""
    return Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")


def write(picture: Image.Image, path: Path) -> None:
    """Write a PNG of few colours."""
    for colours in COLOURS:
        picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
            return
    raise RuntimeError(f"{path} has {path.stat().st_size} bytes, more than {MOST_BYTES}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", type=Path, default=ROOT / "config/config.yaml")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images/pages")
    parser.add_argument("--flicker", action="store_true", help="two turns of a search on pictures")
    main(parser.parse_args())
