"""One quantity has one value: pairs of tables of a run that disagree without saying why."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

# Columns that say what a number is of. Two tables speak of the same where they have the same of
# these columns and the same values in them, so a reason in a column (other QPs of the anchor,
# another interpolation) makes two quantities of one.
KEYS = (
    "level", "scope", "sequence", "configuration", "codec", "method", "metric", "qp", "anchor_qps",
    "interpolation", "quality", "judge", "question", "target_qp", "labels", "importance",
    "data", "data_set", "split", "picture", "image", "model", "predictor", "test_set", "against",
    "name", "network", "variant", "kind", "subset", "single", "multi", "figure", "quantity",
    "statistic", "claim", "seed", "fold",
)  # fmt: skip
# Named after what stands in the table's other columns, or (Holm's p) of the table as a whole.
NO_QUANTITIES = frozenset(
    {"low", "high", "ci_low", "ci_high", "mean", "difference", "value", "p_holm"}
)


FOUND = frozenset({"better", "verdict", "statement", "answer"})  # words that follow from numbers


class Disagreement(NamedTuple):
    """A quantity with two values: the columns of :data:`KEYS` as text, tables and their cells."""

    quantity: str
    of: str
    tables: tuple[str, str]
    cells: tuple[str, str]


def disagreements(results: str | Path) -> list[Disagreement]:
    """Every number that two tables below ``results`` (``**/tables/*.csv``) give differently.

    Compared are columns of numbers that both have, row by row where all of :data:`KEYS` agree, to
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


def keyed_table(path: Path) -> pd.DataFrame:
    """Cells as text, indexed by the key columns that the table has; empty where there are none."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    keys = [name for name in KEYS if name in table.columns]
    if table.duplicated(keys or None).any():
        numbers = table.apply(pd.to_numeric, errors="coerce").notna() | (table == "")
        words = set(table.columns[~numbers.all()]) - FOUND
        keys = [name for name in table.columns if name in keys or name in words]
    if not keys or table.duplicated(keys).any():
        return pd.DataFrame()
    return table.set_index(keys)


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
