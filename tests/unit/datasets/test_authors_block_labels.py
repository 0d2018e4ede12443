"""BL-JUNIPER's block labels: the authors' texts, the packed file, the labels' known statistics."""

from __future__ import annotations

import numpy as np
import pytest

from data.jnd_miniatures import bl_juniper
from jndlab.datasets.authors_block_labels import (
    label_statistics,
    read_label_file,
    read_label_folder,
    read_packed,
)
from jndlab.datasets.mcl_jcv import read_video_labels
from jndlab.errors import UserError

TWO = ("SRC01", "SRC02")


@pytest.fixture
def root(tmp_path):
    return bl_juniper(tmp_path / "labels")


def test_texts_are_frames_of_rows_of_blocks(root):
    labels = read_label_folder(root, TWO)
    assert labels.jnd.shape == (2, 3, 5, 16, 30) and labels.jnd.dtype == np.uint8
    assert labels.ti.shape == (2, 5, 16, 30)
    place = 480 * 3 + 30 * 7 + 11
    assert labels.jnd[1, 0, 3, 7, 11] == 30 + place % 6
    assert labels.jnd[1, 2, 3, 7, 11] == 40 + place % 6
    assert labels.ti[0, 3, 7, 11] == pytest.approx(place * 0.01, rel=1e-4)


def test_the_packed_file_is_the_same(root, tmp_path):
    labels = read_label_folder(root, TWO)
    np.savez(tmp_path / "packed.npz", jnd=labels.jnd, ti=labels.ti)
    packed = read_packed(tmp_path / "packed.npz")
    assert packed.sources == TWO
    assert (packed.jnd == labels.jnd).all() and (packed.ti == labels.ti).all()


def test_statistics_of_known_labels(root):
    labels = read_label_folder(root, TWO)
    first, second, third, ti = label_statistics(labels)
    assert [row["label"] for row in (first, second, third, ti)] == ["JND1", "JND2", "JND3", "TI"]
    assert (first["min"], first["max"], first["mean"], first["median"]) == (30, 35, 32.5, 32.5)
    assert first["at_lowest_pct"] == pytest.approx(100 / 6) == first["at_highest_pct"]
    assert (first["mean_video"], second["mean_video"], first["offsets"]) == (30, 35, "5-5")
    assert first["above_next"] == 0 and first["offset_as_next_pct"] == 100
    assert "above_next" not in third and "mean_video" not in ti
    labels.jnd[0, 0, 0, 0, 0] = 36
    assert label_statistics(labels)[0]["above_next"] == 1


def lines(path, change):
    path.write_bytes("\r\n".join(change(path.read_text().split())).encode())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda cells: cells[:-1], ["2399 numbers", "2400"]),
        (lambda cells: [*cells, "30"], ["2401 numbers"]),
        (lambda cells: ["30.5", *cells[1:]], ["no whole number", "30.5"]),
        (lambda cells: [cells[0], "52", *cells[2:]], ["out of range: 52", "line 2", "0 to 51"]),
        (lambda cells: ["-1", *cells[1:]], ["out of range: -1"]),
    ],
)
def test_faulty_texts_are_reported(root, change, words):
    path = root / "GeneratedJNDLabels" / "JND2" / "RJND2LV02.txt"
    lines(path, change)
    with pytest.raises(UserError) as raised:
        read_label_folder(root, TWO)
    for word in ["RJND2LV02.txt", *words]:
        assert word in str(raised.value)


def test_faulty_temporal_information_is_reported(root):
    path = root / "GeneratedTI" / "RTIV01.txt"
    lines(path, lambda cells: ["-0.5", *cells[1:]])
    with pytest.raises(UserError, match=r"negative(.|\n)*RTIV01\.txt"):
        read_label_folder(root, TWO)
    lines(path, lambda cells: ["x", *cells[1:]])
    with pytest.raises(UserError, match="is no number"):
        read_label_folder(root, TWO)


def test_missing_and_wrong_files_are_reported(root, tmp_path):
    with pytest.raises(UserError, match=r"cannot be read(.|\n)*RJNDLV03\.txt"):
        read_label_folder(root, ("SRC03",))
    with pytest.raises(UserError, match="cannot be read"):
        read_label_file(tmp_path / "absent.txt")
    with pytest.raises(UserError, match="cannot be read"):
        read_packed(tmp_path / "absent.npz")
    np.savez(tmp_path / "shape.npz", jnd=np.zeros((2, 3, 5, 17, 30)), ti=np.zeros((2, 5, 17, 30)))
    with pytest.raises(UserError, match="another shape"):
        read_packed(tmp_path / "shape.npz")
    high = np.full((2, 3, 5, 16, 30), 52)
    np.savez(tmp_path / "high.npz", jnd=high, ti=np.zeros((2, 5, 16, 30)))
    with pytest.raises(UserError, match="found 52 to 52"):
        read_packed(tmp_path / "high.npz")


def test_the_real_labels_have_the_known_statistics(shared_data):
    labels = read_packed(shared_data / "bl_juniper_labels" / "blj_labels.npz")
    rows = label_statistics(labels)
    spread = [[row[key] for key in ("min", "max", "mean", "std")] for row in rows]
    known = [
        [27, 44, 34.27, 3.85],
        [30, 46, 37.37, 3.79],
        [32, 50, 39.89, 3.68],
        [0, 95.42, 10.69, 13.28],
    ]
    assert np.array(spread) == pytest.approx(np.array(known), abs=0.0051)
    assert rows[0]["blocks"] == 72000
    assert (rows[3]["median"], rows[3]["p95"]) == pytest.approx((5.42, 40.7), abs=0.05)
    assert [row["offsets"] for row in rows[:3]] == ["5-5"] * 3
    lowest = [row["at_lowest_pct"] for row in rows[:3]]
    highest = [row["at_highest_pct"] for row in rows[:3]]
    assert lowest == pytest.approx([53.4, 54.0, 54.3], abs=0.05)
    assert highest == pytest.approx([37.7, 37.2, 36.5], abs=0.05)
    assert [row["mean_video"] for row in rows[:3]] == pytest.approx(
        [32.17, 35.30, 37.83], abs=0.005
    )
    assert [row["above_next"] for row in rows[:2]] == [2, 350]
    assert [row["offset_as_next_pct"] for row in rows[:2]] == pytest.approx([88.8, 88.3], abs=0.05)


def test_the_real_video_levels_are_those_of_the_table(shared_data):
    folder = shared_data / "bl_juniper_labels"
    lowest = read_packed(folder / "blj_labels.npz").jnd.min(axis=(2, 3, 4))
    published = read_video_labels(folder / "frame_level_jnd.csv")
    assert (published.values() == lowest).all()
    assert published.values(["SRC01", "SRC30"]).tolist() == [[28, 34, 36], [31, 34, 37]]
