"""Figures 15 to 17 of the IQNet paper (drops and savings per sequence), and a trade-off plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jndlab.errors import UserError
from jndlab.papers.iqnet.published import load_published, sequence_ids
from jndlab.papers.iqnet.tables import METHODS, required
from jndlab.quality.points import by_method
from jndlab.report.compare import FOUND
from jndlab.report.conditions import first_failure
from jndlab.report.figures import BAR_SHARE, points_note, seed_dots
from jndlab.report.style import (
    MOST_INCHES,
    axis_label,
    figure_style,
    legend_below,
    new_grid,
    save_figure,
    series_looks,
    step_colours,
    title_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER_METHOD = METHODS["IQNet"]
BAR_FIGURES = {
    "vmaf_drop": "Fig. 15",
    "psnr_drop_db": "Fig. 16",
    "saving_pct": "Fig. 17",
}
PRINTED_IN = {
    "vmaf_drop": "Table III (difference)",
    "psnr_drop_db": "Table IV",
    "saving_pct": "Table IV",
}
SCENE = ["configuration", "sequence", "qp"]
OUTLINE: dict[str, Any] = {"edgecolor": "0.2", "linewidth": 0.5}


def bar_figure(
    savings: pd.DataFrame,
    quantity: str,
    stem: str | Path,
    *,
    labels: Mapping[str, str],
    points: pd.DataFrame | None = None,
) -> list[Path]:
    """One of Fig. 15, 16, 17: ``quantity`` of every sequence and QP, AI and LDP side by side.

    ``savings`` is the frame of ``tables.savings_with_conditions``; ``quantity`` one of
    ``BAR_FIGURES``. Dots are the single training seeds of ``points``, if these have any. Shown is
    the method ``iqnet``, with what the paper prints for a published sequence as markers, and the
    first reason for which these cannot be compared with the bars (column ``not_comparable``); a run
    without it shows all its methods, a row each, without markers. Writes SVG, PNG and the data as
    CSV beside ``stem`` and returns the paths. Raises UserError where nothing is to show.
    """
    label, shown = axis_label(quantity), savings.dropna(subset=[quantity])
    if shown.empty:
        raise UserError(
            f"no point has a value of {quantity}, so there is nothing to draw.",
            remedy="run at least one method besides the anchor on one sequence.",
        )
    methods = sorted(set(shown["method"]))
    if PAPER_METHOD in methods:
        methods = [PAPER_METHOD]
    shown = shown[shown["method"].isin(methods)]
    shown = shown.merge(printed_values(quantity), on=SCENE, how="left")
    ours_only = (shown["method"] != PAPER_METHOD) | (shown["content"] != "published")
    shown["printed"] = shown["printed"].mask(ours_only)
    shown["not_comparable"] = [
        first_failure(required()(row), row[FOUND]) if pd.notna(row["printed"]) else ""
        for row in shown.to_dict("records")
    ]
    shown = shown.sort_values(["method", *SCENE], ignore_index=True)
    single = by_method(savings if points is None else points)
    configurations, qps = sorted(set(shown["configuration"])), sorted(set(shown["qp"]))
    sequences = sorted(set(shown["sequence"]))
    width = min(max(4.0, 0.45 * len(sequences) + 1), MOST_INCHES / len(configurations))
    upright = max(map(len, sequences)) * 0.08 * len(sequences) > width - 0.8
    height = 3.8 if upright else 2.6  # names that stand upright take an inch of it
    with figure_style():
        figure, grid = new_grid(
            len(methods), len(configurations), (width, height), sharex=True, sharey=True
        )
        for axes_row, method in zip(grid, methods, strict=True):
            for axes, configuration in zip(axes_row, configurations, strict=True):
                chosen = shown[
                    (shown["method"] == method) & (shown["configuration"] == configuration)
                ]
                _bars(axes, chosen, quantity, sequences, qps)
                of_bars = (single["method"] == method) & (single["configuration"] == configuration)
                seed_dots(axes, single[of_bars], quantity, sequences, qps)
                axes.set_title(f"{labels.get(method, method)}, {configuration}")
                if upright:
                    axes.tick_params(axis="x", rotation=90)
        figure.supylabel(f"{label}, at equal QP", fontsize=9.5)
        handles = _qp_handles(step_colours(qps))
        if shown["printed"].notna().any():
            name = f"printed for IQNet: {PRINTED_IN[quantity]}"
            handles[name] = _marker("D", markersize=5, markerfacecolor="white")
        legend_below(figure, handles, handlelength=1.2)
        title = f"{label} against the anchor, as {BAR_FIGURES[quantity]} of the IQNet paper"
        lacking = f"no method {PAPER_METHOD} in this run: its other methods are shown"
        notes = [] if PAPER_METHOD in methods else [lacking]
        notes += [f"printed values are not comparable: {reason}"
                  for reason in sorted(set(shown["not_comparable"]) - {""})]  # fmt: skip
        title_figure(figure, title, *notes, points_note(shown))
        columns = [*SCENE, "codec", "method", "content", quantity, "printed", "not_comparable"]
        return save_figure(figure, shown[columns], stem)


def trade_off(savings: pd.DataFrame, stem: str | Path, *, labels: Mapping[str, str]) -> list[Path]:
    """Mean saving at equal QP over the VMAF of the prefiltered video, all methods in one picture.

    ``savings`` as for :func:`bar_figure`. A panel per configuration, a shape per method, a shade
    per QP; the large open marker is the mean over the QPs. Means are over the sequences that
    every method has at that QP, so that all methods are compared on the same. Writes SVG, PNG and
    CSV beside ``stem``. Raises UserError where no prefilter was measured.
    """
    means = trade_off_means(savings)
    if means.empty:
        raise UserError(
            "no sequence and QP has a saving and the VMAF of the prefiltered video of all methods.",
            remedy="run at least one prefilter and its anchor on one sequence.",
        )
    configurations = sorted(set(means["configuration"]))
    methods, qps = sorted(set(means["method"])), sorted(set(means["qp"]))
    # The first look, black and solid, is the anchor's, which this picture does not show.
    looks, shades = series_looks(["", *methods]), step_colours(qps)
    with figure_style():
        figure, grid = new_grid(1, len(configurations), (5.2, 3.8), sharex=True, sharey=True)
        for axes, configuration in zip(grid[0], configurations, strict=True):
            for method in methods:
                chosen = means[
                    (means["configuration"] == configuration) & (means["method"] == method)
                ]
                if chosen.empty:
                    continue
                x, y = chosen["prefilter_vmaf_mean"], chosen["saving_pct"]
                marker = looks["markers"][method]
                axes.plot(x, y, color="0.6", linewidth=0.8, zorder=1)
                axes.scatter(
                    x,
                    y,
                    34,
                    [shades[qp] for qp in chosen["qp"]],
                    marker=marker,
                    **OUTLINE,
                    zorder=2,
                )
                open_marker = {"facecolor": "none", "edgecolor": "black", "linewidth": 1.4}
                axes.scatter(x.mean(), y.mean(), 130, marker=marker, **open_marker, zorder=3)
            axes.set(title=configuration, xlabel=axis_label("prefilter_vmaf_mean"))
            axes.axhline(0, color="0.2", linewidth=0.8)
        grid[0, 0].margins(y=0.1)
        grid[0, 0].set_xlim(*_vmaf_range(means["prefilter_vmaf_mean"]))
        for axes, configuration in zip(grid[0], configurations, strict=True):
            _name_beside(axes, means[means["configuration"] == configuration], labels)
        grid[0, 0].set_ylabel("mean bitrate saving at equal QP (%)")
        shapes = {
            labels.get(method, method): _marker(
                looks["markers"][method], markersize=8, markerfacecolor="none"
            )
            for method in methods
        }
        legend_below(figure, shapes | _qp_handles(shades), handlelength=1.2)
        counts = sorted(set(means["sequences"]))
        number = " or ".join(map(str, counts)) + (" sequence" if counts == [1] else " sequences")
        title_figure(
            figure,
            "Saving over what the prefilter alone costs in VMAF (beyond the paper)",
            f"means over {number}; large open markers: over the QPs as well",
            points_note(savings),
        )
        return save_figure(figure, means, stem)


def trade_off_means(savings: pd.DataFrame) -> pd.DataFrame:
    """Mean VMAF of the prefiltered video and mean saving, per configuration, method and QP.

    Only sequences that all methods have at that configuration and QP count: ``sequences`` tells
    how many.
    """
    measured = savings.dropna(subset=["saving_pct", "prefilter_vmaf_mean"])
    methods_there = measured.groupby(SCENE)["method"].transform("nunique")
    common = measured[methods_there == measured["method"].nunique()]
    means = common.groupby(["configuration", "codec", "method", "qp"], as_index=False).agg(
        prefilter_vmaf_mean=("prefilter_vmaf_mean", "mean"),
        saving_pct=("saving_pct", "mean"),
        sequences=("sequence", "nunique"),
        content=("content", lambda kinds: ", ".join(sorted(set(kinds)))),
    )
    return means.sort_values(["configuration", "method", "qp"], ignore_index=True)


def printed_values(quantity: str) -> pd.DataFrame:
    """The paper's printed values of IQNet.

    Columns: ``configuration``, ``sequence`` (with class), ``qp``, ``printed``. PSNR drop and
    saving are those of Table IV; the VMAF drop is the difference of the anchor's and IQNet's
    VMAF_r in Table III.
    """
    published = load_published()
    name = "table3_vmaf_bitrate" if quantity == "vmaf_drop" else "table4_ps_comparison"
    ids = sequence_ids(published["table1_sequences"], published[name])
    table = pd.DataFrame(published[name]).astype({"qp": int}).replace({"sequence": ids})
    of_method = table.set_index(SCENE).groupby("method")
    iqnet = of_method.get_group("IQNet")
    if quantity == "vmaf_drop":
        anchor = of_method.get_group("anchor")
        values = anchor["vmaf_r"].astype(float) - iqnet["vmaf_r"].astype(float)
    else:
        columns = {"psnr_drop_db": "psnr_drop_db", "saving_pct": "bitrate_saving_pct"}
        values = iqnet[columns[quantity]].astype(float)
    return values.rename("printed").reset_index()


def _bars(
    axes: Axes, chosen: pd.DataFrame, quantity: str, sequences: Sequence[str], qps: Sequence[int]
) -> None:
    colours, bar = step_colours(qps), BAR_SHARE / len(qps)
    for step, qp in enumerate(qps):
        rows = chosen[chosen["qp"] == qp]
        places = np.array([sequences.index(name) for name in rows["sequence"]])
        places = places + (step - (len(qps) - 1) / 2) * bar
        axes.bar(places, rows[quantity], bar, color=colours[qp], **OUTLINE)
        axes.scatter(places, rows["printed"], **_PRINTED_LOOK)
    axes.axhline(0, color="0.2", linewidth=0.8)
    axes.set_xticks(range(len(sequences)), sequences)
    axes.grid(False, axis="x")
    axes.set_xlim(-0.6, len(sequences) - 0.4)


# White with a black edge: seen on a dark bar, a light bar and on paper.
_PRINTED_LOOK: dict[str, Any] = {
    "marker": "D",
    "s": 20,
    "facecolor": "white",
    "edgecolor": "black",
    "linewidth": 0.9,
    "zorder": 5,
}


def _qp_handles(colours: Mapping[int, Any]) -> dict[str, Any]:
    from matplotlib.patches import Patch

    return {f"QP {qp}": Patch(facecolor=colour, **OUTLINE) for qp, colour in colours.items()}


def _marker(marker: str, **looks: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker=marker, markeredgecolor="black", **looks)


def _name_beside(axes: Axes, means: pd.DataFrame, labels: Mapping[str, str]) -> None:
    """Each method's name and its means, right of the panel, with a line to its large marker."""
    centres = means.groupby("method")[["prefilter_vmaf_mean", "saving_pct"]].mean()
    centres = centres.sort_values("saving_pct")
    low, high = axes.get_ylim()
    wanted = ((centres["saving_pct"] - low) / (high - low)).tolist()
    # Two lines of text take about this share of the panel's height.
    places = _spread(wanted, 0.13)
    for (method, (x, y)), place in zip(centres.iterrows(), places, strict=True):
        axes.annotate(
            f"{labels.get(method, method)}\n{y:.1f} %, VMAF {x:.1f}",
            xy=(x, y),
            xytext=(1.03, place),
            textcoords="axes fraction",
            va="center",
            fontsize=8.5,
            arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.7, "shrinkB": 7},
        )


def _vmaf_range(values: pd.Series) -> tuple[float, float]:
    """Limits of the axis: some room on both sides of the values, not beyond VMAF's 100."""
    room = max(0.5, 0.08 * (values.max() - values.min()))
    return values.min() - room, min(values.max() + room, 100.2)


def _spread(places: Sequence[float], gap: float) -> list[float]:
    """Rising places in 0..1 moved apart to at least ``gap``, as little upwards as it takes."""
    spread: list[float] = []
    for place in places:
        spread.append(max(place, spread[-1] + gap) if spread else place)
    excess = max(spread[-1] - 1, 0)
    return [place - excess for place in spread]
