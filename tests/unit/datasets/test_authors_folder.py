"""The folder layout of LASeR-JND's and MTJND's authors: pairing, counts, sizes, odd content."""

from __future__ import annotations

import numpy as np
import pytest

from data.jnd_miniatures import authors_folder, picture
from jndlab.datasets.authors_folder import read_authors_folder, write_label_file
from jndlab.errors import UserError


@pytest.fixture
def root(tmp_path):
    return authors_folder(tmp_path / "data", {"train": 4, "valid": 2, "test": 3})


def test_rows_follow_the_sorted_names(root):
    splits = read_authors_folder(root)
    assert list(splits) == ["train", "val", "test"]
    train = splits["train"]
    assert [frame.stem for frame in train.frames] == [f"frame00{n}" for n in range(4)]
    assert train.labels.values().tolist() == [[20 + n, 30 + n, 40] for n in range(4)]
    assert train.labels.values(["frame002"]).tolist() == [[22, 32, 40]]
    assert (train.width, train.height) == (32, 16)
    assert sorted(train.jnd_frames) == [1, 2, 3] and len(train.jnd_frames[2]) == 4
    assert splits["test"].labels is None and splits["test"].jnd_frames == {}
    assert train.labels.kind == "subjective" and train.labels.statistic == "unstated"
    assert read_authors_folder(root, kind="vmaf_steps")["val"].labels.kind == "vmaf_steps"


def test_a_split_of_one_picture_works(tmp_path):
    splits = read_authors_folder(authors_folder(tmp_path / "one", {"train": 1, "valid": 1}))
    assert splits["train"].labels.values().shape == (1, 3)
    assert "test" not in splits


def test_a_test_split_may_have_labels(root):
    write_label_file(root / "test" / "JND-Levels.txt", np.array([[20, 30, 40.5]] * 3))
    assert read_authors_folder(root)["test"].labels.values()[2].tolist() == [20, 30, 40.5]
    write_label_file(root / "valid" / "JND-Levels.txt", np.array([[1, 2, 3], [4, 5, 6]]))
    assert (root / "valid" / "JND-Levels.txt").read_text() == "1 2 3\n4 5 6\n"


def labels(text, split="train"):
    return lambda root: (root / split / "JND-Levels.txt").write_text(text)


GOOD = "20 30 40\n" * 4


def second_text(root):
    (root / "train" / "old.txt").write_text(GOOD)


def no_text(root):
    (root / "valid" / "JND-Levels.txt").unlink()


def sub_folder(root):
    (root / "train" / "more").mkdir()


def odd_file(root):
    (root / "valid" / "clip.mp4").touch()


def missing_split(root):
    (root / "valid").rename(root / "val")


def other_size(root):
    picture(48, 16).save(root / "train" / "frame002.png")


def split_size(root):
    for frame in [*(root / "test").glob("*.png")]:
        picture(48, 16).save(frame)


def jnd_size(root):
    for frame in (root / "jnd2valid").glob("*.png"):
        picture(48, 16).save(frame)


def jnd_missing(root):
    (root / "jnd3train" / "frame001.png").unlink()


def jnd_extra(root):
    (root / "jnd1train" / "frame001.png").rename(root / "jnd1train" / "frame009.png")


def unpadded(root):
    for split in ("train", "jnd1train", "jnd2train", "jnd3train"):
        for old, new in (("frame000", "frame2"), ("frame001", "frame10")):
            (root / split / f"{old}.png").rename(root / split / f"{new}.png")


def twins(root):
    picture().save(root / "train" / "frame003.bmp")


def empty(root):
    for frame in (root / "test").glob("*.png"):
        frame.unlink()


def damaged(root):
    (root / "train" / "frame001.png").write_text("no picture")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (labels("20 30 40\n" * 3), ["3 rows", "JND-Levels.txt", "4, one per frame"]),
        (labels("20 30 40\n" * 5), ["5 rows"]),
        (labels("20 30\n" + GOOD[9:]), ["line 1", "three numbers, found '20 30'"]),
        (labels("20 30 40 50\n" + GOOD[9:]), ["line 1", "20 30 40 50"]),
        (labels("20 30 x\n" + GOOD[9:]), ["line 1", "20 30 x"]),
        (labels("20 30 40\n\n" + GOOD[18:]), ["line 2", "found ''"]),
        (labels("20 30 52\n" + GOOD[9:]), ["JND3 of frame000", "52", "QP from 0 to 51"]),
        (labels("31 30 40\n" + GOOD[9:]), ["out of order", "frame000 has 31, 30, 40"]),
        (second_text, ["2 label files", "JND-Levels.txt, old.txt"]),
        (no_text, ["'valid' has 0 label files", "found none"]),
        (sub_folder, ["something else: more", "no folders"]),
        (odd_file, ["something else: clip.mp4"]),
        (missing_split, ["'valid' is missing"]),
        (other_size, ["mixed sizes", "frame002.png", "32x16", "48x16"]),
        (split_size, ["different sizes", "train 32x16", "test 48x16"]),
        (jnd_size, ["jnd2valid", "32x16, found 48x16"]),
        (jnd_missing, ["jnd3train", "found 3", "frame001"]),
        (jnd_extra, ["jnd1train", "frame001, frame009"]),
        (unpadded, ["not clear", "zeros", "found frame003.png and frame2.png"]),
        (twins, ["two frames are called 'frame003'", "frame003.png"]),
        (empty, ["no frames", "test"]),
        (damaged, ["cannot be read", "frame001.png"]),
    ],
)
def test_faulty_folders_are_reported(root, change, words):
    change(root)
    with pytest.raises(UserError) as raised:
        read_authors_folder(root)
    for word in words:
        assert word in str(raised.value)


def test_unordered_labels_are_kept_by_switch(root):
    labels("31 30 40\n" + GOOD[9:])(root)
    with pytest.warns(UserWarning, match="1 of 4 sources are out of order"):
        splits = read_authors_folder(root, order="warn")
    assert splits["train"].labels.values()[0].tolist() == [31, 30, 40]
