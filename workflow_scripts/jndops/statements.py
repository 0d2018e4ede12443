"""Computed statements of who is better, gathered from a results folder and held against another's.

Two runs of one experiment, with other seeds or on another machine, may show different things; none
may show the contrary of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
    words: str = field(default="", compare=False)


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
    found = {one for path in tables for one in _of_table(path, results)}
    summary = results / "summary.md"
    return found | set(_of_text(summary.name, _caption(summary)))


def shown(results: Path, paper: str) -> tuple[list[str], int]:
    """What the tables of a paper show, in words, and how many comparisons show nothing."""
    tables = sorted((results / paper / "tables").glob("*.csv"))
    words = [one.words for path in tables for one in _statements(path, results)]
    return list(dict.fromkeys(words)), sum(_undecided(path) for path in tables)


def contradictions(first: set[Statement], second: set[Statement]) -> list[str]:
    """What one run shows and the other shows the contrary of, in words."""
    winners = {statement.about: statement.winner for statement in first}
    return sorted(
        f"{', '.join(filter(None, other.about))}: {winners[other.about]} in one run, "
        f"{other.winner} in the other"
        for other in second
        if winners.get(other.about, other.winner) != other.winner
    )


def _of_table(path: Path, results: Path) -> Iterator[Statement]:
    name = path.relative_to(results).as_posix()
    yield from _of_columns(name, read_csv(path))
    yield from _of_text(name, _caption(path.with_suffix(".md")))


def _statements(path: Path, results: Path) -> list[Statement]:
    """Statements of a table's caption, which are sentences, or else those of its columns."""
    found = list(_of_table(path, results))
    return [one for one in found if " beats " in one.words] or found


def _caption(markdown: Path) -> str:
    """First line of a table in Markdown, without its escapes; empty without a file."""
    if not markdown.is_file():
        return ""
    lines = markdown.read_text(encoding="utf-8").replace("\\", "").splitlines()
    return lines[0] if lines else ""


def _undecided(path: Path) -> int:
    """Comparisons of a table that show nothing: in its column, else in its caption."""
    rows = read_csv(path)
    if rows and BETTER in rows[0]:
        return sum(row[BETTER].startswith(NOT_SHOWN) for row in rows)
    return _caption(path.with_suffix(".md")).count(f"{NOT_SHOWN} (")


def _of_text(table: str, text: str) -> Iterator[Statement]:
    for winner, loser, quantity in SENTENCE.findall(text):
        about = (table, *sorted((winner.strip(), loser.strip())), quantity)
        yield Statement(about, winner.strip(), f"{winner.strip()} beats {loser} ({quantity})")


def _of_columns(table: str, rows: list[dict[str, str]]) -> Iterator[Statement]:
    if not rows or BETTER not in rows[0]:
        return
    named = [column for column in rows[0] if column != BETTER and not _measured(rows, column)]
    for row in rows:
        if row[BETTER] and not row[BETTER].startswith(NOT_SHOWN):
            about = [row[column] for column in named]
            words = f"{row[BETTER]} ({', '.join(filter(None, about))})"
            yield Statement((table, *about), row[BETTER], words)


def _measured(rows: list[Mapping[str, str]], column: str) -> bool:
    """Whether a column holds numbers with decimals, or sentences: what differs between runs."""
    cells = [row[column] for row in rows if row[column]]
    return any(re.fullmatch(r"[-+]?\d+\.\d+(e[-+]?\d+)?", cell) or " beats " in cell
               or NOT_SHOWN in cell for cell in cells)  # fmt: skip
