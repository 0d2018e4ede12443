"""The page of decoded frames: right pictures, chosen and compared in a real browser."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.media.pictures import read_picture
from jndlab.report.viewer import Coding, write_viewer

CLIP = ClipFormat(64, 32, Fraction(25), 5, 8)
NASTY = "</script><b>mine"  # a label is any text


def clip_of(path: Path, grey: int) -> Path:
    def frame(number: int) -> Frame:
        luma = np.full((32, 64), grey + number, np.uint8)
        chroma = np.full((16, 32), 128, np.uint8)
        return Frame(luma, chroma, chroma)

    write_clip(path, map(frame, range(CLIP.frames)), CLIP)
    return path


@pytest.fixture
def page(tmp_path: Path) -> Path:
    rates = {"anchor": (1000, 400), NASTY: (900, 410)}
    codings = [Coding(str(clip_of(tmp_path / "source.mkv", 16)), "bikes")]
    for place, (method, of_method) in enumerate(rates.items()):
        for qp, rate in zip((22, 27), of_method, strict=True):
            path = clip_of(tmp_path / f"{place}{qp}.mkv", 40 + 60 * place + qp)
            codings.append(Coding(str(path), "bikes", "AI", "x264", method, qp, rate, 90.0 - qp))
    write_viewer(tmp_path / "viewer", [(coding, CLIP) for coding in codings], 2, "anchor")
    return tmp_path / "viewer"


def test_pictures_are_the_frames_of_their_streams(page: Path) -> None:
    pictures = sorted(page.glob("*.png"))
    assert len(pictures) == 5 * 2
    first, last = (int(path.stem.split("_")[1]) for path in pictures[:2])
    assert first == 0 and last > 0
    for path in pictures[:2]:  # of the source, whose frames are told apart by their grey
        grey = read_picture(path)[0, 0].astype(int)
        level = round((int(path.stem.split("_")[1])) * 255 / 219)
        assert np.abs(grey - level).max() <= 1


def test_a_short_stream_leaves_no_page(tmp_path: Path) -> None:
    short = Coding(str(clip_of(tmp_path / "s.mkv", 16)), "bikes")
    longer = ClipFormat(64, 32, Fraction(25), 9, 8)
    with pytest.raises(UserError, match="number of frames"):
        write_viewer(tmp_path / "viewer", [(short, longer)], 2, "anchor")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.mkv"]


@pytest.fixture
def driver(page: Path, browser: Any) -> Any:
    browser.get((page / "index.html").as_uri())
    return browser


def test_the_anchor_is_found_by_qp_and_by_rate(driver: Any) -> None:
    from selenium.webdriver.support.ui import Select

    def said() -> str:
        return driver.find_element("id", "said").text

    assert f"Right: {NASTY}, x264, QP 22 (900 kbit/s, VMAF 68.0)" in said()
    assert "Left: anchor, x264, QP 22" in said() and "right has -10.0 % bits" in said()
    Select(driver.find_element("id", "b")).select_by_index(4)  # QP 27 with 410 kbit/s
    driver.find_element("id", "same_rate").click()
    assert "Left: anchor, x264, QP 27" in said() and "right has 2.5 % bits" in said()
    driver.find_element("id", "same_qp").click()
    assert "Left: anchor, x264, QP 27" in said()
    before = driver.find_element("id", "right").get_attribute("src")
    driver.find_element("tag name", "body").send_keys("\ue014")  # arrow to the right
    assert driver.find_element("id", "right").get_attribute("src") != before
    assert not [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def test_filtered_sources_need_no_coding(tmp_path: Path, browser: Any) -> None:
    source = Coding(str(clip_of(tmp_path / "source.mkv", 16)), "mine")
    filtered = Coding(str(clip_of(tmp_path / "filtered.mkv", 40)), "mine", method=NASTY)
    write_viewer(tmp_path / "viewer", [(source, CLIP), (filtered, CLIP)], 2, "")
    browser.get((tmp_path / "viewer/index.html").as_uri())
    assert browser.find_element("id", "said").text == f"Frame 0. Left: source. Right: {NASTY}."
    assert not browser.find_element("id", "same_qp").is_displayed()
    left, right = (
        browser.find_element("id", side).get_attribute("src") for side in ("left", "right")
    )
    assert left.endswith("000_0000.png") and right.endswith("001_0000.png")
