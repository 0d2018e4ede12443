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


def test_gaps_are_named(root):
    for path in root.rglob("1080P*/videoSRC30_2[678].mp4"):
        path.unlink()
    with pytest.raises(UserError, match="SRC30 has no QP 26-28"):
        find_clips(root, TWO)
    assert find_clips(root, TWO, qps=[1, 22])
    with pytest.raises(UserError, match="1 of 2 sources are missing: SRC02"):
        find_clips(root, ("SRC01", "SRC02"))


def test_samples_rise_and_give_labels(root):
    samples = read_samples(root / "1080P", TWO)
    first, _, third = samples.values["SRC01"]
    assert first.tolist() == [28, 27, 30, 26, 29]
    assert np.isnan(third[1]) and third[2] == 39
    labels = labels_from_samples(samples, "median", "miniature")
    assert labels.values(["SRC30"]).tolist() == [[28, 33, 38.5]]
    assert labels.rows[2].subjects == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("28 33\n35 30\n", ["SRC30", "do not rise", "line 2"]),
        ("28 52\n", ["SRC30, level 2", "QP from 0 to 51"]),
        ("28 x\n", ["videoSRC30.txt, line 1", "'28 x'"]),
    ],
)
def test_faulty_samples_are_reported(root, text, words):
    next(root.rglob("videoSRC30.txt")).write_text(text)
    with pytest.raises(UserError) as raised:
        read_samples(root, TWO)
    for word in words:
        assert word in str(raised.value)


def test_two_sample_files_of_a_clip_are_reported(root):
    (root / "1080P" / "JND_raw_samples" / "SRC30_2nd.txt").write_text("30\n")
    with pytest.raises(UserError, match="two files of JND samples of SRC30"):
        read_samples(root, TWO)


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
