"""Figures of ratings: how grades are spread, and opinion over bitrate with its intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.report.compare import content_in_words
from jndlab.report.figures import curve_grid
from jndlab.report.style import (
    axis_label,
    figure_style,
    legend_below,
    new_grid,
    save_figure,
    series_looks,
    wrapped,
)
from jndlab.subjective.rating_tables import HIDDEN_REFERENCE
from jndlab.subjective.ratings import Ratings

HISTOGRAM_PANEL = (2.3, 1.7)
MODEL_LABELS = {
    "mos": "all raters",
    "bt500": "raters kept by BT.500",
    "p910": "subject model of P.910 Annex E",
}


def rating_histograms(ratings: Ratings, stem: str | Path, anchor_method: str) -> list[Path]:
    """How often each grade was given: a row per method, a column per QP, over all sequences.

    The hidden references come first. Grades between two whole ones count for the nearest. Writes
    SVG, PNG and the counts as CSV at ``stem``.
    """
    counts = _grade_counts(ratings)
    methods = _methods(counts, anchor_method)
    qps = sorted(set(counts["qp"].dropna()))
    raters = len(ratings.subjects)
    with figure_style():
        figure, grid = new_grid(
            len(methods), max(len(qps), 1), HISTOGRAM_PANEL, sharex=True, sharey=True
        )
        for axes in grid.flat:
            axes.set_visible(False)
        for (method, qp), group in counts.groupby(["method", "qp"], dropna=False):
            column = 0 if pd.isna(qp) else qps.index(qp)
            axes = grid[methods.index(method), column]
            axes.set_visible(True)
            axes.bar(group["grade"], group["share_pct"], width=0.8, color="0.45", edgecolor="0.2")
            name = method if pd.isna(qp) else f"{method}, QP {qp}"
            axes.set(title=name, xticks=group["grade"], ylim=(0, 100))
            axes.tick_params(labelbottom=True, labelleft=column == 0)
            axes.grid(visible=False, axis="x")
        figure.supxlabel("grade", fontsize=10)
        figure.supylabel("share of ratings (%)", fontsize=10)
        metadata = f"{raters} raters, all sequences of the test together, nobody rejected"
        figure.suptitle(f"Ratings\n{wrapped(metadata, figure, 9)}", fontsize=9.5)
        return save_figure(figure, counts, stem)


def mos_curves(
    scores: pd.DataFrame, model: str, stem: str | Path, anchor_method: str
) -> list[Path]:
    """MOS over bitrate with 95 % intervals: a panel per sequence and coding, a line per method.

    ``scores`` is ``quality.rating_tables.score_table``; ``model`` one of its models. The grey band
    is the hidden reference's interval. Writes SVG, PNG and the data as CSV at ``stem``.
    """
    shown = scores[scores["model"] == model]
    references = shown[shown["method"] == HIDDEN_REFERENCE].set_index("sequence")
    coded = shown[shown["method"] != HIDDEN_REFERENCE].sort_values("bitrate_kbps")
    methods = _methods(coded, anchor_method)
    looks = series_looks(methods)
    sequences = sorted(set(coded["sequence"]))
    codings = sorted(set(zip(coded["configuration"], coded["codec"], strict=True)))
    rows, groups, panel = curve_grid(len(sequences), len(codings))
    handles: dict[str, Any] = {}
    with figure_style():
        figure, grid = new_grid(rows, groups * len(codings), panel, sharey=True)
        for axes in grid.flat:
            axes.set_visible(False)
        for (sequence, configuration, codec), panel_rows in coded.groupby(
            ["sequence", "configuration", "codec"]
        ):
            group, row = divmod(sequences.index(sequence), rows)
            axes = grid[row, group * len(codings) + codings.index((configuration, codec))]
            axes.set_visible(True)
            if sequence in references.index:
                of_reference = references.loc[sequence]
                edges = of_reference["mos"] + np.array([-1, 1]) * of_reference["mos_ci95"]
                handles[HIDDEN_REFERENCE] = axes.axhspan(*edges, color="0.8", zorder=0)
            for method, curve in panel_rows.groupby("method"):
                handles[method] = axes.errorbar(
                    curve["bitrate_kbps"],
                    curve["mos"],
                    yerr=curve["mos_ci95"],
                    color=looks["palette"][method],
                    marker=looks["markers"][method],
                    dashes=looks["dashes"][method] or (None, None),
                    capsize=3,
                    markersize=5,
                    linewidth=1.4,
                )
            axes.set(title=f"{sequence}, {configuration}, {codec}", ylabel="")
            axes.set_xlabel(axis_label("bitrate_kbps"))
        figure.supylabel("MOS with 95 % interval", fontsize=10)
        raters = f"{coded['raters'].max()} raters"
        content = content_in_words(coded["content"])
        metadata = "; ".join(filter(None, [MODEL_LABELS[model], raters, content]))
        figure.suptitle(f"MOS over bitrate\n{wrapped(metadata, figure, 9)}", fontsize=9.5)
        names = [name for name in [*methods, HIDDEN_REFERENCE] if name in handles]
        legend_below(figure, {name: handles[name] for name in names})
        return save_figure(figure, shown, stem)


def _grade_counts(ratings: Ratings) -> pd.DataFrame:
    low, high = (int(edge) for edge in ratings.scale)
    rows = []
    keys = [(HIDDEN_REFERENCE if s.is_reference else s.method, s.qp) for s in ratings.stimuli]
    for key in sorted(set(keys), key=str):
        of_key = ratings.scores[[i for i, other in enumerate(keys) if other == key]]
        grades = np.floor(of_key + 0.5)
        for grade in range(low, high + 1):
            count = int((grades == grade).sum())
            share = 100 * count / max(int((~np.isnan(grades)).sum()), 1)
            rows.append((*key, grade, count, share))
    table = pd.DataFrame(rows, columns=["method", "qp", "grade", "ratings", "share_pct"])
    return table.astype({"qp": "Int64"})


def _methods(table: pd.DataFrame, anchor_method: str) -> list[str]:
    """Hidden reference, anchor, then the others by name."""
    first = [HIDDEN_REFERENCE, anchor_method]
    found = set(table["method"])
    return [name for name in first if name in found] + sorted(found - set(first))
