"""Shared by the readers of JND data sets: files by source and quality, gaps, lists of numbers."""

from __future__ import annotations

import filecmp
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from jndlab.errors import UserError
from jndlab.files import read_utf8

_NUMBER = re.compile(r"(?<!\d)\d{1,9}(?!\d)", re.ASCII)
_BETWEEN = re.compile(r"[\s,;\[\]]*")


def files_by_quality(
    folder: str | Path, pattern: re.Pattern[str], path_part: str = "", *, upper: bool = False
) -> dict[str, dict[int, Path]]:
    """Files below a folder whose name matches ``pattern`` in full: source -> quality -> path.

    The pattern has the groups ``source`` and ``quality`` (a number). Of several copies of a tree
    ``path_part`` chooses one: it must occur in the path below the folder. ``upper`` takes
    names of sources in any capitals. Two different files for
    one place raise UserError, as does a folder that is not there; of equal ones the first is taken.
    """
    folder = require_folder(folder)
    found: dict[str, dict[int, Path]] = {}
    for path in files_below(folder, "*"):
        match = pattern.fullmatch(path.name)
        if match is None or path_part not in str(path.relative_to(folder)) or not path.is_file():
            continue
        of_source = found.setdefault(match["source"].upper() if upper else match["source"], {})
        quality = int(match["quality"])
        if quality in of_source and filecmp.cmp(of_source[quality], path, shallow=False):
            continue
        if quality in of_source:
            raise UserError(
                f"there are two files of {match['source']} at quality {quality}.",
                where=f"{of_source[quality]} and {path}",
                expected="one",
                remedy="take one of the two copies out of the folder.",
            )
        of_source[quality] = path
    return found


def files_below(folder: Path, pattern: str) -> list[Path]:
    """Files below a folder by name, sorted, without what macOS adds when it unpacks or copies."""
    return [
        path
        for path in sorted(folder.rglob(pattern))
        if not path.name.startswith("._") and "__MACOSX" not in path.parts
    ]


def require_qualities(
    found: Mapping[str, Mapping[int, Path]], wanted: Collection[int], what: str, where: str | Path
) -> None:
    """Raise UserError that names the qualities which a source lacks; ``what`` is QP or QF."""
    gaps = {source: sorted(set(wanted) - set(files)) for source, files in found.items()}
    lacking = {source: gap for source, gap in gaps.items() if gap}
    if lacking:
        source, gap = next(iter(lacking.items()))
        raise UserError(
            f"{len(lacking)} of {len(found)} sources lack qualities: "
            f"{source} has no {what} {number_ranges(gap)}.",
            where=str(where),
            expected=f"{what} {number_ranges(sorted(wanted))} of every source",
            remedy="fetch and unpack the missing files again.",
        )


def require_sources(
    found: Collection[str], wanted: Collection[str], where: str | Path, instead: str = ""
) -> None:
    """Raise UserError that names the sources which are not there, and what to give ``instead``."""
    lacking = [source for source in wanted if source not in found]
    if lacking:
        raise UserError(
            f"{len(lacking)} of {len(wanted)} sources are missing: {', '.join(lacking[:8])}"
            f"{' ...' * (len(lacking) > 8)}.",
            where=str(where),
            remedy="fetch and unpack the data set again; `snakemake check_data` names the source"
            f"{instead and f'. Or {instead}'}.",
        )


def require_folder(folder: str | Path) -> Path:
    """The folder as a path; UserError if it is none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError("the folder of a data set does not exist.", where=str(folder))
    return folder


def number_ranges(numbers: Collection[int]) -> str:
    """Ascending numbers in short: ``1-3, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def whole_numbers(text: str, where: str) -> list[int]:
    """Whole numbers parted by spaces, commas, semicolons or brackets; UserError for others."""
    if _BETWEEN.fullmatch(_NUMBER.sub("", text)) is None:
        raise UserError(
            f"a list of whole numbers holds something else: '{text.strip()[:60]}'.",
            where=where,
            expected="whole numbers parted by spaces or commas",
        )
    return [int(number) for number in _NUMBER.findall(text)]


def samples_in(text: str) -> np.ndarray:
    """JND samples of a cell, a list of numbers in JSON; ValueError or TypeError for another."""
    found = json.loads(text)
    if not isinstance(found, list) or not all(type(one) in (int, float) for one in found):
        raise TypeError(f"{text[:60]!r} is no list of numbers")
    samples = np.array(found, float)
    if not np.isfinite(samples).all():
        raise ValueError(f"{text[:60]!r} holds a number that is not finite")
    return samples


def read_text(path: str | Path, what: str) -> str:
    """Text of a file; UserError that names it and ``what`` it should be."""
    try:
        return read_utf8(path)
    except OSError as error:
        raise UserError(f"{what} cannot be read: {error}.", where=str(path)) from error
