"""KonJND-1k: pictures by quality however they are numbered, ratings, real pictures; faults."""

from __future__ import annotations

import shutil

import pytest

from data.jnd_miniatures import konjnd1k, picture, rating_row, write_table
from jndlab.datasets.jnd_labels import labels_from_samples
from jndlab.datasets.konjnd1k import (
    QUIZ_QF_INTERVALS,
    find_sources,
    jpeg_quality,
    read_ratings,
)
from jndlab.errors import UserError


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return konjnd1k(tmp_path_factory.mktemp("konjnd"))


@pytest.fixture
def root(built, tmp_path):
    shutil.copytree(built, tmp_path / "copy")
    return tmp_path / "copy"


def test_files_numbered_by_distortion_come_by_quality(built):
    sources = find_sources(built, "JPEG")
    assert list(sources) == ["SRC0001"] and sources["SRC0001"].source.name == "SRC0001.png"
    pictures = sources["SRC0001"].pictures
    assert pictures[40].name == "SRC0001_JPEG_061.jpg" and jpeg_quality(pictures[40]) == 40
    assert sorted(pictures) == list(range(1, 101))


def test_files_numbered_by_quality_keep_their_numbers(tmp_path):
    pictures = find_sources(konjnd1k(tmp_path, numbered_by="quality"), "JPEG")["SRC0001"].pictures
    assert pictures[40].name == "SRC0001_JPEG_040.jpg"


def test_bpg_pictures_come_by_number(built):
    pictures = find_sources(built, "BPG")["SRC0505"].pictures
    assert sorted(pictures) == list(range(1, 52)) and pictures[51].name == "SRC0505_BPG_051.png"


def test_qualities_are_read_off_the_files(tmp_path):
    for quality in (1, 2, 49, 50, 51, 75, 99, 100):
        picture().save(tmp_path / "a.jpg", quality=quality)
        assert jpeg_quality(tmp_path / "a.jpg") == quality
    tables = {0: [7] * 64, 1: [9] * 64}
    picture().save(tmp_path / "b.jpg", qtables=tables)
    assert jpeg_quality(tmp_path / "b.jpg") is None
    picture().save(tmp_path / "c.png")
    assert jpeg_quality(tmp_path / "c.png") is None


def test_ratings_become_qualities(built):
    samples = read_ratings(built / "KonJND-1k" / "subjective_ratings.csv")
    assert samples["JPEG"].unit == "QF" and samples["BPG"].unit == "QP"
    assert samples["JPEG"].values["SRC0001"][0].tolist() == [46, 41, 39, 53, 30, 35]
    assert samples["BPG"].values["SRC0505"][0].tolist() == [28, 31, 30, 27, 33]
    labels = labels_from_samples(samples["JPEG"], "median", "miniature")
    assert labels.levels == 1 and labels.values().tolist() == [[40]]


def cut(root):
    for number in (17, 18, 90):
        next(root.rglob(f"SRC0001_JPEG_{number:03d}.jpg")).unlink()


def no_original(root):
    next(root.rglob("SRC0001.png")).unlink()


def other_size(root):
    picture(64, 16).save(next(root.rglob("SRC0001.png")))


def coded_again(root):
    tables = {0: [7] * 64, 1: [9] * 64}
    picture().save(next(root.rglob("SRC0001_JPEG_100.jpg")), qtables=tables)


def nothing(root):
    shutil.rmtree(next(root.rglob("jpeg")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cut, ["SRC0001 has no level 17-18, 90", "1-100"]),
        (no_original, ["original of SRC0001 is missing", "SRC0001.png"]),
        (other_size, ["not as large", "64x16, found 32x16"]),
        (coded_again, ["do not reveal their quality", "quality factor 100 or 1", "another table"]),
        (nothing, ["no JPEG pictures", "SRC0001_JPEG_001.jpg"]),
    ],
)
def test_faulty_folders_are_reported(root, change, words):
    change(root)
    with pytest.raises(UserError) as raised:
        find_sources(root, "JPEG")
    for word in words:
        assert word in str(raised.value)


def test_a_subset_of_levels_can_be_asked_for(root):
    cut(root)
    assert len(find_sources(root, "JPEG", [1, 50, 100])["SRC0001"].pictures) == 97


GOOD = rating_row("SRC0001.png", "JPEG", [50, 60])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([GOOD | {"mean": 56}], ["SRC0001.png", "do not come out", "line 2", "mean 56"]),
        ([GOOD | {"No. of ratings": 3}], ["do not come out", "3 ratings"]),
        ([GOOD | {"std": 9}], ["do not come out", "deviation 9"]),
        ([rating_row("SRC0001.png", "JPEG", [0, 60])], ["levels 1 to 100, found 0 to 60"]),
        ([rating_row("SRC0600.png", "BPG", [52, 30])], ["levels 1 to 51, found 30 to 52"]),
        ([GOOD, GOOD], ["rated twice", "line 3"]),
        ([GOOD | {"Compression type": "WebP"}], ["'WebP'", "JPEG or BPG"]),
        ([GOOD | {"ratings": "50 60"}], ["cannot be read", "line 2"]),
        ([GOOD | {"ratings": "[]", "No. of ratings": 0}], ["found none"]),
        ([{"image_id": "SRC0001.png", "ratings": "[1]"}], ["no table", "found image_id, ratings"]),
    ],
)
def test_faulty_ratings_are_reported(tmp_path, rows, words):
    path = tmp_path / "subjective_ratings.csv"
    write_table(path, rows)
    with pytest.raises(UserError) as raised:
        read_ratings(path)
    for word in ["subjective_ratings.csv", *words]:
        assert word in str(raised.value)


def test_the_real_quiz_pictures_are_numbered_by_quality(shared_data):
    sources = find_sources(shared_data / "konjnd1k", "JPEG")
    assert sorted(sources) == ["Quiz_SRC01", "Quiz_SRC02"] == sorted(QUIZ_QF_INTERVALS)
    for source in sources.values():
        assert all(jpeg_quality(path) == quality for quality, path in source.pictures.items())
        low, high = QUIZ_QF_INTERVALS[source.name]
        sizes = [source.pictures[q].stat().st_size for q in (1, low, high, 100)]
        assert sizes == sorted(sizes)


def test_the_real_bpg_pictures_have_gaps_that_are_named(shared_data):
    with pytest.raises(UserError, match="Test_SRC0077 has no level 2-9, 11-19"):
        find_sources(shared_data / "konjnd1k", "BPG")
    found = find_sources(shared_data / "konjnd1k", "BPG", [1, *range(10, 101, 10)])
    assert len(found["Test_SRC0077"].pictures) == 11
