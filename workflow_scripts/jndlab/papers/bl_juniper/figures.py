"""BL-JUNIPER's figures: maps laid over a frame, saving over target QP, gain over plain QP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jndlab.files import read_csv
from jndlab.papers.bl_juniper.tables import GROUP, PRINTED
from jndlab.papers.bl_juniper.weighted_quality import UNIFORM
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.compare import content_in_words
from jndlab.report.style import (
    figure_style,
    legend_below,
    new_grid,
    save_figure,
    series_looks,
    title_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLOCK = 64
MOST_NUMBERED = 150  # blocks of a picture in which numbers can still be read
OPACITY = 0.6  # of a map over its frame


def map_figure(
    rgb: np.ndarray,
    maps: Mapping[str, np.ndarray],
    title: str,
    stem: str | Path,
) -> list[Path]:
    """A frame (H x W x 3) and each map (rows x columns, by its title) laid over it.

    Maps whose title begins with "importance" have their own scale, 1 to 3; all others share one in
    QP. Small grids carry the numbers. Writes SVG, PNG and the maps as CSV at ``stem``.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    height, width = rgb.shape[:2]
    gray = rgb.mean(axis=2, keepdims=True) / 255
    qps = np.concatenate([m.ravel() for t, m in maps.items() if not _is_importance(t)])
    colours = {
        True: ScalarMappable(Normalize(1, 3), "cividis"),
        False: ScalarMappable(Normalize(qps.min(), max(qps.max(), qps.min() + 1)), "viridis"),
    }
    columns = min(3, 1 + len(maps))
    rows = -(-(1 + len(maps)) // columns)
    with figure_style():
        figure, grid = new_grid(rows, columns, (5.0, 4.6 * height / width + 0.3))
        for axes in grid.flat:
            axes.set_axis_off()
            axes.set(xticks=[], yticks=[])  # invisible, but the layout would measure them
        grid.flat[0].imshow(rgb)
        grid.flat[0].set_title("source")
        last = {}
        for axes, (name, values) in zip(grid.flat[1:], maps.items(), strict=False):
            scale = colours[_is_importance(name)]
            # Each block over its own samples: those that the border cuts are cut here too.
            shown = values.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[:height, :width]
            blended = (1 - OPACITY) * gray + OPACITY * scale.to_rgba(shown)[..., :3]
            axes.imshow(blended)
            axes.set_title(name)
            last[_is_importance(name)] = axes
            if values.size <= MOST_NUMBERED:
                _write_numbers(axes, values, blended.mean(axis=2))
        for kind, axes in last.items():
            place = axes.inset_axes((1.02, 0, 0.03, 1))
            figure.colorbar(
                colours[kind],
                cax=place,
                ticks=[1, 2, 3] if kind else None,
                label="importance (3: most)" if kind else "QP, of all maps but importance",
            )
        title_figure(figure, title, size=10)
        data = pd.concat(
            [_as_rows(name, values) for name, values in maps.items()], ignore_index=True
        )
        return save_figure(figure, data, stem)


def saving_figure(savings: pd.DataFrame, stem: str | Path, labels: Mapping[str, str]) -> list[Path]:
    """Saving over target QP: a panel per method and configuration, a line per sequence.

    ``savings`` is ``tables.savings_table``. The printed mean is a dashed line.
    """
    claims = {row["claim"]: row["printed"] for row in read_csv(PRINTED / "headline.csv")}
    printed = float(claims["mean_saving_pct"])
    looks = series_looks(sorted(set(savings["sequence"])))
    handles = {}
    with figure_style():
        figure, panels = _panels(savings, labels)
        for keys, axes in panels.items():
            handles["printed mean (abstract)"] = axes.axhline(
                printed, color="0.5", linestyle=(0, (6, 3)), linewidth=1
            )
            for name, line in _of_panel(savings, keys).groupby("sequence"):
                line = line.sort_values("qp")
                handles[name] = axes.plot(line["qp"], line["saving_pct"], **_look(looks, name))[0]
        title = "Saving at the same target QP, against the anchor"
        _finish(figure, savings, "bitrate saving (%)", title)
        legend_below(figure, handles)
        return save_figure(figure, savings[[*POINT_KEY, "content", "saving_pct"]], stem)


def gain_figure(
    equal_rate: pd.DataFrame, quality: str, stem: str | Path, labels: Mapping[str, str]
) -> list[Path]:
    """Weighted quality gained over plain QP increase at equal rate, over target QP.

    A panel per method and configuration, a line per weighting: the mean over the sequences (bars:
    lowest and highest). ``equal_rate`` is ``weighted_quality.equal_rate_table``.
    """
    shown = equal_rate[(equal_rate["quality"] == quality) & (equal_rate["status"] == "ok")]
    weightings = sorted(set(equal_rate["judge"]), key=lambda name: (name != UNIFORM, name))
    looks = series_looks(weightings)
    label = {"wpsnr": "gain in weighted PSNR Y (dB)", "wssim": "gain in weighted SSIM Y"}[quality]
    handles = {}
    with figure_style():
        figure, panels = _panels(equal_rate, labels)
        for keys, axes in panels.items():
            axes.axhline(0, color="0.2", linewidth=0.8)
            here = _of_panel(shown, keys)
            for place, name in enumerate(weightings):
                gains = (
                    here[here["judge"] == name].groupby("qp")["gain"].agg(["mean", "min", "max"])
                )
                if gains.empty:
                    continue
                handles[name] = axes.errorbar(
                    gains.index + 0.35 * (place - (len(weightings) - 1) / 2),
                    gains["mean"],
                    yerr=[gains["mean"] - gains["min"], gains["max"] - gains["mean"]],
                    capsize=3,
                    **_look(looks, name),
                )
        title = "Importance-weighted quality against a plain increase of QP at equal rate"
        _finish(figure, equal_rate, label, title)
        legend_below(figure, handles, title="weights: importance (1 to 3) by")
        return save_figure(figure, shown, stem)


def _panels(
    table: pd.DataFrame, labels: Mapping[str, str]
) -> tuple[Figure, dict[tuple[str, str, str], Axes]]:
    """A row of panels per method, a column per configuration and codec; axes by ``GROUP``."""
    methods = list(dict.fromkeys(table["method"]))
    places = sorted(set(zip(table["configuration"], table["codec"], strict=True)))
    figure, grid = new_grid(len(methods), len(places), (4.4, 3.0), sharex=True, sharey=True)
    panels = {}
    for axes, (method, place) in zip(grid.flat, product(methods, places), strict=True):
        axes.set_title(f"{labels.get(method, method)}\n{', '.join(place)}")
        panels[*place, method] = axes
    for axes in grid[-1]:
        axes.set_xlabel("target QP")  # a common label would lie under the legend
    return figure, panels


def _of_panel(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    return table[(table[GROUP] == list(keys)).all(axis=1)]


def _look(looks: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Any]:
    return {
        "color": looks["palette"][name],
        "marker": looks["markers"][name],
        "dashes": looks["dashes"][name] or (None, None),
        "markersize": 5,
        "linewidth": 1.4,
    }


def _finish(figure: Figure, table: pd.DataFrame, label: str, title: str) -> None:
    for axes in figure.axes:
        axes.set_xticks(sorted(set(table["qp"])))
    figure.supylabel(label, fontsize=10)
    title_figure(figure, "; ".join(filter(None, [title, content_in_words(table["content"])])))


def _is_importance(title: str) -> bool:
    return title.startswith("importance")


def _write_numbers(axes: Axes, values: np.ndarray, brightness: np.ndarray) -> None:
    """The value of each block in its middle, dark on bright blocks (``brightness`` H x W)."""
    for (row, column), value in np.ndenumerate(values):
        top, left = row * BLOCK, column * BLOCK
        block = brightness[top : top + BLOCK, left : left + BLOCK]
        middle = left + block.shape[1] / 2, top + block.shape[0] / 2
        colour = "black" if block.mean() > 0.45 else "white"
        look: dict[str, Any] = {"color": colour, "fontsize": 8.5, "fontweight": "bold"}
        axes.text(*middle, f"{value:.0f}", ha="center", va="center", **look)


def _as_rows(name: str, values: np.ndarray) -> pd.DataFrame:
    places = np.indices(values.shape).reshape(2, -1)
    return pd.DataFrame(
        {"map": name, "row": places[0], "column": places[1], "value": values.ravel()}
    )
