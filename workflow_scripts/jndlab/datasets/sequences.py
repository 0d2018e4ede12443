"""The sheet of sequences: which clips there are, their format and where their pictures lie."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat
from jndlab.paths import CONFIG

SCHEMA = CONFIG / "schemas" / "sequences.schema.yaml"


@dataclass(frozen=True)
class Sequence:
    """One row of the sheet; the columns are described in ``sequences.schema.yaml``.

    ``frames`` counts from frame ``start`` on. ``source_size`` is the size (width, height) in the
    source file, which differs from ``width`` x ``height`` where the clip is scaled.
    """

    id: str
    name: str
    class_name: str
    width: int
    height: int
    fps: Fraction
    frames: int
    bit_depth: int
    file: str
    dataset: str
    content: str
    start: int = 0
    scaled_from: str = ""
    note: str = ""

    @property
    def source_size(self) -> tuple[int, int]:
        """Width and height of the pictures in the source file."""
        if not self.scaled_from:
            return self.width, self.height
        width, _, height = self.scaled_from.partition("x")
        return int(width), int(height)

    @property
    def packaged(self) -> bool:
        """Whether the pictures arrive with an installed Python package."""
        return ":" in self.file

    def clip(self, frames: int | None = None) -> ClipFormat:
        """Format of the first ``frames`` frames (all of them for None).

        Raises UserError if the sequence has fewer, or if ``frames`` is not positive.
        """
        count = self.frames if frames is None else frames
        if not 1 <= count <= self.frames:
            raise UserError(
                f"{count} frames of sequence '{self.id}' are asked for.",
                where="`frames` in the config",
                expected=f"1 to {self.frames}, the frames that the sheet gives for it",
                remedy="lower `frames`, or leave this sequence out.",
            )
        return ClipFormat(self.width, self.height, self.fps, count, self.bit_depth)


def load_sequences(path: str | Path) -> dict[str, Sequence]:
    """Read and check the sheet: sequences by id, in the order of its rows.

    Raises UserError naming row (line of the file), column, value and what is allowed.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(
            f"the sheet of sequences cannot be read: {error.strerror}.", where=str(path)
        ) from error
    rows = csv.reader(text.splitlines(), delimiter="\t")
    columns = next(rows, [])
    _check_columns(columns, str(path))
    sequences: dict[str, Sequence] = {}
    lines: dict[str, int] = {}
    for cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        place = f"{path}, row {rows.line_num}"
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
        sequences[sequence.id], lines[sequence.id] = sequence, rows.line_num
    return sequences


def choose_sequences(sequences: Mapping[str, Sequence], ids: Iterable[str]) -> list[Sequence]:
    """The sequences of these ids, in their order; an unknown id raises UserError with the known."""
    chosen = []
    for wanted in ids:
        if wanted not in sequences:
            raise UserError(
                f"there is no sequence '{wanted}'.",
                where="`sequences` in the config",
                expected=f"one of {', '.join(sequences)}",
                remedy="correct the name, or add a row to the sheet of sequences.",
            )
        chosen.append(sequences[wanted])
    return chosen


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return yaml.load(SCHEMA.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # takes 0.2 s: only those who load a sheet pay

    return Draft202012Validator(_schema())


def _check_columns(columns: list[str], where: str) -> None:
    known, required = list(_schema()["properties"]), _schema()["required"]
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
    row: dict[str, Any] = {}
    for name, rule in _schema()["properties"].items():
        text = cells.get(name, "").strip()
        if not text and "default" in rule:
            row[name] = rule["default"]
        elif rule["type"] == "integer" and text.isascii() and text.isdigit():
            row[name] = int(text)
        else:
            row[name] = text
    for fault in _validator().iter_errors(row):
        column = str(fault.path[0])
        raise UserError(
            f"column '{column}' has the value '{row[column]}'.",
            where=f"{place} ('{row['id']}'), column '{column}'",
            expected=_allowed(column),
        )
    values = {("class_name" if name == "class" else name): value for name, value in row.items()}
    return Sequence(**values | {"fps": Fraction(row["fps"])})


def _allowed(column: str) -> str:
    rule = _schema()["properties"][column]
    texts = {
        "enum": lambda value: "one of " + ", ".join(map(str, value)),
        "type": lambda value: "a whole number" if value == "integer" else "text",
        "minimum": lambda value: f"at least {value}",
        "multipleOf": lambda value: f"a multiple of {value}",
        "pattern": lambda value: f"of the form {value}",
        "minLength": lambda value: "not empty",
    }
    rules = "; ".join(tell(rule[key]) for key, tell in texts.items() if key in rule)
    return f"{rules}. {rule['description']}"
