"""Block labels of BL-JUNIPER's authors: JND QP and temporal information of 64x64 blocks.

Their text files: ``GeneratedJNDLabels/JND1/RJNDLV01.txt``, ``JND2/RJND2LV01.txt``,
``JND3/RJND3LV01.txt`` (2,400 whole numbers each, CRLF) and ``GeneratedTI/RTIV01.txt`` (2,400
decimals): 5 key frames x 16 x 30 blocks of a 1080p clip, 30 clips of MCL-JCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jndlab.datasets.jnd_files import read_text, require_folder
from jndlab.datasets.mcl_jcv import SOURCES
from jndlab.errors import UserError
from jndlab.files import number_of, read_arrays, whole_number_of
from jndlab.quality.jnd_statistics import RANGES

FRAMES, ROWS, COLUMNS = 5, 16, 30
BLOCKS = FRAMES * ROWS * COLUMNS
LEVELS = (1, 2, 3)
WINDOW = 5  # a clip's labels lie in J .. J + 5


@dataclass(frozen=True)
class BlockLabels:
    """Labels of blocks of clips SRC01 ...: JND QPs and raw block TI.

    ``jnd``: clips x 3 levels x 5 key frames x 16 x 30, uint8; levels are not ordered in every
    block. ``ti``: clips x 5 x 16 x 30, float32.
    """

    sources: tuple[str, ...]
    jnd: np.ndarray
    ti: np.ndarray


def read_label_file(path: str | Path) -> np.ndarray:
    """Labels of one clip and level: 5 x 16 x 30 uint8, frame by frame, row by row.

    Raises UserError for another count, something that is no whole number, or a QP out of 0..51.
    """
    cells = _cells(path)
    try:
        values = np.array([whole_number_of(cell) for cell in cells])
    except ValueError as error:
        raise UserError(
            "a label of a block is no whole number.", where=str(path), expected=str(error)
        ) from error
    low, high = RANGES["QP"]
    wrong = np.flatnonzero((values < low) | (values > high))
    if wrong.size:
        raise UserError(
            f"a label of a block is out of range: {values[wrong[0]]}.",
            where=f"{path}, line {wrong[0] + 1}",
            expected=f"QP {low} to {high}",
        )
    return values.astype(np.uint8).reshape(FRAMES, ROWS, COLUMNS)


def read_ti_file(path: str | Path) -> np.ndarray:
    """Temporal information of one clip: 5 x 16 x 30 float32, not negative."""
    try:
        values = np.array([number_of(cell) for cell in _cells(path)], np.float32)
    except ValueError as error:
        raise UserError(
            "temporal information of a block is no number.", where=str(path), expected=str(error)
        ) from error
    if not (np.isfinite(values).all() and values.min() >= 0):
        raise UserError(
            "temporal information is negative or no number.", where=str(path), expected="0 or more"
        )
    return values.reshape(FRAMES, ROWS, COLUMNS)


def read_label_folder(folder: str | Path, sources: Sequence[str] = SOURCES) -> BlockLabels:
    """The authors' text files below a folder that holds GeneratedJNDLabels/ and GeneratedTI/."""
    folder = require_folder(folder)
    jnd, ti = [], []
    for source in sources:
        number = source.removeprefix("SRC")
        names = [f"RJND{level if level > 1 else ''}LV{number}.txt" for level in LEVELS]
        jnd.append(
            [
                read_label_file(folder / "GeneratedJNDLabels" / f"JND{level}" / name)
                for level, name in zip(LEVELS, names, strict=True)
            ]
        )
        ti.append(read_ti_file(folder / "GeneratedTI" / f"RTIV{number}.txt"))
    return BlockLabels(tuple(sources), np.array(jnd), np.array(ti))


def read_packed(path: str | Path) -> BlockLabels:
    """The same labels from one ``.npz`` with ``jnd`` and ``ti``; UserError for other shapes."""
    arrays = read_arrays(path)
    if absent := {"jnd", "ti"} - set(arrays):
        raise UserError(
            "block labels cannot be read.", where=str(path), expected=f"no {', '.join(absent)}"
        )
    jnd, ti = arrays["jnd"], arrays["ti"]
    clips, blocks = len(jnd), (FRAMES, ROWS, COLUMNS)
    low, high = RANGES["QP"]
    if jnd.shape != (clips, len(LEVELS), *blocks) or ti.shape != (clips, *blocks):
        raise UserError(
            "block labels have another shape.",
            where=str(path),
            expected=f"clips x 3 x 5 x 16 x 30 and clips x 5 x 16 x 30, found {jnd.shape}, "
            f"{ti.shape}",
        )
    if jnd.min() < low or jnd.max() > high or clips > len(SOURCES):
        raise UserError(
            "block labels are out of range.",
            where=str(path),
            expected=f"QP {low} to {high} of {len(SOURCES)} clips at most, "
            f"found {jnd.min()} to {jnd.max()} of {clips}",
        )
    return BlockLabels(SOURCES[:clips], jnd.astype(np.uint8), ti.astype(np.float32))


def label_statistics(labels: BlockLabels) -> list[dict[str, float | int | str]]:
    """Statistics of the labels, one row per JND level and one for TI (``label``).

    ``min max mean std median p95`` over all blocks (deviation with N); for JNDs also
    ``mean_video`` (mean over clips of the lowest label), ``offsets`` (largest minus smallest label
    within a clip, over clips, as ``low-high``), the percentages ``at_lowest_pct`` and
    ``at_highest_pct`` of blocks with offset 0 and 5, ``above_next`` (blocks whose JND exceeds the
    next level's) and ``offset_as_next_pct`` (blocks with the offset of the next level).
    """
    rows: list[dict[str, float | int | str]] = []
    base = labels.jnd.min(axis=(2, 3, 4), keepdims=True)
    offsets = (labels.jnd - base).astype(int)
    for place, level in enumerate(LEVELS):
        of_level = labels.jnd[:, place].astype(int)
        width = offsets[:, place].max(axis=(1, 2, 3))
        row: dict[str, float | int | str] = {"label": f"JND{level}", **_spread(of_level)}
        row["mean_video"] = float(base[:, place].mean())
        row["offsets"] = f"{width.min()}-{width.max()}"
        row["at_lowest_pct"] = float((offsets[:, place] == 0).mean() * 100)
        row["at_highest_pct"] = float((offsets[:, place] == WINDOW).mean() * 100)
        if level < LEVELS[-1]:
            row["above_next"] = int((of_level > labels.jnd[:, place + 1]).sum())
            same = offsets[:, place] == offsets[:, place + 1]
            row["offset_as_next_pct"] = float(same.mean() * 100)
        rows.append(row)
    rows.append({"label": "TI", **_spread(labels.ti.astype(float))})
    return rows


def _spread(values: np.ndarray) -> dict[str, float | int | str]:
    return {
        "blocks": int(values.size),
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        "std": float(values.std()),
        "median": float(np.median(values)),
        "p95": float(np.percentile(values, 95)),
    }


def _cells(path: str | Path) -> list[str]:
    cells = read_text(path, "a file of block labels").split()
    if len(cells) != BLOCKS:
        raise UserError(
            f"a file of block labels holds {len(cells)} numbers.",
            where=str(path),
            expected=f"{BLOCKS}, one per line: {FRAMES} frames x {ROWS} x {COLUMNS} blocks",
        )
    return cells
