"""MCL-JCV: clips by QP in the right resolution, samples, video-level labels; gaps and faults."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from data.jnd_miniatures import mcl_jcv
from jndlab.datasets.jnd_labels import labels_from_samples
from jndlab.datasets.mcl_jcv import find_clips, read_samples, read_video_labels
from jndlab.errors import UserError

TWO = ("SRC01", "SRC30")


@pytest.fixture
def root(tmp_path):
    return mcl_jcv(tmp_path / "MCL_JCV")


def test_clips_of_one_resolution(root):
    clips = find_clips(root, TWO)
    assert [(clip.width, clip.height, clip.fps) for clip in clips.values()] == [
        (1920, 1080, Fraction(25)),
        (1920, 1080, Fraction(24)),
    ]
    assert sorted(clips["SRC30"].streams) == list(range(1, 52))
    assert "1080P" in str(clips["SRC30"].streams[26]) and clips["SRC01"].raw is not None
    small = find_clips(root, TWO, resolution="720P")["SRC01"]
    assert (small.raw, small.width, small.height, small.fps) == (None, 1280, 720, None)


def test_a_copy_of_a_stream_is_taken_once_and_another_file_refused(root):
    """A survey of the release counts about twice as many files of streams as there are streams."""
    stream = next(root.rglob("1080P*/videoSRC01_07.mp4"))
    copy = stream.parent.parent / "again" / stream.name
    copy.parent.mkdir()
    copy.write_bytes(stream.read_bytes())
    assert sorted(find_clips(root, TWO)["SRC01"].streams) == list(range(1, 52))
    copy.write_bytes(b"another")
    with pytest.raises(UserError, match="two files of SRC01 at quality 7"):
        find_clips(root, TWO)


def test_gaps_are_named(root):
    for path in root.rglob("1080P*/videoSRC30_2[678].mp4"):
        path.unlink()
    with pytest.raises(UserError, match="SRC30 has no QP 26-28"):
        find_clips(root, TWO)
    assert find_clips(root, TWO, qps=[1, 22])
    with pytest.raises(UserError, match="1 of 2 sources are missing: SRC02"):
        find_clips(root, ("SRC01", "SRC02"))


def test_samples_of_one_resolution_rise_and_give_labels(root):
    samples = read_samples(root, TWO)  # with those of 720P next to them
    first, _, third = samples.values["SRC01"]
    assert first.tolist() == [28, 27, 30, 26, 29] and len(third) == 4 and third[1] == 39
    assert read_samples(root, TWO, "720P").values["SRC01"][0].tolist() == [26, 25, 28, 24, 27]
    labels = labels_from_samples(samples, "median", "miniature")
    assert labels.values(["SRC30"]).tolist() == [[28, 33, 38.5]]
    assert labels.rows[2].subjects == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("28 33\n35 30\n", ["SRC30", "do not rise"]),
        ("28 52\n", ["SRC30, level 2", "QP from 0 to 51"]),
        ("28 x\n", ["line 1", "'28 x'"]),
        ("\n", ["is empty"]),
    ],
)
def test_faulty_samples_are_reported(root, text, words):
    for path in root.rglob("1080P/**/*SRC30*.txt"):
        path.unlink()
    (root / "1080P" / "JND_raw_samples" / "videoSRC30.txt").write_text(text)
    with pytest.raises(UserError) as raised:
        read_samples(root, TWO)
    for word in words:
        assert word in str(raised.value)


def test_another_number_of_files_of_a_clip_is_reported(root):
    (root / "1080P" / "JND_raw_samples" / "SRC30_4th.txt").write_text("30\n")
    with pytest.raises(UserError, match="4 files of JND samples of SRC30"):
        read_samples(root, TWO)


@pytest.mark.parametrize("form", ["a line per subject", "a line per level"])
def test_one_file_a_clip_is_read_by_its_content(tmp_path, form):
    subjects = [(28, 33, 38), (27, 31, 36), (30, 35, 39), (26, 30, 37)]
    lines = subjects if form == "a line per subject" else list(zip(*subjects, strict=True))
    folder = tmp_path / "1080P" / "JND_raw_samples"
    folder.mkdir(parents=True)
    (folder / "SRC05.txt").write_text("".join(" ".join(map(str, line)) + "\n" for line in lines))
    levels = read_samples(tmp_path, ["SRC05"]).values["SRC05"]
    assert np.array_equal(np.array(levels).T, subjects)


def test_levels_are_told_apart_by_their_qps_and_not_by_names(tmp_path):
    folder = tmp_path / "JND_raw_samples"
    folder.mkdir()
    for name, qps in (("a", "36 38 40"), ("b", "28, 30, 27"), ("c", "33\n31\n35\n")):
        (folder / f"SRC05_{name}.csv").write_text(qps)
    levels = read_samples(tmp_path, ["SRC05"]).values["SRC05"]
    assert [level.tolist() for level in levels] == [[28, 30, 27], [33, 31, 35], [36, 38, 40]]


def test_a_clip_without_samples_is_named(root):
    with pytest.raises(UserError, match="missing: SRC05"):
        read_samples(root, ("SRC01", "SRC05"))


def test_video_level_labels(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("src,fps,J1_frame,J2_frame,J3_frame\n1,30,28,34,36\n2,30,32,35,38\n")
    labels = read_video_labels(path)
    assert labels.values(["SRC02"]).tolist() == [[32, 35, 38]]
    assert labels.statistic == "block_minimum"
    path.write_text("src,J1_frame,J2_frame,J3_frame\n1,28,27,36\n")
    with pytest.raises(UserError, match="out of order"):
        read_video_labels(path)
    path.write_text("src,J1\n1,28\n")
    with pytest.raises(UserError, match="J1_frame"):
        read_video_labels(path)
