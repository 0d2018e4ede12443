"""The printed tables of the IQNet paper and the names by which they are joined to ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jndlab.files import read_csv
from jndlab.paths import PUBLISHED

PRINTED = PUBLISHED / "iqnet"


Row = dict[str, str]


def load_published(folder: Path = PRINTED) -> dict[str, list[Row]]:
    """Every printed table by its file's stem; cells are the strings printed."""
    return {path.stem: read_csv(path) for path in sorted(folder.glob("*.csv"))}


def pick(rows: Sequence[Row], **where: str) -> list[Row]:
    """Rows whose cells are all as asked, in printed order."""
    return [row for row in rows if all(row[name] == text for name, text in where.items())]


def scenes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(configuration, sequence) pairs in printed order."""
    return list(dict.fromkeys((row["configuration"], row["sequence"]) for row in rows))


def sequence_ids(table1: Sequence[Row], table: Sequence[Row]) -> dict[str, str]:
    """Id in the suite (``C_PartyScene``) of each sequence name that ``table`` prints.

    RaceHorses is in classes C and D and the paper does not say which one Table IV means; its
    rows come in the order of the classes and RaceHorses follows those of class C, so C is taken.
    """
    classes: dict[str, str] = {}
    for row in table1:
        classes.setdefault(row["sequence"], row["class"])
    return {row["sequence"]: f"{classes[row['sequence']]}_{row['sequence']}" for row in table}
