"""Computed statements of who is better, gathered from a results folder and held against another's.

Two runs of one experiment, with other seeds or on another machine, may show different things; none
may show the contrary of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jndlab.errors import UserError
from jndlab.files import read_csv
from jndlab.quality.intervals import NOT_SHOWN

SENTENCE = re.compile(r"(?:^|[.:;] )([^.:;]+?) beats ([^(]+?) \(([^:()]+):")
BETTER = "better"


@dataclass(frozen=True)
class Statement:
    """That ``winner`` is better; ``about`` is table, pair and conditions, equally in all runs."""

    about: tuple[str, ...]
    winner: str


def statements(results: Path) -> set[Statement]:
    """All that the tables of a results folder show, in captions and in columns ``better``.

    Raises UserError where the folder has no table.
    """
    tables = sorted(results.glob("*/tables/*.csv")) + sorted(results.glob("tables/*.csv"))
    if not tables:
        raise UserError(
            f"{results} has no tables.",
            expected=f"{results}/tables/*.csv",
            remedy="name the results folder of a finished run.",
        )
    found: set[Statement] = set()
    for path in tables:
        name = path.relative_to(results).as_posix()
        found |= set(_of_columns(name, read_csv(path)))
        caption = path.with_suffix(".md")
        if caption.is_file():
            lines = caption.read_text(encoding="utf-8").replace("\\", "").splitlines()
            found |= set(_of_text(name, lines[0] if lines else ""))
    summary = results / "summary.md"
    if summary.is_file():
        text = summary.read_text(encoding="utf-8").replace("\\", "")
        found |= set(_of_text(summary.name, text.splitlines()[0]))
    return found


def contradictions(first: set[Statement], second: set[Statement]) -> list[str]:
    """What one run shows and the other shows the contrary of, in words."""
    winners = {statement.about: statement.winner for statement in first}
    return sorted(
        f"{', '.join(filter(None, other.about))}: {winners[other.about]} in one run, "
        f"{other.winner} in the other"
        for other in second
        if winners.get(other.about, other.winner) != other.winner
    )


def _of_text(table: str, text: str) -> Iterator[Statement]:
    for winner, loser, quantity in SENTENCE.findall(text):
        yield Statement((table, *sorted((winner.strip(), loser.strip())), quantity), winner.strip())


def _of_columns(table: str, rows: list[dict[str, str]]) -> Iterator[Statement]:
    if not rows or BETTER not in rows[0]:
        return
    named = [column for column in rows[0] if column != BETTER and not _measured(rows, column)]
    for row in rows:
        if row[BETTER] and not row[BETTER].startswith(NOT_SHOWN):
            yield Statement((table, *(row[column] for column in named)), row[BETTER])


def _measured(rows: list[Mapping[str, str]], column: str) -> bool:
    """Whether a column holds numbers with decimals, or sentences: what differs between runs."""
    cells = [row[column] for row in rows if row[column]]
    return any(re.fullmatch(r"[-+]?\d+\.\d+(e[-+]?\d+)?", cell) or " beats " in cell
               or NOT_SHOWN in cell for cell in cells)  # fmt: skip
