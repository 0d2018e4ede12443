"""Figures of RD points: rate-distortion curves, savings and losses per sequence and QP."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from jndlab.errors import UserError
from jndlab.quality.points import by_method, over_seeds, rate_axis
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.compare import content_in_words
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
BAR_SHARE = 0.8  # of the room of a sequence that its bars take, seaborn's own
TITLE_CHARACTERS = 11  # of a panel's title that fit an inch
# Ticks of a logarithmic axis, few first, in each power of ten.
RATE_STEPS = ((1, 2, 5), (1, 2, 3, 5), (1, 1.5, 2, 3, 4, 5, 7))
LOW_OVERLAP = "low_overlap"  # status of a BD-rate
NO_LABELS: Mapping[str, str] = {}
POINT_NAMES = [*POINT_KEY, "content"]


def rd_curves(
    points: pd.DataFrame,
    metric: str,
    stem: str | Path,
    *,
    anchor_method: str = "anchor",
    labels: Mapping[str, str] = NO_LABELS,
    bd_rates: pd.DataFrame | None = None,
) -> list[Path]:
    """Quality over bitrate: a panel per sequence and configuration, a line per method.

    ``points`` is the frame of ``quality.points.read_points``, ``metric`` one of its quality
    columns. All panels share the scale of quality; the rate axis is logarithmic, so that equal
    savings are equal distances. Lines have the methods' ``labels``, with their codec where
    ``points`` have several; the anchor's marks are hollow, since other curves often lie on it.
    ``bd_rates`` (of ``quality.aggregate``) are written into the panels of their curves. Writes
    SVG, PNG and the data as CSV at ``stem`` and returns the paths. Raises UserError where nothing
    is to show.
    """
    import seaborn

    label = axis_label(metric)
    shown = _with_series(over_seeds(points), metric, labels)
    shown = shown.sort_values(["sequence", "configuration", "series", "bitrate_kbps"])
    names = _series_names(shown, anchor_method)
    anchors = set(shown.loc[shown["method"] == anchor_method, "series"])
    configurations, sequences = sorted(set(shown["configuration"])), sorted(set(shown["sequence"]))
    rows, groups, panel = curve_grid(len(sequences), len(configurations))
    texts = _bd_rate_texts(bd_rates, metric, shown)
    with figure_style():
        figure, grid = new_grid(rows, groups * len(configurations), panel, sharey=True)
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
            handles |= _hollow_anchor(axes, names, anchored=names[0] in anchors)
            lowest = row == rows - 1 or place == len(sequences) - 1
            rate_label = axis_label("bitrate_kbps") if lowest else ""
            axes.set(title=f"{sequence}, {configuration}", xlabel=rate_label, ylabel="")
            _logarithmic_rate(axes)
            axes.text(
                0.98,
                0.03,
                texts.get((sequence, configuration), ""),
                transform=axes.transAxes,
                ha="right",
                va="bottom",
                fontsize=7,
                linespacing=1.25,
            )
        figure.supylabel(label, fontsize=10)
        # Long enough to show the longest pattern of dashes.
        _title(figure, f"{label} over bitrate", shown)
        legend_below(figure, handles, handlelength=3.5)
        return save_figure(figure, shown[[*POINT_NAMES, "bitrate_kbps", metric]], stem)


def bar_plot(
    points: pd.DataFrame,
    quantity: str,
    stem: str | Path,
    labels: Mapping[str, str] = NO_LABELS,
    anchor_method: str = "anchor",
) -> list[Path]:
    """``saving_pct`` or a loss of quality against the anchor at equal QP, per sequence and QP.

    ``points`` carry the columns of ``quality.points.with_savings``; of losses (``psnr_drop_db``,
    ``vmaf_drop``, ``vmaf_neg_drop``) positive is worse. A panel per method and configuration, a bar
    per QP, dark (low QP) to light; the panels of a method share their scale. Dots are the training
    seeds that a bar is the mean of. Writes SVG, PNG and CSV at ``stem``.
    """
    import seaborn
    from matplotlib.patches import Patch

    label, savings = axis_label(quantity), over_seeds(points)
    savings = savings[savings["method"] != anchor_method]
    if not savings[quantity].notna().any():  # no method but the anchor, or only lossless points
        with figure_style():
            figure, grid = new_grid(1, 1, (4.0, BAR_PANEL_HEIGHT))
            grid[0, 0].set_axis_off()
            grid[0, 0].text(0.5, 0.5, f"{label}:\nno method has a value", ha="center", va="center")
            return save_figure(figure, savings[[*POINT_NAMES, quantity]], stem)
    shown = _with_series(savings, quantity, labels)
    single = _with_series(by_method(points), quantity, labels)
    shown = shown.sort_values(["series", "configuration", "sequence", "qp"])
    names, configurations = _series_names(shown), sorted(set(shown["configuration"]))
    sequences, qps = sorted(set(shown["sequence"])), sorted(set(shown["qp"]))
    colours = step_colours(qps)
    width = min(max(4.0, 0.5 * len(sequences) + 1), MOST_INCHES / len(configurations))
    outline: dict[str, Any] = {"edgecolor": "0.2", "linewidth": 0.5}
    with figure_style():
        figure, grid = new_grid(
            len(names), len(configurations), (width, BAR_PANEL_HEIGHT), sharex=True, sharey="row"
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
                of_bars = (single["series"] == name) & (single["configuration"] == configuration)
                seed_dots(axes, single[of_bars], quantity, sequences, qps)
                axes.axhline(0, color="0.2", linewidth=0.8)
                title = textwrap.wrap(f"{name}, {configuration}", int(TITLE_CHARACTERS * width))
                axes.set(title="\n".join(title), xlabel="", ylabel="")
                if max(map(len, sequences)) * 0.08 * len(sequences) > width - 0.8:
                    axes.tick_params(axis="x", rotation=90)
        figure.supylabel(label, fontsize=10)
        axis = rate_axis(shown)
        handles = {f"{axis} {qp}": Patch(facecolor=colours[qp], **outline) for qp in qps}
        _title(figure, f"{label} at equal {axis}, against the anchor", shown)
        legend_below(figure, handles, handlelength=1.2)
        return save_figure(figure, shown[[*POINT_NAMES, quantity]], stem)


def seed_dots(
    axes: Axes, points: pd.DataFrame, quantity: str, sequences: Sequence[str], qps: Sequence[int]
) -> None:
    """Values of single training seeds on the bars of ``sequences``, a bar per QP.

    ``points`` are those of one method and configuration; of methods without seeds nothing is drawn.
    """
    shown = points.dropna(subset=["seed", quantity]) if "seed" in points else points.head(0)
    if shown.empty:
        return
    steps = shown["qp"].map(list(qps).index) - (len(qps) - 1) / 2
    places = shown["sequence"].map(list(sequences).index) + steps * BAR_SHARE / len(qps)
    axes.scatter(places, shown[quantity], s=7, color="0.1", linewidths=0, zorder=4)


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


def points_note(shown: pd.DataFrame) -> str:
    """Codec, QPs and content of the points shown, in words."""
    codec = ", ".join(sorted(set(shown["codec"])))
    qps = ", ".join(str(qp) for qp in sorted(set(shown["qp"])))
    demo = sorted(set(shown.loc[shown["content"] == "demo", "sequence"]))
    content = content_in_words(shown["content"])
    if demo and len(demo) == shown["sequence"].nunique():
        content = "stand-in content, not the paper's sequences"
    elif demo:
        content = f"stand-in content: {', '.join(demo)}"
    return "; ".join(filter(None, [f"codec {codec}", f"{rate_axis(shown)} {qps}", content]))


def _hollow_anchor(axes: Axes, names: Sequence[str], anchored: bool) -> dict[str, Any]:
    """Make the marks of the first line larger and hollow if it is an anchor; handles by name."""
    lines, found = axes.get_legend_handles_labels()
    if legend := axes.get_legend():
        legend.remove()
    handles = dict(zip(found, lines, strict=True))
    if anchored and names[0] in handles:
        # The drawn line comes first; its handle in the legend is a copy.
        for line in (axes.get_lines()[found.index(names[0])], handles[names[0]]):
            line.set(markerfacecolor="none", markeredgecolor="0.1", markersize=8, linewidth=1)
    return handles


def _bd_rate_texts(
    bd_rates: pd.DataFrame | None, metric: str, shown: pd.DataFrame
) -> dict[tuple[str, str], str]:
    """BD-rates of the curves shown, a line per method, by sequence and configuration."""
    if bd_rates is None:
        return {}
    rows = bd_rates[(bd_rates["metric"] == metric) & (bd_rates["level"] == "sequence")]
    curve = ["sequence", "configuration", "codec", "method"]
    rows = rows.merge(shown[[*curve, "series"]].drop_duplicates(), on=curve).sort_values("series")
    if rows.empty:  # no method but the anchor
        return {}
    rows["text"] = (
        rows["series"]
        + ": "
        + [_percent(*cells) for cells in zip(rows["bd_rate_pct"], rows["status"], strict=True)]
    )
    return {
        key: "\n".join(
            ["BD-rate" + " (* low overlap)" * any(group["status"] == LOW_OVERLAP), *group["text"]]
        )
        for key, group in rows.groupby(["sequence", "configuration"])
    }


def _percent(value: float, status: str) -> str:
    if math.isnan(value):
        return "none"
    return f"{value:+.1f} %" + (" *" if status == LOW_OVERLAP else "")


def _with_series(frame: pd.DataFrame, quantity: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """The rows that have ``quantity``, with the name of their line in ``series``."""
    shown = frame.dropna(subset=[quantity]).copy()
    if shown.empty:
        raise UserError(
            f"no point has a value of {quantity}, so there is nothing to draw.",
            remedy="run at least one method (and its anchor) on one sequence first.",
        )
    one_codec = shown["codec"].nunique() == 1
    named = shown["method"].map(lambda method: labels.get(method, method))
    shown["series"] = named if one_codec else named + ", " + shown["codec"]
    return shown


def _series_names(shown: pd.DataFrame, anchor_method: str = "") -> list[str]:
    """Names of the lines, those of the anchor first."""
    named = {
        (method != anchor_method, name)
        for method, name in zip(shown["method"], shown["series"], strict=True)
    }
    return [name for _, name in sorted(named)]


def _logarithmic_rate(axes: Axes) -> None:
    """A logarithmic axis with round numbers: at least three where there are as many."""
    from matplotlib.ticker import FixedLocator, NullFormatter, StrMethodFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    for steps in RATE_STEPS:
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        if sum(low <= tick <= high for tick in ticks) >= 3:
            break
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _title(figure: Figure, title: str, shown: pd.DataFrame) -> None:
    note = wrapped(points_note(shown), figure, 9)
    figure.suptitle(f"{wrapped(title, figure, 12)}\n{note}", fontsize=9.5)
