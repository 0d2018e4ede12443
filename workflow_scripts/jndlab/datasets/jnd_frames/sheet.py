"""Overview of labelled frames: a contact sheet, and the spread of their labels by subset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from PIL.ImageFont import load_default

from jndlab.datasets.jnd_frames.folder import LEVELS, LabelledFrame, LabelledFrames
from jndlab.media.clip import evenly_spread
from jndlab.media.pictures import read_picture, write_png
from jndlab.quality.vmaf_steps import LABEL_KIND
from jndlab.subsets import SUBSETS

SHOWN = 8  # frames of the sheet, each of another source while there are enough
CELL = 320  # width of a picture in the sheet
MARGIN, HEADER = 10, 30
INK, PAPER = (20, 20, 20), (255, 255, 255)


def label_table(sets: Sequence[LabelledFrames]) -> list[dict[str, object]]:
    """Per subset and level: sources, labelled frames; mean, deviation (N - 1), range of labels.

    Of several splits, which are folds, the subset is the test subset of each.
    """
    rows: list[dict[str, object]] = []
    frames = sets[0]
    parts = {subset: frames.of_subset(subset) for subset in SUBSETS}
    if len(sets) > 1:
        parts = {f"test of {fold.split}": fold.of_subset("test") for fold in sets}
    for subset, of_subset in parts.items():
        labelled = [frame for frame in of_subset if frame.jnd is not None]
        for level in LEVELS if labelled else ():
            values = np.array([frame.jnd[level - 1] for frame in labelled if frame.jnd])
            rows.append(
                {
                    "subset": subset,
                    "level": level,
                    "sources": len({frame.source for frame in labelled}),
                    "frames": len(labelled),
                    "mean": float(values.mean()),
                    "deviation": float(values.std(ddof=1)) if len(values) > 1 else None,
                    "smallest": float(values.min()),
                    "largest": float(values.max()),
                    "unit": frames.unit,
                    "kind": frames.kind,
                    "statistic": frames.statistic,
                }
            )
    return rows


def plot_sheet(
    frames: LabelledFrames, psnr: Mapping[str, Mapping[int, float]], path: str | Path
) -> None:
    """Write a PNG: a row for each of some frames, the frame and how it looks at each JND level.

    ``psnr`` gives luma PSNR by frame and quality. Pictures are enlarged or reduced to one width;
    small ones by whole pixels, so that nothing is smoothed away.
    """
    shown = _some(frames)
    high = round(CELL * frames.height / frames.width)
    width = MARGIN + (1 + len(LEVELS)) * (CELL + MARGIN)
    sheet = Image.new(
        "RGB", (width, HEADER + MARGIN + len(shown) * (HEADER + high + MARGIN)), PAPER
    )
    pen = ImageDraw.Draw(sheet)
    statistic = (
        "by steps of VMAF, without subjects" if frames.kind == LABEL_KIND else frames.statistic
    )
    title = (
        f"{len(shown)} of {len(frames.frames)} frames, {frames.width}x{frames.height}; labels: "
        f"{frames.kind} ({statistic})"
    )
    pen.text((MARGIN, 8), title, INK, load_default(17))
    top = HEADER + MARGIN
    for frame in shown:
        cells = [(frame.picture, f"{frame.name} ({frame.subset})")]
        for level, label in zip(LEVELS, frame.jnd or (), strict=False):
            if level in frame.jnd_pictures:
                words = f"JND{level}: {frames.unit} {label:g}"
                decibel = psnr.get(frame.name, {}).get(round(label))
                words += "" if decibel is None else f", PSNR {decibel:.1f} dB"
                cells.append((frame.jnd_pictures[level], words))
        for place, (file, words) in enumerate(cells):
            left = MARGIN + place * (CELL + MARGIN)
            pen.text((left, top + 6), words, INK, load_default(15))
            picture = Image.fromarray(read_picture(file))
            small = picture.width < CELL
            method = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
            sheet.paste(picture.resize((CELL, high), method), (left, top + HEADER))
        top += HEADER + high + MARGIN
    write_png(path, sheet)


def _some(frames: LabelledFrames) -> list[LabelledFrame]:
    """Evenly spread frames with labels, one of a source first."""
    labelled = [frame for frame in frames.frames if frame.jnd is not None]
    first = {frame.source: frame for frame in reversed(labelled)}
    ordered = sorted(first.values(), key=lambda frame: frame.name)
    if len(ordered) < SHOWN:
        ordered += [frame for frame in labelled if frame not in ordered]
    return [ordered[place] for place in evenly_spread(len(ordered), SHOWN)]
