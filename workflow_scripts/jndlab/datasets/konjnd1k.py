"""KonJND-1k (Lin et al. 2022): pictures at every JPEG or BPG level, and crowdsourced PJND samples.

Release as users' code reads it: ``source_image/SRC0001.png`` (1,008, 640x480),
``jpeg/SRC0001_JPEG_001.jpg`` (504 sources x 100 levels), ``bpg/SRC0505_BPG_001.png`` (504 x 51,
decoded) and ``subjective_ratings.csv``. The authors' test page holds a few pictures of the same
kind, numbered by JPEG quality, BPG levels as JPEGs. Ratings are distortion levels d (its slider:
QF = 101 - d; for BPG d is taken as QP). Whether the release numbers its files by d or by quality
is not confirmed: for JPEGs it is read off the pictures' own quantisation tables.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image

from jndlab.datasets.jnd_files import (
    files_below,
    files_by_quality,
    require_folder,
    require_qualities,
    samples_in,
)
from jndlab.errors import UserError
from jndlab.files import number_of, read_rows, whole_number_of
from jndlab.media.pictures import open_picture, picture_size
from jndlab.quality.jnd_statistics import JndSamples, Unit, check_samples

Coder = Literal["JPEG", "BPG"]
LEVELS: dict[str, tuple[int, ...]] = {"JPEG": tuple(range(1, 101)), "BPG": tuple(range(1, 52))}
COLUMNS = ("image_id", "Compression type", "No. of ratings", "mean", "std", "ratings")
# Slider positions accepted in the authors' quiz, as quality factors (101 - d).
QUIZ_QF_INTERVALS = {"Quiz_SRC01": (23, 54), "Quiz_SRC02": (37, 76)}

_PICTURE = {
    coder: re.compile(rf"(?P<source>.+)_{coder}_(?P<quality>\d{{3}})\.(jpg|png)")
    for coder in get_args(Coder)
}


@dataclass(frozen=True)
class KonjndSource:
    """One source and its compressed pictures.

    For JPEG the keys of ``pictures`` are quality factors, for BPG the numbers in the file names.
    """

    name: str
    coder: Coder
    source: Path
    pictures: dict[int, Path]


def find_sources(
    folder: str | Path, coder: Coder, levels: Sequence[int] | None = None
) -> dict[str, KonjndSource]:
    """Sources of a coder that have compressed pictures, by name (SRC0001, Quiz_SRC01).

    Every source needs the ``levels`` given (by default all 100 or 51, by number in the file
    name); gaps are named in a UserError, as are a source without its original and a picture of
    another size than its original.
    """
    folder = require_folder(folder)
    found = files_by_quality(folder, _PICTURE[coder])
    if not found:
        raise UserError(
            f"there are no {coder} pictures of KonJND-1k.",
            where=str(folder),
            expected=f"files like SRC0001_{coder}_001.jpg",
        )
    require_qualities(found, LEVELS[coder] if levels is None else levels, "level", folder)
    originals = {path.stem: path for path in files_below(folder, "*.png")}
    sources = {}
    for name, files in found.items():
        if name not in originals:
            raise UserError(
                f"the original of {name} is missing.",
                where=str(folder),
                expected=f"{name}.png in source_image/ or next to the folders of levels",
            )
        _require_size(originals[name], next(iter(files.values())))
        pictures = _by_quality(files) if coder == "JPEG" else files
        sources[name] = KonjndSource(name, coder, originals[name], pictures)
    return sources


def read_ratings(path: str | Path) -> dict[Coder, JndSamples]:
    """PJND samples of ``subjective_ratings.csv``: JPEG as QF, BPG as QP; sources as SRC0001.

    One level (the first JND). ``mean``, ``std`` and ``No. of ratings`` of the file must come out of
    the ratings (the deviation with N or N - 1). Raises UserError for other columns, unknown coders,
    ratings out of 1..100 or 1..51, or statistics that do not fit.
    """
    try:
        table = read_rows(path)
    except OSError as error:
        raise UserError(f"ratings cannot be read: {error.strerror}.", where=str(path)) from error
    rows = [row for _, row in table]
    if not rows or set(COLUMNS) - set(rows[0]):
        raise UserError(
            "this is no table of KonJND-1k ratings.",
            where=str(path),
            expected=f"the columns {', '.join(COLUMNS)}; "
            f"found {', '.join(map(str, rows[0])) if rows else 'no rows'}",
        )
    values: dict[str, dict[str, tuple[np.ndarray, ...]]] = {coder: {} for coder in get_args(Coder)}
    for where, row in table:
        coder, name = row["Compression type"], Path(row["image_id"]).stem
        if coder not in values or name in values[coder]:
            raise UserError(
                f"{name} is rated twice or for an unknown coder: '{coder}'.",
                where=where,
                expected=f"{' or '.join(values)}, once per picture",
            )
        levels = _ratings(row, LEVELS[coder], where)
        values[coder][name] = (101 - levels if coder == "JPEG" else levels,)
    units: dict[Coder, Unit] = {"JPEG": "QF", "BPG": "QP"}
    return {
        coder: check_samples(JndSamples(unit, values[coder]), str(path))
        for coder, unit in units.items()
        if values[coder]
    }


def jpeg_quality(path: str | Path) -> int | None:
    """Quality factor 1..100 whose standard luma table a JPEG file was made with; None if none."""
    return _quality_of_table().get(_luma_table(open_picture(path, load=False)))


@cache
def _quality_of_table() -> dict[tuple[int, ...], int]:
    qualities = {}
    for quality in range(100, 0, -1):
        stream = io.BytesIO()
        Image.new("L", (8, 8)).save(stream, "JPEG", quality=quality)
        qualities[_luma_table(Image.open(stream))] = quality
    return qualities


def _luma_table(picture: Image.Image) -> tuple[int, ...]:
    """The quantisation table of a JPEG file's luma; empty for other files."""
    return tuple((getattr(picture, "quantization", None) or {}).get(0, ()))


def _by_quality(files: Mapping[int, Path]) -> dict[int, Path]:
    """JPEG files by quality factor: their numbers are that, or 101 minus it."""
    number = max(files)
    quality = jpeg_quality(files[number])
    if quality == number:
        return dict(files)
    if quality == 101 - number:
        return {101 - other: path for other, path in sorted(files.items(), reverse=True)}
    raise UserError(
        "the numbers of JPEG files do not reveal their quality.",
        where=str(files[number]),
        expected=f"quality factor {number} or {101 - number}, found {quality or 'another table'}",
        remedy="unpack the original files; pictures coded again are not those that were rated.",
    )


def _ratings(row: Mapping[str, str], levels: Sequence[int], where: str) -> np.ndarray:
    name = row["image_id"]
    try:
        ratings = samples_in(row["ratings"])
        published = (
            whole_number_of(row["No. of ratings"]), number_of(row["mean"]), number_of(row["std"])
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise UserError(
            f"the ratings of {name} cannot be read.", where=where, expected=str(error)
        ) from error
    if not ratings.size or ratings.min() < levels[0] or ratings.max() > levels[-1]:
        found = f"{ratings.min():g} to {ratings.max():g}" if ratings.size else "none"
        raise UserError(
            f"a rating of {name} is out of range.",
            where=where,
            expected=f"levels {levels[0]} to {levels[-1]}, found {found}",
        )
    deviations = [ratings.std(ddof=0)] + ([ratings.std(ddof=1)] if ratings.size > 1 else [])
    if (
        published[0] != ratings.size
        or abs(published[1] - ratings.mean()) > 0.01
        or min(abs(published[2] - deviation) for deviation in deviations) > 0.01
    ):
        raise UserError(
            f"the statistics of {name} do not come out of its ratings.",
            where=where,
            expected=f"{published[0]} ratings, mean {published[1]:g}, deviation {published[2]:g}; "
            f"found {ratings.size}, {ratings.mean():.3f}, {deviations[-1]:.3f}",
        )
    return ratings


def _require_size(original: Path, picture: Path) -> None:
    sizes = picture_size(original), picture_size(picture)
    if sizes[0] != sizes[1]:
        raise UserError(
            "a compressed picture is not as large as its original.",
            where=f"{picture} and {original.name}",
            expected="{}x{}, found {}x{}".format(*sizes[0], *sizes[1]),
        )
