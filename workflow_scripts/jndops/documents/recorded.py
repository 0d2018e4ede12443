"""Recorded runs, `docs/results/<name>.tar.xz`: the numbers that the documents quote.

`make results-archive NUMBERS=docs/results/<name>.tar.xz` writes one from a finished run. Tables of
`config/published` are quoted in the same way, as those of a run of the name `published`.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from jndlab.errors import UserError
from jndlab.paths import PUBLISHED, ROOT
from jndops.run_record import RECORD, provenance

FOLDER = "docs/results"
SUFFIX = ".tar.xz"
READ = (".csv", ".json", ".md")
Row = dict[str, str]
REMEDY = "make it by: make results-archive NUMBERS=docs/results/<name>.tar.xz CONFIG=..."


@dataclass(frozen=True)
class RecordedRun:
    """A recorded run: ``record`` is its ``run.json``, ``texts`` its files by path below results."""

    name: str
    path: Path
    record: Mapping[str, Any]
    texts: Mapping[str, str]

    def has(self, stem: str) -> bool:
        """Whether it holds the table ``stem``, e.g. ``tables/bd_rate``."""
        return f"{stem}.csv" in self.texts

    def table(self, stem: str) -> list[Row]:
        """Rows of a table as text. Raises UserError where the run has no such table."""
        if not self.has(stem):
            raise UserError(
                f"the recorded run '{self.name}' has no table '{stem}'.",
                where=str(self.path),
                expected=f"{stem}.csv among its files",
                remedy="name another table, or record the run again.",
            )
        return list(csv.DictReader(io.StringIO(self.texts[f"{stem}.csv"])))

    def caption(self, stem: str) -> str:
        """Caption of a table, the first line of its Markdown; empty without one."""
        lines = self.texts.get(f"{stem}.md", "").splitlines()
        return lines[0] if lines and not lines[0].startswith("|") else ""

    @property
    def provenance(self) -> str:
        """Its circumstances in a line of Markdown."""
        return f"Run `{self.name}`: {provenance(self.record)}"


@cache
def recorded_runs(root: Path = ROOT) -> dict[str, RecordedRun]:
    """All recorded runs by name. Raises UserError where one cannot be read."""
    paths = sorted((root / FOLDER).glob(f"*{SUFFIX}"))
    return {path.name.removesuffix(SUFFIX): read_recorded(path) for path in paths}


def read_recorded(path: Path) -> RecordedRun:
    """Read a recorded run without unpacking it.

    Raises UserError where the file is no archive of a run of this suite.
    """
    try:
        with tarfile.open(path, "r:*") as archive:
            members = [
                member
                for member in archive.getmembers()
                if member.isfile() and member.name.endswith(READ)
            ]
            texts = {member.name: _text(archive, member) for member in members}
    except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError) as error:
        raise _unreadable(path, f"it cannot be read ({error})") from error
    records = [PurePosixPath(name) for name in texts if PurePosixPath(name).name == RECORD]
    if not records:
        raise _unreadable(path, f"it holds no {RECORD}, which runs of this version write")
    home = min(records, key=lambda name: len(name.parts)).parent
    below = {
        PurePosixPath(name).relative_to(home).as_posix(): text
        for name, text in texts.items()
        if PurePosixPath(name).is_relative_to(home)
    }
    try:
        record = json.loads(below[RECORD])
        missing = {"suite", "commit", "dirty", "date", "configuration", "machine"} - set(record)
    except (json.JSONDecodeError, TypeError) as error:
        raise _unreadable(path, f"its {RECORD} is not what this version writes") from error
    if missing:
        raise _unreadable(path, f"its {RECORD} lacks {', '.join(sorted(missing))}")
    return RecordedRun(path.name.removesuffix(SUFFIX), path, record, below)


@cache
def published_tables() -> RecordedRun:
    """All tables of `config/published`."""
    texts = {p.relative_to(PUBLISHED).as_posix(): p.read_text() for p in PUBLISHED.rglob("*.csv")}
    return RecordedRun(PUBLISHED.name, PUBLISHED, {}, texts)


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = archive.extractfile(member)
    assert stream is not None, "only files are read"
    return stream.read().decode("utf-8")


def _unreadable(path: Path, problem: str) -> UserError:
    return UserError(
        f"the recorded run is of no use: {problem}.",
        where=str(path),
        expected="an archive of numbers of a finished run of this version",
        remedy=REMEDY,
    )


# --- Blocks of documents ----------------------------------------------------------------------

# <!-- results: RUN [TABLE] [| key: value]... -->  ...  <!-- end of results -->
BLOCK = re.compile(r"(<!-- results: ([^\n]*?)-->\n).*?(<!-- end of results -->)", re.DOTALL)
OPTIONS = {"columns", "where", "digits", "show"}


def filled(text: str, document: str, runs: Mapping[str, RecordedRun]) -> str:
    """A document with all its blocks of results filled from the recorded runs.

    A block names a run and, unless it is for the run's provenance alone, a table. Options are
    separated by ``|``: ``columns: a, b as Heading`` (all by default), ``where: method=iqnet,
    configuration=AI`` (rows with these cells; ``a=x/y`` takes either), ``digits: 1`` of decimals
    (2), and ``show: caption`` or ``show: both`` (the table alone by default). Raises UserError for
    a run, table, column or option that is not there, and where no row is left.
    """

    def fill(found: re.Match[str]) -> str:
        lines = _block(found[2].strip(), document, runs)
        return "\n".join([found[1], *lines, "", found[3]])

    return BLOCK.sub(fill, text)


def _block(asked: str, document: str, runs: Mapping[str, RecordedRun]) -> list[str]:
    head, *pairs = (part.strip() for part in asked.split("|"))
    name, _, stem = head.partition(" ")
    options = {key.strip(): value.strip() for key, _, value in (p.partition(":") for p in pairs)}
    if unknown := set(options) - OPTIONS:
        raise _mistake(document, asked, f"unknown option '{sorted(unknown)[0]}'", sorted(OPTIONS))
    if name == PUBLISHED.name and stem:
        runs = {**runs, name: published_tables()}
    if name not in runs:
        raise _mistake(document, asked, f"there is no recorded run '{name}'", list(runs))
    run = runs[name]
    if not stem:
        return [run.provenance]
    show = options.get("show", "table")
    parts = [[run.caption(stem)]] if show in ("caption", "both") else []
    if show in ("table", "both"):
        parts.append(_table(run.table(stem), options, document, asked))
    if not parts:
        raise _mistake(document, asked, f"'show: {show}'", ["table", "caption", "both"])
    return [line for part in parts for line in ["", *part]][1:]


def _table(rows: Sequence[Row], options: Mapping[str, str], document: str, asked: str) -> list[str]:
    available = list(rows[0]) if rows else []
    chosen = [part.strip().split(" as ") for part in options.get("columns", "").split(",") if part]
    columns = {part[0].strip(): part[-1].strip() for part in chosen} or {c: c for c in available}
    conditions = dict(
        [side.strip() for side in part.split("=", 1)]
        for part in options.get("where", "").split(",")
        if part
    )
    for column in (*columns, *conditions):
        if column not in available:
            raise _mistake(document, asked, f"the table has no column '{column}'", available)
    kept = [
        row
        for row in rows
        if all(row[key] in value.split("/") for key, value in conditions.items())
    ]
    if not kept:
        raise _mistake(document, asked, "no row is left", sorted(conditions))
    digits = int(options.get("digits", "2"))
    cells = [[_cell(row[column], digits) for column in columns] for row in kept]
    numeric = [all(_is_number(row[column]) for row in kept) for column in columns]
    rule = ["---:" if is_number else "---" for is_number in numeric]
    return [f"| {' | '.join(line)} |" for line in [list(columns.values()), rule, *cells]]


def _cell(text: str, digits: int) -> str:
    if _is_number(text) and "." in text:
        rounded = f"{float(text):.{digits}f}"
        return rounded.lstrip("-") if float(rounded) == 0 else rounded
    return text.replace("|", "\\|")


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?|", text))


def _mistake(document: str, asked: str, problem: str, expected: Sequence[str]) -> UserError:
    return UserError(
        f"a block of results is wrong: {problem}.",
        where=f"{document}: <!-- results: {asked} -->",
        expected="one of " + ", ".join(expected) if expected else REMEDY,
        remedy="correct the block, then run `make docs`.",
    )
