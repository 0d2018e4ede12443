"""One line per method: BD-rates, bits saved and quality lost; and BD-rates by sequence.

The tables that answer "which method was best", at a glance or on one sequence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from jndlab.quality.aggregate import comparisons
from jndlab.quality.intervals import NOT_SHOWN
from jndlab.quality.metrics import pooled_columns
from jndlab.quality.points import over_seeds, rate_axis
from jndlab.report.figures import points_note
from jndlab.report.style import (
    axis_label,
    figure_style,
    legend_below,
    new_grid,
    save_figure,
    series_looks,
    title_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES = ("vmaf_drop", "psnr_drop_db")
WHO = ["configuration", "codec", "method"]
DOUBTFUL = "*"
CELLS = ("", "_low", "_high", "_better", "_low_overlap", "_left_out")  # of a metric
PANEL = (4.6, 3.8)
LARGE, NEAR = 90, 0.04  # of a mark: area in square points, distance as a share of an axis
REASONS = {
    "too_few_points": "too few points",
    "non_monotonic": "quality does not rise with rate",
    "no_overlap": "no quality in common",
    "saturated": "quality is saturated throughout",
    "too_steep": "quality is saturated",
    "fit_turns": "the fitted curve turns",
    "low_overlap": "low overlap",
}


def summary_table(
    points: pd.DataFrame, bd_rates: pd.DataFrame, labels: Mapping[str, str]
) -> pd.DataFrame:
    """A row per configuration, codec and method, by its label; BD-rates first, then equal QP.

    ``points`` carry the columns of ``quality.points.with_savings``, ``bd_rates`` is the table of
    ``quality.aggregate``. ``<metric>`` is the mean BD-rate in per cent over the sequences that
    have one, ``<metric>_low`` and ``_high`` its 95 % interval, ``<metric>_better`` what is shown;
    ``<metric>_low_overlap`` counts those of them whose curves have little quality in
    common, ``<metric>_left_out`` gives the reasons of the sequences without one. A mean is missing
    where all its sequences are doubtful. ``saving_pct`` and the losses are means over sequences
    and QPs, each of the values that exist.
    """
    metrics = list(dict.fromkeys(bd_rates["metric"]))
    at_qp = over_seeds(points).dropna(subset=["saving_pct"])
    rows = []
    for who, group in bd_rates.groupby(WHO, sort=True):
        row: dict[str, Any] = dict(zip(WHO, who, strict=True))
        for metric in metrics:
            row |= _bd_rate_cells(group[group["metric"] == metric], metric)
        same = at_qp[(at_qp[WHO] == list(who)).all(axis=1)]
        row |= {name: same[name].mean() for name in ("saving_pct", *LOSSES)}
        rows.append(row | {"points": len(same), "sequences": same["sequence"].nunique()})
    columns = [*WHO, *(f"{metric}{end}" for metric in metrics for end in CELLS)]
    table = pd.DataFrame(rows, columns=[*columns, "saving_pct", *LOSSES, "points", "sequences"])
    table["method"] = table["method"].map(lambda name: labels.get(name, name))
    return table


def _bd_rate_cells(rows: pd.DataFrame, metric: str) -> dict[str, Any]:
    mean = rows[rows["level"] == "all"].iloc[0]
    single = rows[rows["level"] == "sequence"]
    without = single.loc[single["bd_rate_pct"].isna(), "status"]
    doubtful = int(mean["low_overlap"])
    trusted = doubtful < int(mean["sequences"])
    return {
        metric: mean["bd_rate_pct"] if trusted else None,
        f"{metric}_low": mean["low"] if trusted else None,
        f"{metric}_high": mean["high"] if trusted else None,
        f"{metric}_better": mean["better"] if trusted else "",
        f"{metric}_low_overlap": doubtful,
        f"{metric}_left_out": "; ".join(
            f"{REASONS.get(status, status)} on {count}"
            for status, count in without.value_counts(sort=False).items()
        ),
    }


def readable(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary for people: one cell a BD-rate, marked where doubtful, units in the heads."""
    metrics = [name.removesuffix("_left_out") for name in summary if name.endswith("_left_out")]
    table = summary[WHO].copy()
    for metric in metrics:
        table[f"BD-rate {short_label(metric)} (%)"] = [
            _marked(*cells)
            for cells in zip(
                *(summary[f"{metric}{end}"] for end in CELLS if end != "_better"),
                strict=True,
            )
        ]
    table["bits saved (%)"] = summary["saving_pct"]
    table["VMAF lost"] = summary["vmaf_drop"]
    table["PSNR Y lost (dB)"] = summary["psnr_drop_db"]
    return table


def _marked(value: Any, low: Any, high: Any, doubtful: int, left_out: str) -> str:
    if value is None or pd.isna(value):
        return left_out or f"{REASONS['low_overlap']} on all {doubtful}"
    mark = f" {DOUBTFUL}" if doubtful else ""
    interval = "" if pd.isna(low) else f" [{low:+.2f}, {high:+.2f}]"
    return f"{value:+.2f}{mark}{interval}" + (f" (left out: {left_out})" if left_out else "")


def shown_in_words(
    bd_rates: pd.DataFrame, anchor: str, trained: Collection[str], labels: Mapping[str, str]
) -> str:
    """Computed sentences of the BD-rates in which a method or the anchor is shown to be better."""
    found = comparisons(bd_rates, anchor, trained).values()
    sentences = [
        replace(one, first=labels.get(one.first, one.first), second=anchor).sentence()
        for one in found
        if one.better
    ]
    rest = len(found) - len(sentences)
    reasons = sorted({one.obstacle for one in found} - {""})
    if rest:
        sentences.append(f"{NOT_SHOWN.capitalize()}: {rest} of {len(found)} BD-rates "
                         f"({', '.join(reasons)}).")  # fmt: skip
    return " ".join(sentences)


def short_label(metric: str) -> str:
    """The metric's label without its pooling: a head of a column."""
    column = pooled_columns().get(metric)
    label = column.label if column else metric
    name, _, unit = label.partition(" (")
    pooling = unit.rstrip(")").removeprefix("dB, ")
    # Two poolings of PSNR are distinguished; others have one that anybody takes.
    return f"{name}, {pooling}" if pooling == "of the mean MSE" else name


def bd_rate_by_sequence(
    bd_rates: pd.DataFrame, labels: Mapping[str, str], configuration: str, metric: str
) -> pd.DataFrame:
    """BD-rates of one metric and configuration: a row per sequence, a column per method.

    Methods are columns by label, with their codec where the run has several; cells are text with
    two decimals, ``*`` where the curves overlap little, the reason where there is no value. Means
    of classes and of all sequences stand last.
    """
    chosen = bd_rates[
        (bd_rates["configuration"] == configuration)
        & (bd_rates["metric"] == metric)
        & (bd_rates["level"] != "seed")
    ].copy()
    chosen["column"] = chosen["method"].map(lambda name: labels.get(name, name))
    if chosen["codec"].nunique() > 1:
        chosen["column"] += ", " + chosen["codec"]
    chosen["row"] = chosen["sequence"].where(chosen["level"] == "sequence", "")
    chosen.loc[chosen["level"] == "class", "row"] = "mean of class " + chosen["class"]
    chosen.loc[chosen["level"] == "all", "row"] = "mean of all"
    chosen["cell"] = [
        _cell(value, status, low, used)
        for value, status, low, used in zip(
            chosen["bd_rate_pct"],
            chosen["status"],
            chosen["low_overlap"],
            chosen["sequences"],
            strict=True,
        )
    ]
    rank = {"sequence": 0, "class": 1, "all": 2}
    order = chosen.assign(rank=chosen["level"].map(rank)).sort_values(["rank", "row"])["row"]
    wide = chosen.pivot(index="row", columns="column", values="cell").fillna("")
    wide = wide.loc[list(dict.fromkeys(order))]
    return wide.rename_axis(index="sequence", columns=None).reset_index()


def _cell(value: float, status: str, low: Any, used: Any) -> str:
    if status:
        if pd.isna(value):
            return REASONS.get(status, status)
        return f"{value:+.2f}{f' {DOUBTFUL}' if status == 'low_overlap' else ''}"
    if pd.isna(value) or low == used:
        return "none" if not used else f"{REASONS['low_overlap']} on all {used}"
    return f"{value:+.2f}{f' {DOUBTFUL}' if low else ''}"


def latex_values(summary: pd.DataFrame, ids: Sequence[str]) -> str:
    """A LaTeX command for each number of the summary, whose rows have the methods ``ids``.

    ``\\jndBdRateIqnetVvencFasterLdpVmafMean`` is a BD-rate in per cent with its sign; ``Saving``,
    ``VmafDrop`` and ``PsnrDropDb`` are means at equal QP. Digits are words, since LaTeX allows
    letters only; what has no value has no command.
    """
    metrics = [name.removesuffix("_left_out") for name in summary if name.endswith("_left_out")]
    lines = ["% Numbers of the summary: \\input{values}, then \\jnd..., see the table of methods."]
    for row, method in zip(summary.to_dict("records"), ids, strict=True):
        who = (method, row["codec"], row["configuration"])
        named: list[tuple[list[str], str, str]] = [
            (["bd rate", *who, metric], metric, "+.2f") for metric in metrics
        ]
        named += [([n.removesuffix("_pct"), *who], n, ".2f") for n in ("saving_pct", *LOSSES)]
        lines += [
            rf"\newcommand{{\jnd{_letters(parts)}}}{{{row[column]:{form}}}}"
            for parts, column, form in named
            if not pd.isna(row[column])
        ]
    return "\n".join(lines) + "\n"


DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def _letters(parts: Sequence[str]) -> str:
    words = re.findall(r"[A-Za-z]+|[0-9]", " ".join(parts))
    return "".join(DIGITS[int(w)] if w.isdigit() else w.capitalize() for w in words)


def overview_plot(
    points: pd.DataFrame,
    labels: Mapping[str, str],
    stem: str | Path,
) -> list[Path]:
    """Bits saved over VMAF lost at equal QP: a panel per configuration, a marker per method.

    Small markers are sequences and QPs (means over seeds), the large one is the method's mean.
    ``points`` carry the columns of ``quality.points.with_savings``. Writes SVG, PNG and CSV.
    """
    loss = LOSSES[0]
    shown = over_seeds(points).dropna(subset=["saving_pct", loss]).copy()
    shown["series"] = shown["method"].map(lambda name: labels.get(name, name))
    if shown["codec"].nunique() > 1:
        shown["series"] += ", " + shown["codec"]
    shown = shown.sort_values(["configuration", "series", "sequence", "qp"])
    names = list(dict.fromkeys(sorted(shown["series"])))
    looks = series_looks(["", *names])  # the first look is the anchor's
    configurations = sorted(set(shown["configuration"]))
    with figure_style():
        figure, grid = new_grid(1, max(1, len(configurations)), PANEL, sharex=True, sharey=True)
        handles: dict[str, Any] = {}
        for axes, configuration in zip(grid.flat, configurations, strict=False):
            of_panel = shown[shown["configuration"] == configuration]
            handles |= _markers(axes, of_panel, names, looks, loss)
            axes.axhline(0, color="0.3", linewidth=0.8)
            axes.axvline(0, color="0.3", linewidth=0.8)
            axes.set(title=configuration, xlabel=axis_label(loss), ylabel="")
        grid.flat[0].set_ylabel(axis_label("saving_pct"))
        note = points_note(shown) if len(shown) else "no method has a point at the anchor's QP"
        title = f"Bits saved over quality lost, at equal {rate_axis(shown)} against the anchor"
        title_figure(figure, title, note)
        legend_below(figure, handles)
        columns = ["configuration", "codec", "method", "sequence", "qp", "saving_pct", loss]
        return save_figure(figure, shown[columns], stem)


def _markers(
    axes: Axes, rows: pd.DataFrame, names: Sequence[str], looks: Mapping[str, Any], loss: str
) -> dict[str, Any]:
    handles: dict[str, Any] = {}
    places: list[tuple[float, float]] = []
    width, height = (rows[name].max() - rows[name].min() or 1 for name in (loss, "saving_pct"))
    for name in names:
        of_method = rows[rows["series"] == name]
        if of_method.empty:
            continue
        look = {"color": looks["palette"][name], "marker": looks["markers"][name]}
        axes.scatter(of_method[loss], of_method["saving_pct"], s=14, alpha=0.35, lw=0, **look)
        large: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.8, "zorder": 3, **look}
        x, y = of_method[loss].mean(), of_method["saving_pct"].mean()
        # A mark that lies on another is smaller, so that both are seen.
        below = sum(abs(x - a) < NEAR * width and abs(y - b) < NEAR * height for a, b in places)
        size = LARGE * (2.2 if look["marker"] == "*" else 1)  # a star looks small
        axes.scatter([x], [y], s=size * 0.3**below, **large)
        handles[name] = axes.scatter([], [], s=size, **large)
        places.append((x, y))
    return handles
