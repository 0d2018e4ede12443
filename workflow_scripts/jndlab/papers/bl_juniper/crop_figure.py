"""Decoded crops of a frame, anchor and controlled, where the map of QPs differs most from one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from jndlab.jnd.block.pictures import rgb_of
from jndlab.jnd.block.qp import BLOCK_SIZE
from jndlab.media.clip import Frame
from jndlab.papers.bl_juniper.experiment_codings import Codings
from jndlab.report.style import figure_style, new_grid, save_figure, title_figure

SPAN = 2  # blocks of a crop, each way; 1 where a picture has fewer than 4
FINER, COARSER = "finest against the anchor", "coarsest against the anchor"


class Place(NamedTuple):
    """A crop: what it shows, its first line and sample, its height and width."""

    what: str
    top: int
    left: int
    height: int
    width: int

    def of(self, plane: np.ndarray) -> np.ndarray:
        """The crop of a picture (H x W or H x W x 3)."""
        return plane[self.top : self.top + self.height, self.left : self.left + self.width]


def crop_places(difference: np.ndarray, height: int, width: int) -> list[Place]:
    """The two crops of 2x2 blocks with the lowest and the highest mean ``difference``.

    ``difference`` is rows x columns: QP of the map minus that of the anchor at the nearest rate. A
    crop at the border of the picture (``height`` x ``width``) begins so that it is whole.
    """
    span = SPAN if min(difference.shape) >= 2 * SPAN else 1
    windows = np.lib.stride_tricks.sliding_window_view(difference, (span, span))
    means = windows.mean(axis=(2, 3))
    size = min(span * BLOCK_SIZE, height), min(span * BLOCK_SIZE, width)
    found = []
    for what, place in ((FINER, means.argmin()), (COARSER, means.argmax())):
        row, column = np.unravel_index(place, means.shape)
        top = min(int(row) * BLOCK_SIZE, height - size[0])
        left = min(int(column) * BLOCK_SIZE, width - size[1])
        found.append(Place(what, top, left, *size))
    return found


def crop_figure(
    codings: Codings, sequence: str, stem: str | Path, bit_depth: int = 8
) -> list[Path]:
    """A row of crops at each of :func:`crop_places`, of the codings that ``Codings`` keeps.

    Columns: the frame with the place, the source, the anchor at the target QP, the controlled
    coding, the anchor nearest to it in rate. Below each is its PSNR of the crop's luma. Writes SVG,
    PNG and the numbers as CSV at ``stem``.
    """
    from matplotlib.patches import Rectangle

    target, controlled, nearest = (int(place) for place in codings.shown)
    maps = codings.maps[:, codings.frame].astype(float)
    lumas = codings.pictures["y"] / float(1 << (bit_depth - 8))
    pictures = [
        rgb_of(Frame(*(codings.pictures[plane][n] for plane in "yuv")), bit_depth=bit_depth)
        for n in range(4)
    ]
    frames = codings.maps.shape[1]
    size = {place: f"{codings.bits[place] / frames / 1000:.1f} kbit a frame" for place in
            (target, controlled, nearest)}  # fmt: skip
    titles = {
        0: "source",
        1: f"one QP, {codings.qps[target]} (equal target)\n{size[target]}",
        3: f"one QP, {codings.qps[nearest]} (nearest rate)\n{size[nearest]}",
        2: f"controlled, QP {{}}\n{size[controlled]}",
    }
    places = crop_places(maps[controlled] - codings.qps[nearest], *lumas.shape[1:])
    rows = []
    with figure_style():
        figure, grid = new_grid(len(places), 1 + len(titles), (2.9, 3.3))
        for line, place in zip(grid, places, strict=True):
            for axes in line:
                axes.set(xticks=[], yticks=[])
            line[0].imshow(pictures[0])
            corner = (place.left, place.top)
            line[0].add_patch(
                Rectangle(corner, place.width, place.height, fill=False, ec="red", lw=2)
            )
            line[0].set_title(f"{place.what}")
            for axes, (number, title) in zip(line[1:], titles.items(), strict=True):
                axes.imshow(place.of(pictures[number]), interpolation="nearest")
                qps = _spread(place.of(_samples(maps[controlled], lumas.shape[1:])))
                axes.set_title(title.format(qps))
                if not number:
                    continue
                error = np.square(place.of(lumas[number]) - place.of(lumas[0])).mean()
                psnr = 10 * np.log10(255**2 / error) if error else np.inf
                axes.set_xlabel(f"PSNR Y {psnr:.1f} dB")
                coding = codings.shown[number - 1]
                rows.append(
                    {
                        "place": place.what,
                        **{name: getattr(place, name) for name in Place._fields[1:]},
                        "coding": codings.names[coding],
                        "qp": qps if number == 2 else str(codings.qps[coding]),
                        "bits_per_frame": codings.bits[coding] / frames,
                        "crop_psnr_y": psnr,
                    }
                )
        title_figure(
            figure,
            f"{sequence}, frame {codings.frame}, target QP {codings.qps[controlled]}: decoded "
            "crops where the map of QPs is furthest from the one QP of nearest rate",
            size=10,
        )
        return save_figure(figure, pd.DataFrame(rows), stem)


def _samples(blocks: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """The value of its block at every sample."""
    whole = blocks.repeat(BLOCK_SIZE, axis=0).repeat(BLOCK_SIZE, axis=1)
    return whole[: size[0], : size[1]]


def _spread(qps: np.ndarray) -> str:
    low, high = int(qps.min()), int(qps.max())
    return f"{low}" if low == high else f"{low} to {high}"
