"""One quantity has one value: pairs of tables of a run that disagree without saying why."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from jndops.documents.moves import keyed_table

# Named after what stands in the table's other columns, or (Holm's p) of the table as a whole.
NO_QUANTITIES = frozenset(
    {"low", "high", "ci_low", "ci_high", "mean", "difference", "value", "p_holm"}
)


class Disagreement(NamedTuple):
    """A quantity with two values: the key columns as text, tables and their cells."""

    quantity: str
    of: str
    tables: tuple[str, str]
    cells: tuple[str, str]


def disagreements(results: str | Path) -> list[Disagreement]:
    """Every number that two tables below ``results`` (``**/tables/*.csv``) give differently.

    Compared are columns of numbers that both have, row by row where all key columns agree, to
    the decimals of the coarser cell. Tables whose caption (the ``.md`` next to them) names the
    other one explain the difference there. Where rows of a table have one key, all its columns
    of words are part of it.
    """
    folder = Path(results)
    paths = sorted(folder.glob("**/tables/*.csv"))
    tables = {
        path.relative_to(folder).with_suffix("").as_posix(): keyed_table(path) for path in paths
    }
    captions = {name: _caption(folder / f"{name}.md") for name in tables}
    found = []
    for first, second in itertools.combinations(tables, 2):
        if first not in captions[second] and second not in captions[first]:
            found += list(_differing((first, tables[first]), (second, tables[second])))
    return found


def _caption(path: Path) -> str:
    if not path.is_file():
        return ""
    return path.read_text("utf-8").partition("\n|")[0]  # what stands above the table


def _differing(
    one: tuple[str, pd.DataFrame], other: tuple[str, pd.DataFrame]
) -> Iterator[Disagreement]:
    (first, left), (second, right) = one, other
    if left.index.names != right.index.names:
        return
    shared = set(right.columns) - NO_QUANTITIES
    for key in left.index.intersection(right.index):
        for quantity in [name for name in left.columns if name in shared]:
            cells = left.loc[key, quantity], right.loc[key, quantity]
            if _differ(*cells):
                words = key if isinstance(key, tuple) else (key,)
                pairs = zip(left.index.names, words, strict=True)
                of = ", ".join(f"{name} {value}" for name, value in pairs if value)
                yield Disagreement(quantity, of, (first, second), cells)


def _differ(one: str, other: str) -> bool:
    """Whether two cells are numbers with a decimal point that differ; counts may differ."""
    if "." not in one or "." not in other:
        return False
    try:
        difference = abs(float(one) - float(other))
    except ValueError:
        return False
    decimals = min(len(cell.partition(".")[2]) for cell in (one, other))
    return difference > 1.001 * 10.0**-decimals
