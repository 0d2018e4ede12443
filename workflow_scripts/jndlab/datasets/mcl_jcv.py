"""MCL-JCV (Wang et al. 2016): 30 clips, their H.264 streams at QP 1 to 51, and JND samples.

Public release, 1080p: ``YUV_source/videoSRC01_1920x1080_30.yuv``, streams
``...1080P...videoSRC01/videoSRC01_01.mp4`` to ``_51.mp4`` and ``JND_raw_samples``. Stream names
are those in BL-JUNIPER's scripts, source names those in codec projects' configurations. A public
survey of the release counts about three files a clip in JND_raw_samples, of each resolution; their
content could not be looked at, so it decides how they are read (:func:`read_samples`). Sources are
called SRC01 to SRC30.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

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
from jndlab.datasets.jnd_labels import JndLabels, Order, labels_from_values
from jndlab.errors import UserError
from jndlab.files import number_of, read_rows, whole_number_of
from jndlab.quality.jnd_statistics import JndSamples, check_samples

SOURCES = tuple(f"SRC{number:02d}" for number in range(1, 31))
QPS = tuple(range(1, 52))
LEVELS = 3

_STREAM = re.compile(r"video(?P<source>SRC\d\d)_(?P<quality>\d\d)\.(mp4|264|avi)")
_YUV = re.compile(r"video(SRC\d\d)_(\d+)x(\d+)_(\d+)\.yuv", re.IGNORECASE)
_RESOLUTION = re.compile(r"(?<![0-9])(?:1080|720|540|360)P")
_SAMPLES = re.compile(r".*(?P<source>SRC\d\d).*\.(txt|csv)", re.IGNORECASE)


RawFile = tuple[Path | None, int, int, Fraction | None]  # path, width, height, rate


@dataclass(frozen=True)
class JcvClip:
    """One source: raw file (None where only streams are there), size, rate, H.264 streams by QP.

    Size and rate come from the raw file's name; without it they are 1920x1080 and None.
    """

    source: str
    raw: Path | None
    width: int
    height: int
    fps: Fraction | None
    streams: dict[int, Path]


def find_clips(
    folder: str | Path,
    sources: Sequence[str] = SOURCES,
    qps: Sequence[int] = QPS,
    resolution: str = "1080P",
) -> dict[str, JcvClip]:
    """Clips of one resolution below a folder; missing sources and QPs are named in a UserError.

    Streams of other resolutions bear the same names, so the path of those wanted must hold
    ``resolution``.
    """
    folder = require_folder(folder)
    streams = files_by_quality(folder, _STREAM, path_part=resolution)
    require_sources(streams, sources, f"{folder}, paths with {resolution}")
    chosen = {source: streams[source] for source in sources}
    require_qualities(chosen, qps, "QP", folder)
    height = int(resolution.rstrip("P"))
    raws: dict[str, RawFile] = {
        match[1]: (path, int(match[2]), int(match[3]), Fraction(int(match[4])))
        for path in files_below(folder, "video*")
        if (match := _YUV.fullmatch(path.name)) and int(match[3]) == height
    }
    absent: RawFile = (None, height * 16 // 9, height, None)
    return {
        source: JcvClip(source, *raws.get(source, absent), chosen[source]) for source in sources
    }


def read_samples(
    folder: str | Path, sources: Sequence[str] = SOURCES, resolution: str = "1080P"
) -> JndSamples:
    """JND samples (H.264 QP) of one resolution, from text files with SRCnn in their names.

    Either three files a clip, one per level, each with a QP per subject: the one with the lowest
    mean is level 1. Or one file a clip: a line per subject with the rising QPs at which he saw a
    difference (as in MCL-JCI by the same laboratory), or three lines, one per level. Three levels
    are taken, NaN where a subject saw fewer. Raises UserError for missing files of a clip, another
    number of files or form, or QPs out of 0..51.
    """
    folder = require_folder(folder)
    paths: dict[str, list[Path]] = {}
    for path in files_below(folder, "*"):
        match = _SAMPLES.fullmatch(path.name)
        other = set(_RESOLUTION.findall(str(path.relative_to(folder)))) - {resolution}
        if match and not other and path.is_file():
            paths.setdefault(match["source"].upper(), []).append(path)
    table = "give a table of video-level JNDs by the key `video_jnd`"
    require_sources(paths, sources, f"{folder}, JND samples of {resolution}", table)
    values = {source: _levels(paths[source], source) for source in sources}
    return check_samples(JndSamples("QP", values), str(folder))


def read_video_labels(path: str | Path, order: Order = "error") -> JndLabels:
    """Video-level JNDs from a CSV with src, J1_frame, J2_frame, J3_frame (lowest block labels).

    BL-JUNIPER's authors map a clip's JND J to block labels J..J+5, so the lowest label of a clip
    stands for its JND; indirect, and named ``block_minimum``.
    """
    try:
        where, values = str(path), {}
        for where, row in read_rows(path):  # noqa: B007  # named where a row cannot be read
            levels = [number_of(row[f"J{level}_frame"]) for level in (1, 2, 3)]
            source = f"SRC{whole_number_of(row['src']):02d}"
            if source in values or source not in SOURCES:
                raise ValueError(f"source {source} is there twice, or none of MCL-JCV")
            values[source] = levels
    except (OSError, KeyError, ValueError) as error:
        raise UserError(
            "video-level JNDs cannot be read.",
            where=where,
            expected=f"the columns src, J1_frame, J2_frame, J3_frame; {error}",
        ) from error
    return labels_from_values(values, "QP", "subjective", "block_minimum", str(path), order=order)


def _levels(paths: Sequence[Path], source: str) -> tuple[np.ndarray, ...]:
    """Samples of a clip by level; how its files are laid out follows from their content."""
    tables = [_lines(path) for path in paths]
    if len(paths) == LEVELS:
        levels = [[qp for line in table for qp in line] for table in tables]
    elif len(paths) > 1:
        raise UserError(
            f"there are {len(paths)} files of JND samples of {source}.",
            where=f"{paths[0]} and others",
            expected="one file, or one for each of the three levels",
        )
    elif all(b > a for line in tables[0] for a, b in pairwise(line)):
        (lines,) = tables
        table = np.full((LEVELS, len(lines)), np.nan)
        for subject, line in enumerate(lines):
            table[: len(line), subject] = line[:LEVELS]
        return tuple(table)
    else:
        (levels,) = tables
    means = [float(np.mean(level)) for level in levels]
    rising = len(paths) > 1 or means == sorted(means)
    if len(levels) != LEVELS or len(set(means)) < LEVELS or not rising:
        raise UserError(
            f"JND samples of {source} do not rise.",
            where=str(paths[0]),
            expected="a line per subject of rising QPs, or three levels whose means rise",
        )
    return tuple(np.array(levels[place], float) for place in np.argsort(means))


def _lines(path: Path) -> list[list[int]]:
    """The numbers of each line that holds any."""
    lines = enumerate(read_text(path, "JND samples").splitlines(), 1)
    rows = [whole_numbers(text, f"{path}, line {n}") for n, text in lines if text.strip()]
    if not any(rows):
        raise UserError("a file of JND samples is empty.", where=str(path))
    return [row for row in rows if row]
