"""Tables from elsewhere: UTF-8, or a message that names the line."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from jndlab.datasets import konjnd1k, videoset
from jndlab.datasets.mcl_jcv import read_video_labels
from jndlab.errors import UserError
from jndlab.files import opens_as_formula, read_csv, read_rows
from jndlab.media.picture_folder import picture_files
from jndlab.subjective.answers import RATING_COLUMNS, csv_rows
from jndops.experiment import Method

TABLE = "name,value\nfirst,1.5\nsecond,2\n"


@pytest.mark.parametrize("data", [
    TABLE.encode(), TABLE.encode("utf-8-sig"), TABLE.replace("\n", "\r\n").encode(),
    TABLE.replace("\n", "\n\n").encode(), b'"name","value"\n"first","1.5"\n"second","2"',
])  # fmt: skip
def test_one_table_however_it_was_saved(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    rows = read_csv(tmp_path / "a.csv")
    assert rows == [{"name": "first", "value": "1.5"}, {"name": "second", "value": "2"}]


def test_a_row_knows_its_line(tmp_path):
    (tmp_path / "a.csv").write_text('a,b\n"two\nlines",1\n\nx,2\n')
    assert [where.rsplit(" ", 1)[1] for where, _ in read_rows(tmp_path / "a.csv")] == ["3", "5"]


@pytest.mark.parametrize(("data", "message", "line"), [
    (TABLE.replace("second", "z\u00fcrich").encode("cp1252"), "no UTF-8", 3),
    (TABLE.replace("second", "z\u00fcrich").encode("mac-roman"), "no UTF-8", 3),
    (TABLE.encode("utf-16"), "no UTF-8", 1),
    (TABLE.encode("utf-16-be"), "no UTF-8", 1),
    (TABLE.encode("utf-32"), "no UTF-8", 1),
    (bytes.fromhex("0005160700020000") + bytes(64), "no UTF-8", 1),
    (TABLE.replace(",", ";").encode(), "parted by semicolons", 1),
    (TABLE.replace(",", "\t").encode(), "parted by tabs", 1),
    (TABLE.replace("1.5", "1,5").encode(), "3 cells for 2 columns", 2),
    ((TABLE + "third\n").encode(), "1 cells for 2 columns", 4),
    ((TABLE + ",\n").encode(), "empty cells alone", 4),
    ((TABLE + " , \n").encode(), "empty cells alone", 4),
    (b"a,a\n1,2\n", "several columns", 1),
    (b"a,b\n1," + b"x" * 200_000, "cannot be read", 2),
    (b'a,b\n1,"x', "cannot be read", 2),
])  # fmt: skip
def test_any_other_table_is_named_with_its_line(tmp_path, data, message, line):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(UserError, match=message) as caught:
        read_csv(tmp_path / "a.csv")
    assert caught.value.where == f"{tmp_path / 'a.csv'}, line {line}"


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|x", "@SUM", "-a", " =x", "-1+2"])
def test_formulas(cell):
    assert opens_as_formula(cell)


@pytest.mark.parametrize("cell", ["-1", "+2.5", "-3e-4", "a=b", "", "1-2", "-inf"])
def test_numbers_and_texts_are_no_formulas(cell):
    assert not opens_as_formula(cell)


def test_a_decimal_comma_in_quotes_is_named_with_its_line(tmp_path):
    (tmp_path / "a.csv").write_text('src,J1_frame,J2_frame,J3_frame\n1,20,25,30\n2,"20,5",25,30\n')
    with pytest.raises(UserError, match=r"line 3(.|\n)*20,5"):
        read_video_labels(tmp_path / "a.csv")


def test_a_workbook_that_is_none(tmp_path):
    (tmp_path / "1280x720_1st.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(UserError, match=r"workbook cannot be read(.|\n)*1280x720_1st"):
        videoset.read_tables(tmp_path)


def test_what_macos_adds_is_passed_over(tmp_path):
    apple = bytes.fromhex("0005160700020000") + bytes(120)
    picture = Image.fromarray(np.full((48, 64, 3), 99, np.uint8))
    for folder in (tmp_path, tmp_path / "__MACOSX"):
        for name in ("source_image", "jpeg"):
            (folder / name).mkdir(parents=True)
    picture.save(tmp_path / "source_image/SRC0001.png")
    for quality in (1, 100):
        name = f"SRC0001_JPEG_{quality:03d}.jpg"
        picture.save(tmp_path / "jpeg" / name, quality=quality)
        for folder in (tmp_path, tmp_path / "__MACOSX"):
            (folder / "jpeg" / f"._{name}").write_bytes(apple)
    for folder in (tmp_path, tmp_path / "__MACOSX"):
        (folder / "source_image/._SRC0001.png").write_bytes(apple)
    (source,) = konjnd1k.find_sources(tmp_path, "JPEG", [1, 100]).values()
    assert source.source.name == "SRC0001.png" and sorted(source.pictures) == [1, 100]
    assert list(picture_files(tmp_path / "source_image")) == ["SRC0001"]


def test_names_that_come_into_tables_are_no_formulas(tmp_path):
    with pytest.raises(ValueError, match="take for a formula"):
        Method.model_validate({"kind": "anchor", "label": "=HYPERLINK(1)"})
    assert Method.model_validate({"kind": "anchor", "label": "-3 dB"[1:]}).label == "3 dB"
    head = ",".join(RATING_COLUMNS)
    (tmp_path / "a.csv").write_text(f"{head}\n=cmd|x,s,3,2024-05-31T14:02:11Z\n")
    with pytest.raises(UserError, match=r"formula to spreadsheets(.|\n)*line 2, column subject"):
        list(csv_rows(tmp_path / "a.csv", RATING_COLUMNS))
