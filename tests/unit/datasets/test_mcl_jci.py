"""MCL-JCI: pictures by quality, sample texts, and matrices; gaps and faults."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from scipy.io import savemat

from data.jnd_miniatures import mcl_jci
from jndlab.datasets.jnd_labels import labels_from_samples
from jndlab.datasets.mcl_jci import (
    find_pictures,
    read_sample_matrices,
    read_sample_texts,
)
from jndlab.errors import UserError

TWO = ("SRC01", "SRC02")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return mcl_jci(tmp_path_factory.mktemp("mcl_jci"))


@pytest.fixture
def root(built, tmp_path):
    shutil.copytree(built, tmp_path / "copy")
    return tmp_path / "copy"


def test_pictures_by_quality(built):
    pictures = find_pictures(built, TWO)
    assert list(pictures) == list(TWO)
    assert pictures["SRC02"].bitmap.name == "ImageJND_SRC02.bmp"
    sizes = [pictures["SRC02"].jpegs[quality].stat().st_size for quality in (1, 40, 100)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]


def test_texts_give_the_first_three_levels_of_each_subject(built):
    samples = read_sample_texts(built, TWO)
    assert samples.unit == "QF" and samples.same_subjects
    first, second, third = samples.values["SRC01"]
    assert first.size == 30 and np.isnan(third).sum() == 1 and np.isnan(third[4])
    text = next(built.rglob("JND_image_01.txt")).read_text().splitlines()
    assert [first[7], second[7], third[7]] == [float(word) for word in text[7].split()[:3]]
    labels = labels_from_samples(samples, "median", "miniature")
    assert labels.unit == "QF" and labels.rows[2].subjects == 29
    assert (np.diff(labels.values(), axis=1) < 0).all()


def remove(pattern):
    def change(root):
        paths = list(root.rglob(pattern))
        assert paths
        for path in paths:
            path.unlink()

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (remove("ImageJND_SRC02_04?.jpg"), ["SRC02 has no QF 40-49", "1 of 2", "distorted_image"]),
        (remove("ImageJND_SRC01.bmp"), ["missing: SRC01", "source_images", "check_data"]),
        (remove("ImageJND_SRC02_*.jpg"), ["missing: SRC02", "distorted_image"]),
    ],
)
def test_gaps_among_the_pictures_are_named(root, change, words):
    change(root)
    with pytest.raises(UserError) as raised:
        find_pictures(root, TWO)
    for word in words:
        assert word in str(raised.value)


def set_line(number, line):
    def change(root):
        path = next(root.rglob("JND_image_02.txt"))
        lines = path.read_text().splitlines()
        lines[number - 1 : number] = [line] if line is not None else []
        path.write_text("\n".join(lines))

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_line(3, "40 41 12"), ["SRC02, subject 3", "do not fall", "40, 41, 12"]),
        (set_line(3, "101 40 12"), ["SRC02, level 1", "101", "1 to 100"]),
        (set_line(3, "40 30 0"), ["SRC02, level 3", ": 0", "1 to 100"]),
        (set_line(3, "forty 30"), ["JND_image_02.txt, line 3", "'forty 30'"]),
        (set_line(3, "-5 3"), ["JND_image_02.txt, line 3"]),
        (set_line(3, None), ["29 subjects", "30"]),
        (remove("JND_image_02.txt"), ["missing: SRC02"]),
    ],
)
def test_faulty_texts_are_reported(root, change, words):
    change(root)
    with pytest.raises(UserError) as raised:
        read_sample_texts(root, TWO)
    for word in words:
        assert word in str(raised.value)


def test_brackets_and_commas_read_as_well(root):
    set_line(3, "[40, 30, 12]")(root)
    assert [level[2] for level in read_sample_texts(root, TWO).values["SRC02"]] == [40, 30, 12]


def matrices(folder, shapes=(30, 30, 30), highest=90):
    rng = np.random.default_rng(0)
    for place, (name, subjects) in enumerate(
        zip(("first", "second", "third"), shapes, strict=True)
    ):
        table = rng.integers(60 - 20 * place, highest - 20 * place, (50, subjects))
        table[4, 7] = 0 if place == 2 else table[4, 7]
        savemat(folder / f"JND_{name}.mat", {f"JND_result_{name}": table.astype(np.uint8)})


def test_matrices_take_zero_for_a_level_that_was_not_seen(tmp_path):
    matrices(tmp_path)
    samples = read_sample_matrices(tmp_path)
    assert len(samples.sources) == 50
    assert np.argwhere(np.isnan(samples.level(3))).tolist() == [[4, 7]]
    assert not np.isnan(samples.level(1)).any()


def test_faulty_matrices_are_reported(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read(.|\n)*JND_first\.mat"):
        read_sample_matrices(tmp_path)
    matrices(tmp_path, shapes=(30, 28, 30))
    with pytest.raises(UserError, match=r"another shape(.|\n)*JND_second\.mat(.|\n)*50 x 28"):
        read_sample_matrices(tmp_path)
    matrices(tmp_path, highest=140)
    with pytest.raises(UserError, match=r"out of range(.|\n)*QF from 1 to 100"):
        read_sample_matrices(tmp_path)


def test_the_real_samples_give_the_known_means(shared_data):
    folder = shared_data / "mcl_jci_jnd"
    samples = read_sample_matrices(folder)
    missing = [int(np.isnan(samples.level(level)).sum()) for level in (1, 2, 3)]
    assert missing == [0, 7, 153]
    lines = (folder / "mcl_jci_jnd_mean.csv").read_text().splitlines()[1:]
    published = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    for level in (1, 2, 3):  # that table counts a level that was not seen as QF 0
        table = np.nan_to_num(samples.level(level))
        assert np.abs(table.mean(axis=1) - published[:, level]).max() < 6e-4
        assert np.abs(table.std(axis=1, ddof=1) - published[:, level + 3]).max() < 6e-4
    labels = labels_from_samples(samples, "median", "MCL-JCI")
    assert labels.values().mean(axis=0) == pytest.approx([26.06, 17.94, 13.77])
