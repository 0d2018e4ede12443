"""VP-JND's figures of single pictures: pixel-JND maps, patch weights, pictures at the PW-JND."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.jnd.pixel.maps import MODELS, pixel_jnd
from jndlab.media.blocks import window_sums
from jndlab.media.patches import luma_of
from jndlab.papers.vp_jnd.figures import MODEL_NAMES
from jndlab.quality.picture_ssim import picture_ssim
from jndlab.report.style import figure_style, new_grid, save_figure, title_figure

BELOW = 10  # qualities by which the last picture is worse than the PW-JND
LARGEST_JND = 30.0  # grey levels at the bright end of the maps
Pictures = Mapping[str, np.ndarray]


def pixel_jnd_figure(pictures: Pictures, stem: str | Path) -> list[Path]:
    """The maps of the three pixel-wise JND models of each picture (H x W x 3), on one scale."""
    rows = []
    with figure_style():
        figure, grid = new_grid(len(pictures), 1 + len(MODELS), _panel(pictures))
        image = None
        for axes_row, (name, picture) in zip(grid, pictures.items(), strict=True):
            _show(axes_row[0], picture, name)
            for axes, model in zip(axes_row[1:], MODELS, strict=True):
                jnd = pixel_jnd(luma_of(picture), model)
                image = axes.imshow(jnd, cmap="viridis", vmin=0, vmax=LARGEST_JND)
                _bare(axes, f"{MODEL_NAMES[model]}: mean {jnd.mean():.1f}")
                clipped = 100 * float((jnd > LARGEST_JND).mean())
                rows.append(
                    {"picture": name, "model": model, "mean": float(jnd.mean()),
                     "largest": float(jnd.max()), "above_scale_pct": clipped}
                )  # fmt: skip
        assert image is not None  # there are models and pictures
        figure.colorbar(image, ax=grid, shrink=0.6, label="JND (grey levels)", extend="max")
        title_figure(figure, "Pixel-wise JND: by how many grey levels luma may change unseen")
        return save_figure(figure, pd.DataFrame(rows), stem)


def weight_figure(
    pictures: Pictures, chosen: Mapping[str, Mapping[str, Any]], stem: str | Path, network: str
) -> list[Path]:
    """Where a classifier looks, and what it sees there, at the quality that it chose.

    ``chosen`` holds, by picture, ``quality`` and ``patches`` (size, corners, weights, visible) of
    ``choices_of_split``. Left the weights of the patches, times their number (1: as all), right
    how visible their errors are; overlapping patches are averaged.
    """
    rows = []
    with figure_style():
        figure, grid = new_grid(len(pictures), 3, _panel(pictures))
        for axes_row, (name, picture) in zip(grid, pictures.items(), strict=True):
            patches = chosen[name]["patches"]
            weights = np.array(patches["weights"]) * len(patches["weights"])
            seen = np.array(patches["visible"])
            _show(axes_row[0], picture, f"{name}, quality {chosen[name]['quality']}")
            strongest = max(2.0, float(weights.max()))
            _overlay(figure, axes_row[1], picture, patches, weights, (0, strongest), "magma",
                     "weight x number of patches")  # fmt: skip
            most = max(float(np.abs(seen).max()), 1e-3)
            _overlay(figure, axes_row[2], picture, patches, seen, (-most, most), "coolwarm",
                     "logit of the patch (red: visible)")  # fmt: skip
            rows += [
                {"picture": name, "row": row, "column": column, "weight": weight, "visible": value}
                for (row, column), weight, value in zip(
                    patches["corners"], weights, seen, strict=True
                )
            ]
        title_figure(figure, f"Attention of {network}: weights and verdicts of the patches, at the "
                       "chosen quality; grey: not looked at")  # fmt: skip
        return save_figure(figure, pd.DataFrame(rows), stem)


def look_figure(
    pictures: Pictures,
    labels: Mapping[str, int],
    codec: StillCodec,
    store: StillStore,
    stem: str | Path,
) -> list[Path]:
    """Each picture as it is, at the best lossless quality, at its PW-JND and clearly below it.

    The row below enlarges the square in which coding at the PW-JND changes luma most.
    """
    rows = []
    unit = "QF" if codec.worse_to_better else "QP"
    with figure_style():
        figure, grid = new_grid(2 * len(pictures), 4, _panel(pictures))
        for turn, (name, picture) in enumerate(pictures.items()):
            place = codec.qualities.index(labels[name])
            wanted = {
                "just above the PW-JND": codec.qualities[min(place + 1, len(codec.qualities) - 1)],
                "at the PW-JND": labels[name],
                f"{BELOW} below": codec.qualities[max(place - BELOW, 0)],
            }
            coded = {text: store.get(codec, picture, q) for text, q in wanted.items()}
            top, left, side = _window(picture, coded["at the PW-JND"].picture)
            looks = [("original", picture)]
            for text, one in coded.items():
                looks.append((f"{text}: {unit} {one.quality}, {one.size:,} bytes", one.picture))
                rows.append({"picture": name, "shown": text, "quality": one.quality,
                             "bytes": one.size, "ssim": picture_ssim(picture, one.picture),
                             "crop_top": top, "crop_left": left, "crop_side": side})  # fmt: skip
            for column, (text, shown) in enumerate(looks):
                _show(grid[2 * turn, column], shown, name if column == 0 else text)
                crop = shown[top : top + side, left : left + side]
                _show(grid[2 * turn + 1, column], crop, "")
        title_figure(figure, f"The PW-JND (labels) and its neighbours, {codec.name}; crops: where "
                       "coding at the PW-JND changes luma most, enlarged")  # fmt: skip
        return save_figure(figure, pd.DataFrame(rows), stem)


def pictures_to_show(names: Sequence[str], labels: Mapping[str, int], count: int) -> list[str]:
    """``count`` names, evenly spread over the order of their labels."""
    ordered = sorted(names, key=lambda name: (labels[name], name))
    count = min(count, len(ordered))
    return [ordered[(2 * place + 1) * len(ordered) // (2 * count)] for place in range(count)]


def _window(picture: np.ndarray, coded: np.ndarray) -> tuple[int, int, int]:
    """Top, left and side of the square with the largest sum of luma errors, on a grid of 8."""
    error = np.abs(luma_of(picture).astype(np.int64) - luma_of(coded))
    side = max(16, min(error.shape) // 3 // 8 * 8)
    sums = window_sums(error, side, 8)
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    return 8 * int(row), 8 * int(column), side


def _overlay(
    figure: Any,
    axes: Any,
    picture: np.ndarray,
    patches: Mapping[str, Any],
    values: np.ndarray,
    limits: tuple[float, float],
    colours: str,
    label: str,
) -> None:
    """The picture in grey, tinted by the mean value of the patches that cover a pixel."""
    size = patches["size"]
    total, count = np.zeros(picture.shape[:2]), np.zeros(picture.shape[:2])
    for (top, left), value in zip(patches["corners"], values, strict=True):
        total[top : top + size, left : left + size] += value
        count[top : top + size, left : left + size] += 1
    axes.imshow(luma_of(picture), cmap="gray", vmin=0, vmax=255)
    mean = np.ma.masked_where(count == 0, total / np.maximum(count, 1))
    image = axes.imshow(mean, cmap=colours, vmin=limits[0], vmax=limits[1], alpha=0.6)
    figure.colorbar(image, ax=axes, shrink=0.8, label=label)
    _bare(axes, "")


def _show(axes: Any, picture: np.ndarray, title: str) -> None:
    axes.imshow(picture, interpolation="nearest")
    _bare(axes, title)


def _bare(axes: Any, title: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=8.5)


def _panel(pictures: Pictures) -> tuple[float, float]:
    height, width = next(iter(pictures.values())).shape[:2]
    return 3.6, 3.6 * height / width
