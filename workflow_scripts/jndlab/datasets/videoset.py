"""VideoSet (Wang et al. 2017): subjects' JND tables and the H.264 streams of its public release.

Tables ``<width>x<height>_1st.csv``, ``_2nd``, ``_3rd`` (220 rows) and streams
``videoSRC001_<width>x<height>_<fps>/videoSRC001_<width>x<height>_<fps>_qp_00.264`` to ``_qp_51``
(QP 0 is the reference), named so in several users' code. Archives are unpacked anywhere below
one folder; how deep is not confirmed and does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.datasets.jnd_files import (
    files_below,
    files_by_quality,
    require_folder,
    require_qualities,
    require_sources,
    samples_in,
)
from jndlab.errors import UserError
from jndlab.files import number_of, read_csv, whole_number_of
from jndlab.quality.jnd_statistics import JndSamples, check_samples

SOURCES = tuple(f"videoSRC{number:03d}" for number in range(1, 221))
RESOLUTIONS = ("1920x1080", "1280x720", "960x540", "640x360")
LEVEL_NAMES = ("1st", "2nd", "3rd")
COLUMNS = (
    "anchor", "jnd", "mean", "normality", "samples", "samples_no", "sequence_index",
    "standard_deviation",
)  # fmt: skip
QPS = range(52)


@dataclass(frozen=True)
class VideoSetRow:
    """One JND of one source as the tables give it: samples in H.264 QP, and their statistics.

    ``jnd`` is where 75 % of the users are satisfied; ``anchor`` is the QP compared with (0, then
    the JND before). Outlying samples are already left out, and subjects are not kept apart.
    """

    source: str
    level: int
    anchor: int
    jnd: int
    mean: float
    deviation: float
    normal: bool
    samples: np.ndarray


@dataclass(frozen=True)
class VideoSetClip:
    """The streams of one source: QP -> path; QP 0 is the reference."""

    source: str
    width: int
    height: int
    fps: int
    streams: dict[int, Path]


def read_tables(folder: str | Path, resolution: str = "1280x720") -> list[VideoSetRow]:
    """All rows of the three tables (CSV or XLSX) of one resolution, level by level.

    The tables may lie anywhere below ``folder``. Raises UserError for a missing table or column,
    sources that are not 1 to 220 once each, and samples out of QP 0..51 or not as many as stated.
    """
    folder = require_folder(folder)
    rows = []
    for level, name in enumerate(LEVEL_NAMES, start=1):
        path = _table_path(folder, f"{resolution}_{name}")
        rows += _read_table(path, level)
    return rows


def samples_of(rows: Sequence[VideoSetRow]) -> JndSamples:
    """The subjects' samples by source."""
    sources = dict.fromkeys(row.source for row in rows)
    by_place = {(row.source, row.level): row.samples for row in rows}
    levels = sorted({row.level for row in rows})
    values = {source: tuple(by_place[source, level] for level in levels) for source in sources}
    return check_samples(JndSamples("QP", values), "VideoSet")


def find_clips(
    folder: str | Path,
    resolution: str,
    sources: Sequence[str] = SOURCES,
    qps: Sequence[int] = tuple(QPS),
) -> dict[str, VideoSetClip]:
    """The streams of one resolution below a folder; missing sources and QPs are named (UserError).

    ``sources`` and ``qps`` are those needed: a part of the set may be fetched.
    """
    pattern = re.compile(
        rf"(?P<source>videoSRC\d{{3}}_{resolution}_\d+)_qp_(?P<quality>\d\d)\.(264|mp4)"
    )
    found = files_by_quality(folder, pattern)
    by_source = {stem.split("_")[0]: (stem, streams) for stem, streams in found.items()}
    require_sources(by_source, sources, folder)
    chosen = {source: by_source[source] for source in sources}
    require_qualities({s: streams for s, (_, streams) in chosen.items()}, qps, "QP", folder)
    width, height = map(int, resolution.split("x"))
    return {
        source: VideoSetClip(source, width, height, int(stem.rsplit("_", 1)[1]), streams)
        for source, (stem, streams) in chosen.items()
    }


def _table_path(folder: Path, stem: str) -> Path:
    found = [path for suffix in ("csv", "xlsx") for path in files_below(folder, f"{stem}.{suffix}")]
    if not found:
        raise UserError(
            f"the JND table '{stem}' is missing.",
            where=str(folder),
            expected=f"{stem}.csv or {stem}.xlsx, resolution one of {', '.join(RESOLUTIONS)}",
            remedy="unpack the label tables (database_csv) there.",
        )
    return found[0]


def _read_table(path: Path, level: int) -> list[VideoSetRow]:
    cells = _xlsx_cells(path) if path.suffix == ".xlsx" else _csv_cells(path)
    if not cells or set(COLUMNS) - set(cells[0]):
        raise UserError(
            "this is no JND table of VideoSet.",
            where=str(path),
            expected=f"the columns {', '.join(COLUMNS)}; "
            f"found {', '.join(map(str, cells[0])) if cells else 'no rows'}",
        )
    rows = [_row(row, level, f"{path}, line {line}") for line, row in enumerate(cells, start=2)]
    indices = [row.source for row in rows]
    if sorted(indices) != list(SOURCES):
        raise UserError(
            "the rows of a JND table are not the sources 1 to 220, each once.",
            where=str(path),
            expected=f"220 rows, found {len(rows)} of {len(set(indices))} sources",
        )
    return sorted(rows, key=lambda row: row.source)


def _row(cells: dict[str, Any], level: int, where: str) -> VideoSetRow:
    try:
        samples = samples_in(cells["samples"])
        count = whole_number_of(cells["samples_no"])
        row = VideoSetRow(
            f"videoSRC{whole_number_of(cells['sequence_index']):03d}",
            level,
            whole_number_of(cells["anchor"]),
            whole_number_of(cells["jnd"]),
            number_of(cells["mean"]),
            number_of(cells["standard_deviation"]),
            bool(whole_number_of(cells["normality"])),
            samples,
        )
    except (TypeError, ValueError) as error:
        raise UserError(
            "a row of a JND table cannot be read.", where=where, expected=str(error)
        ) from error
    if samples.size != count or samples.size < 2:
        raise UserError(
            f"{row.source} has {samples.size} JND samples.", where=where, expected=f"{count}"
        )
    if samples.min() < QPS[0] or samples.max() > QPS[-1]:
        raise UserError(
            f"{row.source} has a JND sample out of range.",
            where=where,
            expected=f"QP 0 to 51, found {samples.min():g} to {samples.max():g}",
        )
    return row


def _csv_cells(path: Path) -> list[dict[str, Any]]:
    return read_csv(path)


def _xlsx_cells(path: Path) -> list[dict[str, Any]]:
    from openpyxl import load_workbook  # 0.3 s to import: only for workbooks

    try:
        rows = list(load_workbook(path, read_only=True, data_only=True).worksheets[0].values)
    except Exception as error:  # openpyxl raises anything on damaged workbooks
        raise UserError(
            "a workbook cannot be read.",
            where=str(path),
            expected=f"a whole .xlsx file; {error}",
            remedy="fetch the file again.",
        ) from error
    for line, row in enumerate(rows, start=1):
        if not any(cell is not None for cell in row):
            raise UserError(
                "a row has empty cells alone.",
                where=f"{path}, line {line}",
                remedy="delete the row (spreadsheets keep rows that were cleared).",
            )
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]] if rows else []
