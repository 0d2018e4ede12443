"""How far the numbers of two results folders are apart, and the document that shows it.

`docs/reproducibility.md` is made from comparisons of recorded runs, `docs/results/moves.csv`.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import pandas as pd

from jndlab.errors import UserError
from jndlab.files import read_json, write_csv
from jndlab.paths import ROOT
from jndops.run_record import RECORD, provenance

RECORDED = ROOT / "docs/results/moves.csv"
# What a run takes is no result: it moves with every run.
TIMES = re.compile(r"(^|_)(s|ms|seconds?|wall|peak_mib)($|_)")
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
FOUND = frozenset({"better", "verdict", "statement", "answer"})  # words that follow from numbers
OVERALL = "all tables"
REMEDY = "record it by: make compare-runs A=... B=... ARGS='--record \"what differs\"'"


@dataclass(frozen=True)
class Move:
    """The numbers of one column of a table in two runs, or of all tables (``OVERALL``).

    ``numbers`` are compared row by row, ``moved`` of them differ; ``absolute`` is the largest
    difference, ``relative`` the largest one over the larger of the two values, of the row
    ``where``; ``texts`` counts cells of words that differ, ``rows`` those that only one run has.
    ``run`` is commit, date and machine of the first run, of ``OVERALL``.
    """

    comparison: str
    table: str
    column: str
    numbers: int
    moved: int
    absolute: float
    relative: float
    where: str
    texts: int
    rows: int
    run: str = ""


def moves(first: Path, second: Path, comparison: str) -> list[Move]:
    """Every column in which two results folders differ, and first what was compared in all.

    Rows are those of the same words in their key columns. Raises UserError where the folders have
    no table in common.
    """
    tables = [sorted(_names(folder)) for folder in (first, second)]
    shared = [name for name in tables[0] if name in tables[1]]
    if not shared:
        raise UserError(
            "the two runs have no table in common.",
            where=f"{first} and {second}",
            expected="results folders of two runs of one configuration",
            remedy="name the results folders of two finished runs.",
        )
    found = [
        move
        for name in shared
        for move in _of_table(comparison, name, *(_table(f, name) for f in (first, second)))
    ]
    kept = first / RECORD
    run = provenance(read_json(kept)) if kept.is_file() else ""
    overall = replace(_overall(comparison, found), run=run)
    return [overall, *(move for move in found if _differs(move))]


def record(found: Sequence[Move], path: Path = RECORDED) -> None:
    """Write the moves of a comparison in the place of those recorded under its name."""
    others = [move for move in recorded(path) if move.comparison != found[0].comparison]
    rows = [{**asdict(move), **_rounded(move)} for move in [*others, *found]]
    write_csv(path, rows, [field.name for field in fields(Move)])


def recorded(path: Path = RECORDED) -> list[Move]:
    """What :func:`record` wrote; nothing where there is no file.

    Raises UserError for a file of other columns.
    """
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = [field.name for field in fields(Move)]
    if rows and list(rows[0]) != names:
        raise UserError(
            "the recorded comparison is of another version.",
            where=str(path),
            expected=f"columns {', '.join(names)}; found {', '.join(rows[0])}",
            remedy=REMEDY,
        )
    whole, real = ("numbers", "moved", "texts", "rows"), ("absolute", "relative")
    return [
        Move(**{**row, **{n: int(row[n]) for n in whole}, **{n: float(row[n]) for n in real}})  # type: ignore[arg-type]
        for row in rows
    ]


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


def _names(folder: Path) -> Iterator[str]:
    for path in [*folder.glob("*/tables/*.csv"), *folder.glob("tables/*.csv")]:
        yield path.relative_to(folder).with_suffix("").as_posix()


def _table(folder: Path, name: str) -> pd.DataFrame:
    return keyed_table(folder / f"{name}.csv")


def _of_table(
    comparison: str, name: str, left: pd.DataFrame, right: pd.DataFrame
) -> Iterator[Move]:
    if left.index.names != right.index.names or left.empty or right.empty:
        return
    shared = left.index.intersection(right.index)
    lacking = len(left) + len(right) - 2 * len(shared)
    if lacking:
        yield Move(comparison, name, "", 0, 0, 0.0, 0.0, "", 0, lacking)
    for column in [c for c in left.columns if c in right.columns and not TIMES.search(c)]:
        numbers, moved, texts = 0, 0, 0
        absolute, relative, where = 0.0, 0.0, ""
        for key in shared:
            one, other = (_number(table.at[key, column]) for table in (left, right))
            if one is None or other is None:
                texts += left.at[key, column] != right.at[key, column]
                continue
            numbers += 1
            if one == other:
                continue
            moved += 1
            absolute = max(absolute, abs(one - other))
            if (share := abs(one - other) / max(abs(one), abs(other))) > relative:
                relative, where = share, _words(key)
        yield Move(comparison, name, column, numbers, moved, absolute, relative, where, texts, 0)


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _words(key: object) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return " ".join(str(part) for part in parts if part != "")[:80]


def _differs(move: Move) -> bool:
    return bool(move.moved or move.texts or move.rows)


def _overall(comparison: str, found: Iterable[Move]) -> Move:
    given = list(found) or [Move(comparison, "", "", 0, 0, 0.0, 0.0, "", 0, 0)]
    worst = max(given, key=lambda move: move.relative)
    place = f"{worst.table} {worst.column}" if worst.moved else ""
    return Move(
        comparison, OVERALL, "", sum(m.numbers for m in given), sum(m.moved for m in given),
        max(m.absolute for m in given), worst.relative, place,
        sum(m.texts for m in given), sum(m.rows for m in given),
    )  # fmt: skip


def _rounded(move: Move) -> dict[str, str]:
    return {"absolute": f"{move.absolute:.3g}", "relative": f"{move.relative:.3g}"}


# --- The document -----------------------------------------------------------------------------

HEAD = """# Reproducibility

Generated by `make docs` from `docs/results/moves.csv`: pairs of runs of one configuration that
differ in one thing, compared number by number (`make compare-runs A=... B=... ARGS='--record
"what differs"'`). Times and memory are no results and are left out.

**The same everywhere.** Two runs on one machine with one configuration give the same tables byte
for byte. Threads of an encoder or a measurement (`threads`) change no number.

**What is pinned.** Every Python package with its hash (`envs/requirements.lock`), and with them
FFmpeg, VVenC, x264, x265, kvazaar and libvmaf, which are inside the package imageio-ffmpeg (their
choice of vector instructions on another processor was not measured). NumPy's matrix products, and
with them the classical filters, take the same kernel on every x86-64 processor with AVX2: with
those for AVX-512 and for neither, single samples of a filtered clip differ. Seeds of every
training, split and picture are keys of the configuration; each training has one process and a
fixed number of threads (`jobs.threads`).

**What is not.** PyTorch's and ONNX Runtime's sums depend on the number of threads and on the
vector instructions of the processor (oneDNN takes the widest). A training carries such
differences of the last bit on; after hundreds of steps they are differences of the weights.

A relative move is over the larger of the two values; of numbers near 0 it says little."""

MOST = 20  # rows of a table of the document


def page(found: Sequence[Move]) -> str:
    """The whole document."""
    lines = [HEAD, "", "## Numbers that may move, by how much", ""]
    if not found:
        return "\n".join([*lines, f"No comparison is recorded; {REMEDY}.", ""])
    overall = [move for move in found if move.table == OVERALL]
    lines += [
        "| the two runs differ in | numbers compared | moved | largest relative move | in | words "
        "that differ | rows of one run alone |",
        "|---|---:|---:|---:|---|---:|---:|",
        *(
            f"| {_escaped(m.comparison)} | {m.numbers} | {m.moved} | {_percent(m.relative)} | "
            f"{_code(m.where)} | {m.texts} | {m.rows} |"
            for m in overall
        ),
    ]
    lines += ["", *(f"* {m.comparison}: {m.run}" for m in overall if m.run)]
    for one in overall:
        of = [m for m in found if m.comparison == one.comparison and m.table != OVERALL]
        lines += ["", f"### {one.comparison}", ""]
        lines += _columns(of) if of else ["No number moves."]
    return "\n".join(lines) + "\n"


def _columns(found: Sequence[Move]) -> list[str]:
    """Table of the columns that move most, the others counted."""
    moved = sorted((m for m in found if m.moved), key=lambda m: (-m.relative, m.table, m.column))
    lines = ["| table | column | moved | largest absolute | largest relative | in the row |"]
    lines += ["|---|---|---:|---:|---:|---|"]
    lines += [
        f"| `{m.table}` | `{m.column}` | {m.moved} of {m.numbers} | {m.absolute:.3g} | "
        f"{_percent(m.relative)} | {_escaped(m.where)} |"
        for m in moved[:MOST]
    ]
    if rest := moved[MOST:]:
        lines += ["", f"{len(rest)} more columns move by {_percent(rest[0].relative)} or less."]
    return lines


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 100 else f"{percent:.2g} %" if percent else "0"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
