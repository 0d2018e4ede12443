"""Files that are either whole under their name or absent, and their hashes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jndlab.errors import UserError


def sha256_of(path: str | Path) -> str:
    """Hex SHA-256 of a file's content."""
    return digest_of(path, "sha256")


def digest_of(path: str | Path, kind: str) -> str:
    """Hex digest of a file's content, of a kind that ``hashlib`` has."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()


def hashes_by_name(paths: Iterable[str | Path]) -> dict[str, str]:
    """SHA-256 of files by their names; by their paths where two have one name."""
    files = list(map(Path, paths))
    names = [file.name for file in files]
    return {
        name if names.count(name) == 1 else str(file): sha256_of(file)
        for name, file in zip(names, files, strict=True)
    }


def sha256_of_json(data: Any) -> str:
    """Hex SHA-256 of JSON-able data, independent of the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder (same suffix) that becomes the target.

    On success the file is renamed over ``target``; on any error it is removed and ``target``
    is left as it was. A killed process leaves at most a ``.part-*`` file, never a half target.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".part-{target.stem}-", suffix=target.suffix, dir=target.parent
    )
    os.close(handle)
    part = Path(name)
    try:
        yield part
        # mkstemp files are private to their owner; a result is as readable as any other file.
        part.chmod(0o666 & ~_umask())
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def own_copy(path: str | Path) -> None:
    """Give a file that has a second name (a hard link) a content of its own, to be written to."""
    if os.lstat(path).st_nlink > 1:
        with atomic_path(path) as part:
            shutil.copyfile(path, part)


def write_text(path: str | Path, text: str) -> None:
    """Write text (UTF-8) atomically."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, data: Any) -> None:
    """Write JSON atomically, keys in the order given; infinities and NaN are refused."""
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def own_content(where: str | Path) -> Iterator[None]:
    """UserError, with the place, where what a job wrote has other keys or kinds of values now."""
    try:
        yield
    except UserError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(
            "a file is not as the suite wrote it.",
            where=str(where),
            expected=f"what a job of the suite wrote; found {found[:300]}",
            remedy="delete it and run again: the job that writes it is made again.",
        ) from error


class NoJsonError(UserError, ValueError):
    """A file that should be JSON with certain keys is not; a ValueError as that of ``json``."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The keys of an object, of which none may be there twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"a key is there twice: {max(names, key=names.count)}")
    return found


def read_json(path: str | Path, *keys: str) -> Any:
    """Read a JSON file; of ``keys``, a mapping that has them.

    Raises NoJsonError for another content, OSError where the file cannot be read.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
        if keys and not isinstance(data, dict):
            raise ValueError("it is no mapping")
        if absent := [key for key in keys if key not in data]:
            raise ValueError(f"it has no key {', '.join(absent)}")
    except (ValueError, RecursionError) as error:
        raise NoJsonError(
            "a JSON file cannot be read.",
            where=str(path),
            expected=f"what a job of the suite wrote; {error}",
            remedy="delete it and run again: the job that writes it is made again.",
        ) from error
    return data


def read_arrays(path: str | Path) -> dict[str, Any]:
    """All arrays of an .npz file by name; UserError where it is none or is damaged."""
    import numpy as np  # encodes need no arrays

    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile, zlib and numpy raise anything on damaged files
        raise UserError(
            "a file of arrays cannot be read.",
            where=str(path),
            expected=f"a whole .npz file; {error or type(error).__name__}",
            remedy="make it, or fetch it, again.",
        ) from error


def read_parquet(path: str | Path) -> Any:
    """A table as pandas has it, of a Parquet file; UserError where it is none or is damaged."""
    import pandas as pd  # encodes need no tables

    try:
        return pd.read_parquet(path)
    except Exception as error:  # pyarrow has a dozen errors of its own
        raise UserError(
            "a Parquet table cannot be read.",
            where=str(path),
            expected=f"a whole file, as a job of the suite wrote it; {error}",
            remedy="delete it and run again: the job that writes it is made again.",
        ) from error


def write_csv(
    path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None
) -> None:
    """Write rows as CSV atomically; the columns are those of the first row unless given.

    ``None`` becomes an empty cell. An empty table needs ``columns``.
    """
    rows = list(rows)
    names = list(columns) if columns is not None else list(rows[0])
    with atomic_path(path) as part, open(part, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="raise", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_utf8(path: str | Path) -> str:
    """Text of a file in UTF-8, its byte order mark left out, line ends as they are.

    Raises UserError, with the line, for any other encoding; OSError where it cannot be read.
    """
    if Path(path).is_dir():
        raise UserError("a file cannot be read: it is a folder.", where=str(path))
    data = Path(path).read_bytes()
    remedy = "save it as UTF-8 (of a spreadsheet: `CSV UTF-8, comma separated`)."
    if b"\0" in data:
        raise UserError(
            "a file is no UTF-8 text.",
            where=f"{path}, line {data[: data.index(0)].count(10) + 1}",
            expected="UTF-8; found bytes 0, as UTF-16 or a file that is no text has",
            remedy=remedy,
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            "a file is no UTF-8 text.",
            where=f"{path}, line {data[: error.start].count(10) + 1}",
            expected=f"UTF-8; found byte 0x{data[error.start]:02x}, as older encodings have",
            remedy=remedy,
        ) from error


SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons"}


def read_csv(path: str | Path, delimiter: str = ",") -> list[dict[str, str]]:
    """Read a table of text cells, one dict per row.

    Raises UserError, with file and line, for a text that is not UTF-8, another separator, columns
    of one name, and rows of another number of cells or of empty cells alone; OSError where the
    file cannot be read. Blank lines are left out.
    """
    return [row for _, row in read_rows(path, delimiter)]


def read_rows(path: str | Path, delimiter: str = ",") -> list[tuple[str, dict[str, str]]]:
    """As :func:`read_csv`, each row with the place (file and line) that messages name."""
    rows = csv.reader(io.StringIO(read_utf8(path), newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[str, dict[str, str]]] = []
    columns: list[str] = []
    parted = SEPARATORS.get(delimiter, repr(delimiter))
    try:
        for cells in rows:
            where = f"{path}, line {rows.line_num}"
            if not cells:
                continue
            if not columns:
                columns = cells
                if other := other_separator(cells):
                    raise UserError(
                        f"a table is parted by {other}.",
                        where=where,
                        expected=f"cells parted by {parted}",
                        remedy=f"save it with {parted} between cells and points in numbers.",
                    )
                if twice := sorted({name for name in cells if cells.count(name) > 1}):
                    raise UserError(
                        f"a table has several columns called '{twice[0]}'.", where=where
                    )
            elif len(cells) != len(columns):
                raise UserError(
                    f"a row has {len(cells)} cells for {len(columns)} columns.",
                    where=where,
                    expected=f"cells parted by one of the {parted} each; text that holds such, "
                    "like a number with a decimal comma, in quotes",
                )
            elif not any(cell.strip() for cell in cells):
                raise UserError(
                    "a row has empty cells alone.",
                    where=where,
                    expected="a value in some cell",
                    remedy="delete the row (spreadsheets keep rows that were cleared).",
                )
            else:
                found.append((where, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        raise UserError(
            "a table cannot be read.", where=f"{path}, line {rows.line_num}", expected=str(error)
        ) from error
    return found


def other_separator(head: Sequence[str]) -> str:
    """What parts the head of a table that was read as one cell; empty where it was not."""
    marks = [name for mark, name in SEPARATORS.items() if len(head) == 1 and mark in head[0]]
    return marks[0] if marks else ""


_NUMBER = re.compile(r" *([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?) *")


def number_of(cell: str, whole: bool = False) -> float:
    """The number of a cell as people write it; ValueError for any other text.

    Not all that ``float`` takes: 1_000, digits of other scripts, nan and inf are slips of a form.
    """
    found = _NUMBER.fullmatch(str(cell))
    number = float(found[1]) if found else math.nan
    if not math.isfinite(number) or (whole and not number.is_integer()):
        raise ValueError(f"{str(cell)[:40]!r} is no {'whole ' if whole else ''}number")
    return number


def whole_number_of(cell: str) -> int:
    """As :func:`number_of`, a whole one."""
    return int(number_of(cell, whole=True))


def open_lock(path: str | Path) -> IO[str]:
    """A file for locks, made where it is missing; it is never cut, and OSError for a link."""

    def without_links(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW, 0o666)

    return open(path, "a+", encoding="utf-8", opener=without_links)


def opens_as_formula(text: str) -> bool:
    """Whether a spreadsheet would take a text for a formula: it begins with = + - @ and is no
    number."""
    if not text.lstrip().startswith(("=", "+", "-", "@")):
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
