"""Figures of RD points: rate-distortion curves, savings and losses per sequence and QP."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from jndlab.errors import UserError
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.style import (
    MOST_INCHES,
    axis_label,
    figure_style,
    legend_below,
    new_grid,
    save_figure,
    series_looks,
    step_colours,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE_PANEL = (4.4, 3.0)
SMALL_PANEL = (2.65, 2.4)
BAR_PANEL_HEIGHT = 2.4
LOG_RATE_RATIO = 10  # largest to smallest rate of one curve from which a linear axis crowds
POINT_NAMES = [*POINT_KEY, "content"]


def rd_curves(
    points: pd.DataFrame, metric: str, stem: str | Path, *, anchor_method: str = "anchor"
) -> list[Path]:
    """Quality over bitrate: a panel per sequence and configuration, a line per method.

    ``points`` is the frame of ``quality.points.read_points``, ``metric`` one of its quality
    columns. The rate axis is logarithmic where a curve spans more than a factor of 10. With
    several codecs in ``points`` the lines are named "method, codec". Writes SVG, PNG and the
    data as CSV at ``stem`` and returns the paths. Raises UserError where nothing is to show.
    """
    import seaborn

    label = axis_label(metric)
    shown = _with_series(points, metric)
    shown = shown.sort_values(["sequence", "configuration", "series", "bitrate_kbps"])
    names = _series_names(shown, anchor_method)
    configurations, sequences = sorted(set(shown["configuration"])), sorted(set(shown["sequence"]))
    rows, groups, panel = curve_grid(len(sequences), len(configurations))
    rates = shown.groupby(["sequence", "configuration", "series"])["bitrate_kbps"].agg(
        ["min", "max"]
    )
    logarithmic = bool((rates["max"] / rates["min"]).max() > LOG_RATE_RATIO)
    with figure_style():
        figure, grid = new_grid(rows, groups * len(configurations), panel)
        handles: dict[str, Any] = {}
        for axes in grid.flat:
            axes.set_visible(False)
        for (sequence, configuration), chosen in shown.groupby(["sequence", "configuration"]):
            place = sequences.index(sequence)
            group, row = divmod(place, rows)
            axes = grid[row, group * len(configurations) + configurations.index(configuration)]
            axes.set_visible(True)
            seaborn.lineplot(
                chosen,
                x="bitrate_kbps",
                y=metric,
                hue="series",
                style="series",
                hue_order=names,
                style_order=names,
                **series_looks(names),
                estimator=None,
                markersize=6,
                ax=axes,
            )
            lines, texts = axes.get_legend_handles_labels()
            handles |= dict(zip(texts, lines, strict=True))
            axes.get_legend().remove()
            lowest = row == rows - 1 or place == len(sequences) - 1
            rate_label = axis_label("bitrate_kbps") if lowest else ""
            axes.set(title=f"{sequence}, {configuration}", xlabel=rate_label, ylabel="")
            if logarithmic:
                _logarithmic_rate(axes)
        figure.supylabel(label, fontsize=10)
        # Long enough to show the longest pattern of dashes.
        _title(figure, f"{label} over bitrate", shown)
        legend_below(figure, handles, int(figure.get_figwidth() / 1.6), handlelength=3.5)
        return save_figure(figure, shown[[*POINT_NAMES, "bitrate_kbps", metric]], stem)


def saving_plot(savings: pd.DataFrame, stem: str | Path) -> list[Path]:
    """Bitrate saving (%) against the anchor at equal QP, per sequence and QP.

    ``savings`` is the frame of ``quality.points.same_qp_table``. A panel per method and
    configuration, a bar per QP, dark (low QP) to light. Writes SVG, PNG and CSV at ``stem``.
    """
    return _bars(savings, "saving_pct", stem)


def drop_plot(savings: pd.DataFrame, quantity: str, stem: str | Path) -> list[Path]:
    """Loss of quality against the anchor at equal QP, drawn like :func:`saving_plot`.

    ``quantity`` is ``psnr_drop_db``, ``vmaf_drop`` or ``vmaf_neg_drop`` (positive is a loss).
    """
    return _bars(savings, quantity, stem)


def curve_grid(sequences: int, configurations: int) -> tuple[int, int, tuple[float, float]]:
    """Rows, how often the configurations stand side by side, and the size of a panel (inches).

    Few sequences stand below each other; many are spread over columns so that the figure fits.
    """
    if sequences <= int(MOST_INCHES / CURVE_PANEL[1]) - 1:
        return sequences, 1, CURVE_PANEL
    most_rows = int(MOST_INCHES / SMALL_PANEL[1]) - 1
    most_groups = max(1, int(MOST_INCHES / SMALL_PANEL[0]) // configurations)
    groups = min(math.ceil(sequences / most_rows), most_groups)
    return math.ceil(sequences / groups), groups, SMALL_PANEL


def points_note(shown: pd.DataFrame, published_codec: str = "") -> str:
    """Codec, QPs and content of the points shown, in words, with what stands in for the paper's.

    ``published_codec`` is the paper's: a codec that is not of its family is in its place.
    """
    codec = ", ".join(sorted(set(shown["codec"])))
    if not codec.lower().startswith(published_codec.lower().partition("-")[0]):
        codec += f" in place of {published_codec}"
    qps = ", ".join(str(qp) for qp in sorted(set(shown["qp"])))
    demo = sorted(set(shown.loc[shown["content"] != "published", "sequence"]))
    if not demo:
        content = "the published sequences"
    elif len(demo) == shown["sequence"].nunique():
        content = "stand-in content, not the paper's sequences"
    else:
        content = f"stand-in content: {', '.join(demo)}"
    return f"codec {codec}; QP {qps}; {content}"


def _bars(savings: pd.DataFrame, quantity: str, stem: str | Path) -> list[Path]:
    import seaborn
    from matplotlib.patches import Patch

    label = axis_label(quantity)
    shown = _with_series(savings, quantity)
    shown = shown.sort_values(["series", "configuration", "sequence", "qp"])
    names, configurations = _series_names(shown), sorted(set(shown["configuration"]))
    sequences, qps = sorted(set(shown["sequence"])), sorted(set(shown["qp"]))
    colours = step_colours(qps)
    width = min(max(4.0, 0.5 * len(sequences) + 1), MOST_INCHES / len(configurations))
    outline: dict[str, Any] = {"edgecolor": "0.2", "linewidth": 0.5}
    with figure_style():
        figure, grid = new_grid(
            len(names), len(configurations), (width, BAR_PANEL_HEIGHT), sharex=True, sharey=True
        )
        for row, name in enumerate(names):
            for column, configuration in enumerate(configurations):
                axes = grid[row, column]
                seaborn.barplot(
                    shown[(shown["series"] == name) & (shown["configuration"] == configuration)],
                    x="sequence",
                    y=quantity,
                    hue="qp",
                    order=sequences,
                    hue_order=qps,
                    palette=colours,
                    saturation=1,
                    errorbar=None,
                    legend=False,
                    ax=axes,
                    **outline,
                )
                axes.axhline(0, color="0.2", linewidth=0.8)
                axes.set(title=f"{name}, {configuration}", xlabel="", ylabel="")
                if max(map(len, sequences)) * 0.08 * len(sequences) > width - 0.8:
                    axes.tick_params(axis="x", rotation=90)
        figure.supylabel(label, fontsize=10)
        handles = {f"QP {qp}": Patch(facecolor=colours[qp], **outline) for qp in qps}
        _title(figure, f"{label} at equal QP, against the anchor", shown)
        legend_below(figure, handles, int(figure.get_figwidth() / 1.6), handlelength=1.2)
        return save_figure(figure, shown[[*POINT_NAMES, quantity]], stem)


def _with_series(frame: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The rows that have ``quantity``, with the name of their line in ``series``."""
    shown = frame.dropna(subset=[quantity]).copy()
    if shown.empty:
        raise UserError(
            f"no point has a value of {quantity}, so there is nothing to draw.",
            remedy="run at least one method (and its anchor) on one sequence first.",
        )
    one_codec = shown["codec"].nunique() == 1
    shown["series"] = shown["method"] if one_codec else shown["method"] + ", " + shown["codec"]
    return shown


def _series_names(shown: pd.DataFrame, anchor_method: str = "") -> list[str]:
    """Names of the lines, those of the anchor first."""
    named = {
        (method != anchor_method, name)
        for method, name in zip(shown["method"], shown["series"], strict=True)
    }
    return [name for _, name in sorted(named)]


def _logarithmic_rate(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=20))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _title(figure: Figure, title: str, shown: pd.DataFrame) -> None:
    note = wrapped(points_note(shown), figure, 9)
    figure.suptitle(f"{wrapped(title, figure, 12)}\n{note}", fontsize=9.5)
