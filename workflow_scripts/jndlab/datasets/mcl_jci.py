"""MCL-JCI (Jin et al. 2016): 50 pictures at every JPEG quality, and 30 subjects' JND samples.

Public release: ``source_images/[BMP]/ImageJND_SRC01.bmp``, ``distorted_image/ImageJND_SRC01/
ImageJND_SRC01_001.jpg`` to ``_100.jpg`` and ``JND_samples/JND_image_01.txt`` with a line per
subject. Names and counts are those that users' code and listings give; how the numbers of a line
are parted is not confirmed, so spaces, commas and brackets do. Sources are called SRC01 to SRC50.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from jndlab.datasets.jnd_files import (
    files_below,
    files_by_quality,
    read_text,
    require_folder,
    require_qualities,
    require_sources,
    whole_numbers,
)
from jndlab.errors import UserError
from jndlab.quality.jnd_statistics import JndSamples, check_samples

SOURCES = tuple(f"SRC{number:02d}" for number in range(1, 51))
QFS = tuple(range(1, 101))
SUBJECTS = 30
LEVELS = 3

_LEVEL_NAMES = ("first", "second", "third")
_JPEG = re.compile(r"ImageJND_(?P<source>SRC\d\d)_(?P<quality>\d{3})\.jpe?g", re.IGNORECASE)
_BITMAP = re.compile(r"ImageJND_(?P<source>SRC\d\d)\.bmp", re.IGNORECASE)


@dataclass(frozen=True)
class JciPicture:
    """One source: its bitmap and its JPEGs by quality factor 1..100 (100 is the test's anchor)."""

    source: str
    bitmap: Path
    jpegs: dict[int, Path]


def find_pictures(
    folder: str | Path, sources: Sequence[str] = SOURCES, qfs: Sequence[int] = QFS
) -> dict[str, JciPicture]:
    """Pictures of the release below a folder; missing sources or QFs are named in a UserError."""
    folder = require_folder(folder)
    bitmaps = {
        match["source"].upper(): path
        for path in files_below(folder, "*")
        if (match := _BITMAP.fullmatch(path.name))
    }
    jpegs = files_by_quality(folder, _JPEG, upper=True)
    require_sources(bitmaps, sources, folder / "source_images")
    require_sources(jpegs, sources, folder / "distorted_image")
    chosen = {source: jpegs[source] for source in sources}
    require_qualities(chosen, qfs, "QF", folder / "distorted_image")
    return {source: JciPicture(source, bitmaps[source], chosen[source]) for source in sources}


def read_sample_texts(folder: str | Path, sources: Sequence[str] = SOURCES) -> JndSamples:
    """Samples of the release's text files, the first three JNDs of each subject.

    A line lists the QFs at which one subject saw a difference, falling; where a subject saw fewer
    than three, the rest is NaN. Whether line i is the same person in all files is not confirmed,
    though in the tables made from them subjects are kept as columns. Raises UserError for missing
    files, a count of lines other than 30, rising lines, or QFs out of 1..100.
    """
    folder = require_folder(folder)
    paths = {f"SRC{path.stem[-2:]}": path for path in files_below(folder, "JND_image_??.txt")}
    require_sources(paths, sources, folder)
    values = {}
    for source in sources:
        path = paths[source]
        lines = [line for line in read_text(path, "JND samples").splitlines() if line.strip()]
        runs = [whole_numbers(text, f"{path}, line {i}") for i, text in enumerate(lines, 1)]
        _require_subjects(len(runs), source, str(path))
        values[source] = _levels(runs, source, str(path))
    return check_samples(JndSamples("QF", values, same_subjects=True), str(folder))


def read_sample_matrices(folder: str | Path, variant: Literal["", "_update"] = "") -> JndSamples:
    """Samples of ``JND_first.mat``, ``JND_second.mat`` and ``JND_third.mat``: 50 x subjects, QF.

    A zero means that the subject saw no such level (NaN here). ``variant`` ``_update`` reads the
    files from which two of the 30 subjects (the 1st and 14th) were left out. Raises UserError for
    a missing file, another shape, or QFs out of range.
    """
    from scipy.io import loadmat  # half a second to import: only for this format

    tables: list[np.ndarray] = []
    for name in _LEVEL_NAMES:
        path = Path(folder) / f"JND_{name}{variant}.mat"
        try:
            table = np.asarray(loadmat(path)[f"JND_result_{name}"], float)
        except Exception as error:  # SciPy raises anything on damaged files
            raise UserError(
                "JND samples of MCL-JCI cannot be read.",
                where=str(path),
                expected=f"a MATLAB file with JND_result_{name}; {error}",
            ) from error
        if table.shape[0] != len(SOURCES) or (tables and table.shape != tables[0].shape):
            raise UserError(
                "a table of JND samples has another shape.",
                where=str(path),
                expected=f"{len(SOURCES)} sources x as many subjects as the other levels, "
                f"found {' x '.join(map(str, table.shape))}",
            )
        tables.append(np.where(table == 0, np.nan, table))
    values = {source: tuple(table[row] for table in tables) for row, source in enumerate(SOURCES)}
    return check_samples(JndSamples("QF", values, same_subjects=True), str(folder))


def _levels(runs: Sequence[Sequence[int]], source: str, where: str) -> tuple[np.ndarray, ...]:
    """First three values of each subject, as arrays over subjects by level."""
    table = np.full((LEVELS, len(runs)), np.nan)
    for subject, run in enumerate(runs):
        if any(later >= earlier for earlier, later in pairwise(run)):
            raise UserError(
                f"JND samples of {source}, subject {subject + 1}, do not fall.",
                where=where,
                expected=f"falling QFs, found {', '.join(map(str, run))}",
            )
        table[: len(run), subject] = run[:LEVELS]
    return tuple(table)


def _require_subjects(found: int, source: str, where: str) -> None:
    if found != SUBJECTS:
        raise UserError(
            f"{source} has JND samples of {found} subjects.",
            where=where,
            expected=f"{SUBJECTS}, a line each",
        )
