"""BL-JUNIPER's figures: maps laid over a frame, saving over target QP, gain over plain QP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from jndlab.files import read_csv
from jndlab.papers.bl_juniper.tables import PRINTED
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.style import (
    figure_style,
    legend_below,
    new_grid,
    save_figure,
    series_looks,
    wrapped,
)

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
    QP. Small grids carry the numbers. Writes SVG, PNG and the maps as CSV beside ``stem``.
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
        figure.suptitle(wrapped(title, figure, 10), fontsize=10)
        data = pd.concat(
            [_as_rows(name, values) for name, values in maps.items()], ignore_index=True
        )
        return save_figure(figure, data, stem)


def saving_figure(savings: pd.DataFrame, stem: str | Path, labels: Mapping[str, str]) -> list[Path]:
    """Saving over target QP: a panel per method and configuration, a line per sequence.

    ``savings`` is ``bl_juniper_tables.savings_table``. The printed mean is a dashed line.
    """
    printed = next(
        float(row["printed"])
        for row in read_csv(PRINTED / "headline.csv")
        if row["claim"] == "mean_saving_pct"
    )
    methods, places = _methods(savings), _places(savings)
    sequences = sorted(set(savings["sequence"]))
    looks = series_looks(sequences)
    handles = {}
    with figure_style():
        figure, grid = new_grid(len(methods), len(places), (4.4, 3.0), sharex=True, sharey=True)
        for row, method in enumerate(methods):
            for column, (configuration, codec) in enumerate(places):
                axes = grid[row, column]
                axes.set_title(f"{labels.get(method, method)}\n{configuration}, {codec}")
                handles["printed mean (abstract)"] = axes.axhline(
                    printed, color="0.5", linestyle=(0, (6, 3)), linewidth=1
                )
                here = _chosen(savings, method, configuration, codec)
                for name, line in here.groupby("sequence"):
                    handles[name] = _line(axes, line, "saving_pct", looks, name)
                axes.set_xticks(sorted(set(savings["qp"])))
        _finish(
            figure, savings, handles, "bitrate saving (%)",
            "Saving at the same target QP, against the anchor",
        )  # fmt: skip
        columns = [*POINT_KEY, "content", "saving_pct"]
        return save_figure(figure, savings[columns], stem)


def gain_figure(
    equal_rate: pd.DataFrame, quality: str, stem: str | Path, labels: Mapping[str, str]
) -> list[Path]:
    """Weighted quality gained over plain QP increase at equal rate, over target QP.

    A panel per method and configuration, a line per judge: the mean over the sequences (bars:
    lowest and highest). ``equal_rate`` is ``bl_juniper_weighted.equal_rate_table``.
    """
    shown = equal_rate[(equal_rate["quality"] == quality) & (equal_rate["status"] == "ok")]
    methods, places = _methods(equal_rate), _places(equal_rate)
    judges = sorted(set(equal_rate["judge"]), key=lambda name: (name != "uniform", name))
    looks = series_looks(judges)
    label = {"wpsnr": "gain in weighted PSNR Y (dB)", "wssim": "gain in weighted SSIM Y"}[quality]
    handles = {}
    with figure_style():
        figure, grid = new_grid(len(methods), len(places), (4.4, 3.0), sharex=True, sharey=True)
        for row, method in enumerate(methods):
            for column, (configuration, codec) in enumerate(places):
                axes = grid[row, column]
                axes.set_title(f"{labels.get(method, method)}\n{configuration}, {codec}")
                axes.axhline(0, color="0.2", linewidth=0.8)
                here = _chosen(shown, method, configuration, codec)
                for place, judge in enumerate(judges):
                    gains = here[here["judge"] == judge].groupby("qp")["gain"]
                    if not len(gains):
                        continue
                    mean = gains.mean()
                    handles[judge] = axes.errorbar(
                        mean.index + 0.35 * (place - (len(judges) - 1) / 2),
                        mean,
                        yerr=[mean - gains.min(), gains.max() - mean],
                        color=looks["palette"][judge],
                        marker=looks["markers"][judge],
                        dashes=looks["dashes"][judge] or (None, None),
                        capsize=3,
                        markersize=5,
                        linewidth=1.4,
                    )
                axes.set_xticks(sorted(set(equal_rate["qp"])))
        _finish(
            figure, equal_rate, handles, label,
            "Importance-weighted quality against a plain increase of QP at equal rate",
            "weights: importance (1 to 3) by",
        )  # fmt: skip
        return save_figure(figure, shown, stem)


def _line(axes, line: pd.DataFrame, column: str, looks: Mapping, name: str):
    line = line.sort_values("qp")
    return axes.plot(
        line["qp"],
        line[column],
        color=looks["palette"][name],
        marker=looks["markers"][name],
        dashes=looks["dashes"][name] or (None, None),
        markersize=5,
        linewidth=1.4,
    )[0]


def _finish(
    figure, shown: pd.DataFrame, handles: Mapping, label: str, title: str, legend: str | None = None
) -> None:
    for axes in figure.axes[-len(_places(shown)) :]:
        axes.set_xlabel("target QP")  # a common label would lie under the legend
    figure.supylabel(label, fontsize=10)
    published = set(shown["content"]) == {"published"}
    content = "the published sequences" if published else "stand-in content"
    figure.suptitle(wrapped(f"{title}; {content}", figure, 9.5), fontsize=9.5)
    legend_below(figure, handles, 4, title=legend)


def _methods(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(table["method"]))


def _places(table: pd.DataFrame) -> list[tuple[str, str]]:
    return sorted(set(zip(table["configuration"], table["codec"], strict=True)))


def _chosen(table: pd.DataFrame, method: str, configuration: str, codec: str) -> pd.DataFrame:
    found = (
        (table["method"] == method)
        & (table["configuration"] == configuration)
        & (table["codec"] == codec)
    )
    return table[found]


def _is_importance(title: str) -> bool:
    return title.startswith("importance")


def _write_numbers(axes, values: np.ndarray, brightness: np.ndarray) -> None:
    """The value of each block in its middle, dark on bright blocks (``brightness`` H x W)."""
    for (row, column), value in np.ndenumerate(values):
        top, left = row * BLOCK, column * BLOCK
        block = brightness[top : top + BLOCK, left : left + BLOCK]
        middle = left + block.shape[1] / 2, top + block.shape[0] / 2
        colour = "black" if block.mean() > 0.45 else "white"
        axes.text(
            *middle, f"{value:.0f}", color=colour, ha="center", va="center", fontsize=8.5,
            fontweight="bold",
        )  # fmt: skip


def _as_rows(name: str, values: np.ndarray) -> pd.DataFrame:
    places = np.indices(values.shape).reshape(2, -1)
    return pd.DataFrame(
        {"map": name, "row": places[0], "column": places[1], "value": values.ravel()}
    )
