"""Sheets of sequences and folders of data sets: what editors, unpackers and people make of them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from jndlab.datasets.authors_folder import read_authors_folder
from jndlab.datasets.check import check_data
from jndlab.datasets.konjnd1k import find_sources
from jndlab.datasets.mcl_jci import find_pictures, read_sample_texts
from jndlab.datasets.registry import load_registry
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.paths import CONFIG

COLUMNS = ("id", "name", "class", "width", "height", "fps", "frames", "bit_depth", "file",
           "dataset", "content", "start", "scaled_from", "note", "from_stream",
           "range_md5")  # fmt: skip
ROW = {
    "id": "a", "name": "a", "class": "B", "width": "64", "height": "48", "fps": "25/1",
    "frames": "8", "bit_depth": "8", "file": "a.yuv", "dataset": "hevc_ctc", "content": "demo",
    "start": "0",
}  # fmt: skip
MD5 = "0" * 32
# What is changed in a sound row: the value of the frames, or the message.
CELLS = {
    "good": ({}, 8),
    "spaces": ({"width": " 64 ", "id": " a"}, 8),
    "width_odd": ({"width": "63"}, ["width"]),
    "width_small": ({"width": "16"}, ["width", "18"]),
    "width_huge": ({"width": "99998"}, ["width"]),
    "width_with_point": ({"width": "64.0"}, ["width"]),
    "width_exponent": ({"width": "6e1"}, ["width"]),
    "width_hexadecimal": ({"width": "0x40"}, ["width"]),
    "width_arabic": ({"width": "\u0666\u0664"}, ["width"]),
    "width_underscore": ({"width": "6_4"}, ["width"]),
    "width_signed": ({"width": "+64"}, ["width"]),
    "width_thousands": ({"width": "1,920"}, ["width"]),
    "width_empty": ({"width": ""}, ["width"]),
    "height_negative": ({"height": "-48"}, ["height"]),
    "frames_0": ({"frames": "0"}, ["frames"]),
    "frames_all": ({"frames": "all"}, ["frames"]),
    "frames_long": ({"frames": "9" * 30}, ["frames"]),
    "rate_plain": ({"fps": "25"}, ["fps", "30000/1001"]),
    "rate_decimal": ({"fps": "29.97"}, ["fps"]),
    "rate_0": ({"fps": "0/1"}, ["fps"]),
    "rate_over_0": ({"fps": "25/0"}, ["fps"]),
    "rate_as_date": ({"fps": "25-Jan"}, ["fps"]),
    "rate_colon": ({"fps": "25:1"}, ["fps"]),
    "depth_12": ({"bit_depth": "12"}, ["bit_depth"]),
    "depth_text": ({"bit_depth": "8bit"}, ["bit_depth"]),
    "content_capital": ({"content": "Demo"}, ["content"]),
    "content_stream": ({"content": "decoded from a stream of 2.2 bit/pixel"}, 8),
    "content_stream_words": ({"content": "decoded from a stream of some bit/pixel"}, ["content"]),
    "file_up": ({"file": "../a.yuv"}, ["file"]),
    "file_absolute": ({"file": "/etc/passwd"}, ["file"]),
    "file_address": ({"file": "http://x/a.yuv"}, ["file"]),
    "file_concat": ({"file": "concat:a.yuv|b.yuv"}, ["file"]),
    "file_windows": ({"file": "C:\\a.yuv"}, ["file"]),
    "file_of_a_package": ({"file": "os:a.mp4"}, ["file"]),
    "file_colon": ({"file": "a:b.yuv"}, ["file"]),
    "file_empty": ({"file": ""}, ["file"]),
    "dataset_capital": ({"dataset": "HEVC"}, ["dataset"]),
    "dataset_path": ({"dataset": "../x"}, ["dataset"]),
    "start_negative": ({"start": "-1"}, ["start"]),
    "start_text": ({"start": "one"}, ["start"]),
    "start_empty": ({"start": ""}, 8),
    "scaled_0": ({"scaled_from": "0x0"}, ["scaled_from"]),
    "scaled_half": ({"scaled_from": "1280"}, ["scaled_from"]),
    "scaled_capital": ({"scaled_from": "1280X720"}, ["scaled_from"]),
    "scaled_star": ({"scaled_from": "1280*720"}, ["scaled_from"]),
    "scaled_good": ({"scaled_from": "128x96"}, 8),
    "stream_good": ({"from_stream": MD5, "file": "a.bit"}, 8),
    "stream_short": ({"from_stream": "00"}, ["from_stream"]),
    "stream_capital": ({"from_stream": "A" * 32}, ["from_stream"]),
    "stream_sha": ({"from_stream": "0" * 64}, ["from_stream"]),
    "stream_of_a_raw_file": ({"from_stream": MD5}, ["from_stream"]),
    "range_good": ({"range_md5": f"2+3:{MD5}"}, 8),
    "range_without_count": ({"range_md5": f"2:{MD5}"}, ["range_md5"]),
    "range_of_none": ({"range_md5": f"2+0:{MD5}"}, ["range_md5"]),
    "range_of_a_stream": ({"range_md5": f"2+3:{MD5}", "file": "a.bit"}, ["range_md5"]),
    "range_behind_the_end": ({"range_md5": f"7+3:{MD5}"}, ["range_md5"]),
    "range_within_a_start": ({"range_md5": f"7+3:{MD5}", "start": "2"}, 8),
    "id_dot": ({"id": ".a"}, ["id"]),
    "id_space": ({"id": "a b"}, ["id"]),
    "id_slash": ({"id": "a/b"}, ["id"]),
    "id_long": ({"id": "a" * 65}, ["id"]),
    "id_umlaut": ({"id": "ä"}, ["id"]),
    "id_formula": ({"id": "=a"}, ["id"]),
    "name_formula": ({"name": "=1+1"}, ["name"]),
    "name_hidden": ({"name": "a\u202eb"}, ["not shown"]),
    "name_null": ({"name": "a\0"}, ["UTF-8"]),
    "class_formula": ({"class": "@A"}, ["class"]),
    "note_long": ({"note": "x" * 200_000}, ["cannot be read"]),
    "quoted": ({"name": '"a"'}, 8),
}  # fmt: skip


def sheet(**changes):
    row = {**ROW, **changes}
    return "\t".join(COLUMNS) + "\n" + "\t".join(row.get(name, "") for name in COLUMNS) + "\n"


@pytest.mark.parametrize("name", CELLS)
def test_a_cell(tmp_path, meet, name):
    changes, said = CELLS[name]
    path = tmp_path / "s.tsv"
    path.write_text(sheet(**changes), encoding="utf-8")
    meet(lambda: next(iter(load_sequences(path).values())).frames, said)


GOOD = sheet()
SHEETS = {
    "bom": ("\ufeff" + GOOD, 1),
    "crlf": (GOOD.replace("\n", "\r\n"), 1),
    "cr": (GOOD.replace("\n", "\r"), 1),
    "blank_lines": (GOOD.replace("\n", "\n\n"), 1),
    "commas": (GOOD.replace("\t", ","), ["separated by tabs"]),
    "semicolons": (GOOD.replace("\t", ";"), ["separated by tabs"]),
    "spaces": (GOOD.replace("\t", "    "), ["separated by tabs"]),
    "cleared_row": (GOOD + "\t" * 15 + "\n", ["empty cells"]),
    "more_cells": (GOOD.rstrip("\n") + "\tx\n", ["cells"]),
    "few_cells": ("\n".join([GOOD.split("\n")[0], "a\ta"]) + "\n", ["class"]),
    "comment": ("# sheet\n" + GOOD, ["columns"]),
    "comment_below": (GOOD + "# more\n", ["'# more'"]),
    "head_twice": (GOOD.split("\n")[0] + "\n" + GOOD, ["row 2"]),
    "column_twice": (GOOD.replace("note", "name"), ["repeated name"]),
    "column_unknown": (GOOD.replace("note", "notes"), ["unknown notes"]),
    "column_missing": (GOOD.replace("\tstart\t", "\tx\t"), ["unknown x"]),
    "id_twice": (GOOD + GOOD.split("\n")[1], ["two rows have the id"]),
    "id_in_capitals": (GOOD + "A" + GOOD.split("\n")[1][1:], ["capitals alone"]),
    "utf_16": (GOOD.encode("utf-16"), ["UTF-8"]),
    "latin_1": (sheet(note="Ä").encode("latin-1"), ["UTF-8", "line 2"]),
    "empty": ("", ["columns"]),
    "head_alone": (GOOD.split("\n")[0], ["no rows"]),
    "page": ("<html>", ["columns"]),
    "workbook": (b"PK\3\4" + bytes(99), ["UTF-8"]),
    "folder": (None, ["cannot be read"]),
    "absent": ("-", ["cannot be read"]),
}


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet(tmp_path, meet, name):
    content, said = SHEETS[name]
    path = tmp_path / "s.tsv"
    if content is None:
        path.mkdir()
    elif content != "-":
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    meet(lambda: len(load_sequences(path)), said)


def picture(path, size=(8, 8), quality=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(size[1], size[0], 3)
    Image.fromarray(pixels).save(path, **({"quality": quality} if quality else {}))


def authors(root, **more):
    """A small folder in the authors' layout, and files on top of it: text, or a picture's size."""
    files = {"train/000.png": (8, 8), "train/001.png": (8, 8), "valid/000.png": (8, 8),
             "train/JND-Levels.txt": "22 27 32\n23 28 33\n", "valid/JND-Levels.txt": "22 27 32\n",
             **more.get("files", {})}  # fmt: skip
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, tuple):
            picture(path, content)
        elif content is not None:
            path.write_text(content)
    for name in more.get("without", ()):
        (root / name).unlink()


FOLDERS = {
    "good": ({}, 2),
    "mac": ({"files": {"train/._000.png": "x", "train/.DS_Store": "x"}}, 2),
    "windows": ({"files": {"train/Thumbs.db": "x"}}, ["something else"]),
    "copy": ({"files": {"train/001 (1).png": (8, 8)}}, ["2 rows"]),
    "more_labels": ({"files": {"train/JND-Levels.txt": "22 27 32\n" * 3}}, ["3 rows"]),
    "blank_line": ({"files": {"train/JND-Levels.txt": "22 27 32\n\n23 28 33\n"}}, ["3 rows"]),
    "blank_end": ({"files": {"train/JND-Levels.txt": "22 27 32\n23 28 33\n\n\n"}}, 2),
    "commas": ({"files": {"train/JND-Levels.txt": "22,27,32\n23,28,33\n"}}, ["line 1"]),
    "decimal_commas": ({"files": {"train/JND-Levels.txt": "22,5 27 32\n23 28 33\n"}}, ["line 1"]),
    "head": ({"files": {"train/JND-Levels.txt": "JND1 JND2 JND3\n22 27 32\n"}}, ["line 1"]),
    "nan": ({"files": {"train/JND-Levels.txt": "22 27 nan\n23 28 33\n"}}, ["line 1"]),
    "underscore": ({"files": {"train/JND-Levels.txt": "2_2 27 32\n23 28 33\n"}}, ["line 1"]),
    "range": ({"files": {"train/JND-Levels.txt": "22 27 62\n23 28 33\n"}}, ["out of range"]),
    "falling": ({"files": {"train/JND-Levels.txt": "32 27 22\n23 28 33\n"}}, ["out of order"]),
    "two_label_files": ({"files": {"train/more.txt": "22 27 32\n"}}, ["2 label files"]),
    "no_labels": ({"without": ["train/JND-Levels.txt"]}, ["0 label files"]),
    "no_frames": ({"without": ["valid/000.png"]}, ["no frames"]),
    "mixed_sizes": ({"files": {"train/001.png": (10, 8)}}, ["mixed sizes"]),
    "size_of_a_split": ({"files": {"valid/000.png": (10, 8)}}, ["different sizes"]),
    "cut_picture": ({"files": {"train/001.png": "\x89PNG"}}, ["cannot be read"]),
    "numbers_unpadded": ({"files": {"train/2.png": (8, 8), "train/10.png": (8, 8)},
                          "without": ["train/000.png", "train/001.png"]}, ["not clear"]),
    "folder_inside": ({"files": {"train/more/000.png": (8, 8)}}, ["something else"]),
    "two_kinds": ({"files": {"train/001.jpg": (8, 8)}}, ["two frames"]),
    "jnd_frames_fewer": ({"files": {"jnd1train/000.png": (8, 8)}}, ["do not fit"]),
    "jnd_frames_size": ({"files": {"jnd1valid/000.png": (10, 8)}}, ["another size"]),
    "capitals": ({"files": {"Train/000.png": (8, 8)}}, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_the_authors(tmp_path, meet, name):
    changes, said = FOLDERS[name]
    authors(tmp_path, **changes)
    meet(lambda: len(read_authors_folder(tmp_path)["train"].frames), said)


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "absent", tmp_path / "file", tmp_path):
        with pytest.raises(Exception, match=r"does not exist|is missing"):
            read_authors_folder(path)


JCI = {
    "good": ({}, 2),
    "mac": ({"._ImageJND_SRC01_001.jpg": "x", "__MACOSX/ImageJND_SRC01_001.jpg": "x"}, 2),
    "twice": ({"copy/ImageJND_SRC01_001.jpg": (8, 8)}, ["two files"]),
    "capitals": ({"copy/ImageJND_SRC01_003.JPG": (8, 8)}, 3),
    "small": ({"copy/imagejnd_src01_003.jpg": (8, 8)}, 3),
    "partly_fetched": ({"ImageJND_SRC01_003.jpg.part": "x"}, 2),
    "folder_of_that_name": ({"ImageJND_SRC01_003.jpg/x": "x"}, 2),
}


@pytest.mark.parametrize("name", JCI)
def test_a_folder_of_mcl_jci(tmp_path, meet, name):
    changes, said = JCI[name]
    picture(tmp_path / "ImageJND_SRC01.bmp")
    for quality in (1, 2):
        picture(tmp_path / f"ImageJND_SRC01_{quality:03d}.jpg", quality=quality)
    for file, content in changes.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, tuple):
            picture(path.with_name("made.jpg"), content)
            path.with_name("made.jpg").rename(path)
        else:
            path.write_text(content)
    meet(lambda: len(find_pictures(tmp_path, ["SRC01"], [1, 2])["SRC01"].jpegs), said)


@pytest.mark.parametrize(
    ("sources", "qfs", "said"),
    [(["SRC02"], [1], ["missing"]), (["SRC01"], [1, 3], ["lack qualities"]), ([], [], 0)],
    ids=str,
)
def test_what_mcl_jci_lacks(tmp_path, meet, sources, qfs, said):
    picture(tmp_path / "ImageJND_SRC01.bmp")
    picture(tmp_path / "ImageJND_SRC01_001.jpg", quality=1)
    meet(lambda: len(find_pictures(tmp_path, sources, qfs)), said)


SAMPLES = "90 60 30\n" * 30
TEXTS = {
    "good": (SAMPLES, 30),
    "commas": (SAMPLES.replace(" ", ","), 30),
    "brackets": ("".join(f"[{line}]\n" for line in SAMPLES.splitlines()), 30),
    "crlf": (SAMPLES.replace("\n", "\r\n"), 30),
    "29_subjects": ("90 60 30\n" * 29, ["30"]),
    "31_subjects": ("90 60 30\n" * 31, ["30"]),
    "rising": (SAMPLES.replace("90 60", "60 90", 1), ["do not fall"]),
    "equal": (SAMPLES.replace("90 60", "60 60", 1), ["do not fall"]),
    "out_of_range": (SAMPLES.replace("90", "101", 1), ["out of range"]),
    "zero": (SAMPLES.replace("30", "0", 1), ["out of range"]),
    "negative": (SAMPLES.replace("30", "-30", 1), ["something else"]),
    "point": (SAMPLES.replace("30", "30.5", 1), ["something else"]),
    "words": (SAMPLES.replace("30", "none", 1), ["something else"]),
    "arabic": (SAMPLES.replace("30", "\u0663\u0660", 1), ["something else"]),
    "long": (SAMPLES.replace("30", "3" * 5000, 1), ["something else"]),
    "empty": ("", ["30"]),
    "utf_16": (SAMPLES.encode("utf-16"), ["UTF-8"]),
    "two_seen": (SAMPLES.replace("90 60 30", "90 60", 1), 30),
}


@pytest.mark.parametrize("name", TEXTS)
def test_samples_of_mcl_jci(tmp_path, meet, name):
    content, said = TEXTS[name]
    path = tmp_path / "JND_image_01.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    meet(lambda: read_sample_texts(tmp_path, ["SRC01"]).values["SRC01"][0].size, said)


def test_a_folder_of_konjnd(tmp_path, meet):
    meet(lambda: find_sources(tmp_path, "JPEG", [1]), ["no JPEG pictures"])
    picture(tmp_path / "jpeg/SRC0001_JPEG_001.jpg", quality=1)
    with pytest.raises(Exception, match="original of SRC0001 is missing"):
        find_sources(tmp_path, "JPEG", [1])
    picture(tmp_path / "source_image/SRC0001.png", (10, 8))
    with pytest.raises(Exception, match="not as large"):
        find_sources(tmp_path, "JPEG", [1])


def test_data_that_are_missing_are_named(tmp_path):
    registry = load_registry(CONFIG / "datasets.yaml")
    sequences = load_sequences(CONFIG / "sequences.tsv")
    text, complete = check_data(registry, sequences, tmp_path, [], ["B_BQTerrace"])
    assert not complete and "hevc_ctc" in text
    (tmp_path / "hevc_ctc").write_text("a file in place of the folder")
    text, complete = check_data(registry, sequences, tmp_path, [], ["B_BQTerrace"])
    assert not complete
