"""A sheet to look at IQNet's training data: source, chosen alphas, target, difference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw
from PIL.ImageFont import load_default

from jndlab.media.pictures import write_png
from jndlab.papers.iqnet.training_data import TrainingPair

CELL = 448  # width of a picture in the sheet, as wide as those of Vimeo-90K
DIFFERENCE_GAIN = 8
MARGIN, HEADER, LEGEND = 10, 30, 54
HEADS = (
    "source (luma)",
    "alpha chosen for each patch",
    "target (luma)",
    f"target - source, x {DIFFERENCE_GAIN}; grey: equal",
)
INK, PAPER = (20, 20, 20), (255, 255, 255)


def plot_contact_sheet(
    pairs: Sequence[TrainingPair], alphas: Sequence[float], path: str | Path, title: str
) -> None:
    """Write a PNG: a row for each of ``pairs``, four pictures in a row, the colours of alpha below.

    Wide pictures are made smaller to fit, small ones are shown at their size.
    """
    rows = [_row_of(pair, max(alphas)) for pair in pairs]
    heights = [HEADER + row[0].height + MARGIN for row in rows]
    width = MARGIN + len(HEADS) * (CELL + MARGIN)
    sheet = Image.new("RGB", (width, 2 * HEADER + sum(heights) + LEGEND), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, 6), title, INK, load_default(17))
    for place, head in enumerate(HEADS):
        pen.text((MARGIN + place * (CELL + MARGIN), HEADER + 4), head, INK, load_default(16))
    top = 2 * HEADER
    for pair, row, height in zip(pairs, rows, heights, strict=True):
        removed = np.abs(pair.target.astype(np.int16) - pair.source).mean()
        words = f"{pair.picture}: mean alpha {pair.alphas.mean():.2f}, mean change {removed:.2f}"
        pen.text((MARGIN, top + 6), words, INK, load_default(14))
        for place, picture in enumerate(row):
            sheet.paste(picture, (MARGIN + place * (CELL + MARGIN), top + HEADER))
        top += height
    _plot_legend(pen, alphas, top)
    write_png(path, sheet)


def _row_of(pair: TrainingPair, most: float) -> list[Image.Image]:
    difference = pair.target.astype(np.int16) - pair.source
    grey = (pair.source, pair.target, np.clip(128 + DIFFERENCE_GAIN * difference, 0, 255))
    source, target, change = (
        Image.fromarray(np.asarray(plane, np.uint8)).convert("RGB") for plane in grey
    )
    pictures = [source, _alpha_map(pair, source, most), target, change]
    size = (min(CELL, source.width), source.height * min(CELL, source.width) // source.width)
    return [picture.resize(size, Image.Resampling.LANCZOS) for picture in pictures]


def _alpha_map(pair: TrainingPair, source: Image.Image, most: float) -> Image.Image:
    """The patches tinted by their alpha over the picture, with the number in each."""
    rows, columns = pair.alphas.shape
    tint = Image.fromarray(_colours(pair.alphas.reshape(-1), most).reshape(rows, columns, 3))
    tinted = Image.blend(source, tint.resize(source.size, Image.Resampling.NEAREST), 0.65)
    pen = ImageDraw.Draw(tinted)
    side = source.width / columns
    for (row, column), alpha in np.ndenumerate(pair.alphas):
        centre = ((column + 0.5) * side, (row + 0.5) * side)
        pen.text(centre, f"{alpha:g}", PAPER, load_default(side / 3.6), "mm", stroke_width=2,
                 stroke_fill=INK)  # fmt: skip
    return tinted


def _colours(alphas: np.ndarray, most: float) -> np.ndarray:
    """Viridis from 0 (dark) to the largest alpha (bright): N x 3, RGB."""
    levels = np.rint(255 * np.asarray(alphas, float) / most).astype(np.uint8)
    mapped = cv2.applyColorMap(levels[:, np.newaxis], cv2.COLORMAP_VIRIDIS)
    return cv2.cvtColor(mapped, cv2.COLOR_BGR2RGB)[:, 0]


def _plot_legend(pen: ImageDraw.ImageDraw, alphas: Sequence[float], top: int) -> None:
    pen.text((MARGIN, top + 14), "alpha", INK, load_default(16))
    for place, (alpha, colour) in enumerate(
        zip(alphas, _colours(np.array(alphas), max(alphas)), strict=True)
    ):
        left = MARGIN + 60 + 52 * place
        pen.rectangle((left, top + 10, left + 46, top + 38), fill=tuple(colour.tolist()))
        pen.text((left + 23, top + 24), f"{alpha:g}", PAPER, load_default(15), "mm", stroke_width=2,
                 stroke_fill=INK)  # fmt: skip
