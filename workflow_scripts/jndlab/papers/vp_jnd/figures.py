"""VP-JND's figures over a data set: pixel JND and PW-JND, saving over |dQF|, decision curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.papers.vp_jnd.baselines import BASELINES, ORACLE
from jndlab.papers.vp_jnd.margins import MARGINS, SHORTFALLS, margin_table
from jndlab.papers.vp_jnd.tables import HeldOut, correlation_table, prediction_table, saving_table
from jndlab.report.style import (
    figure_style,
    legend_below,
    new_grid,
    save_figure,
    series_looks,
    step_colours,
    title_figure,
)

NUMBER_ROOM = 4  # qualities between two numbers of the search's calls
MODEL_NAMES = {
    "wu2017": "Wu et al. 2017",
    "wu2013": "Wu et al. 2013",
    "yang2005": "Yang et al. 2005",
    "jiang2022": "Jiang et al. 2022",
}


def correlation_figure(tested: HeldOut, stem: str | Path) -> list[Path]:
    """Mean pixel-wise JND over PW-JND, a panel per model, with the line and its correlation."""
    table = correlation_table([tested]).set_index("model")
    rows = [
        {"picture": name, "model": model, "mean_pixel_jnd": mean, "pw_jnd": label}
        for name, label in sorted(tested.labels.items())
        for model, mean in tested.measures[name].pixel_jnd.items()
    ]
    shown = pd.DataFrame(rows)
    with figure_style():
        figure, grid = new_grid(1, len(table), (3.4, 3.0), sharey=True)
        for axes, (model, found) in zip(grid[0], table.iterrows(), strict=True):
            of_model = shown[shown["model"] == model]
            x = of_model["mean_pixel_jnd"].to_numpy()
            axes.plot(x, of_model["pw_jnd"], "o", color="#1f6fb4", markersize=4.5)
            ends = np.array([x.min(), x.max()])
            axes.plot(ends, found["slope"] * ends + found["intercept"], color="black", linewidth=1)
            axes.set_title(
                f"{MODEL_NAMES[model]}\nr = {found['pearson']:.2f} "
                f"({found['low']:.2f} to {found['high']:.2f})"
            )
            axes.set_xlabel("mean pixel JND (grey levels)")
        grid[0, 0].set_ylabel(f"PW-JND ({_unit(tested)}, {tested.label_kind})")
        title_figure(figure, "Mean pixel-wise JND and picture-wise JND", _metadata(tested))
        return save_figure(figure, shown, stem)


def saving_figure(tested: HeldOut, stem: str | Path, labels: Mapping[str, str]) -> list[Path]:
    """Mean saving over mean |dQF| of every choice, with 95 % intervals over sources."""
    errors = prediction_table([tested]).set_index(["data", "method"])
    savings = saving_table([tested]).set_index(["data", "method"])
    columns = {"mean_abs_dqf": "mean_abs_dqf", "low": "dqf_low", "high": "dqf_high"}
    shown = errors[[*columns]].rename(columns=columns)
    columns = {"saving_pct": "saving_pct", "low": "saving_low", "high": "saving_high"}
    shown = shown.join(savings[[*columns]].rename(columns=columns)).reset_index()
    names = [_label(method, labels) for method in shown["method"]]
    looks = series_looks(names)
    with figure_style():
        figure, grid = new_grid(1, 1, (7.0, 4.2))
        axes = grid[0, 0]
        for name, row in zip(names, shown.itertuples(), strict=True):
            axes.errorbar(
                row.mean_abs_dqf,
                row.saving_pct,
                xerr=[[row.mean_abs_dqf - row.dqf_low], [row.dqf_high - row.mean_abs_dqf]],
                yerr=[[row.saving_pct - row.saving_low], [row.saving_high - row.saving_pct]],
                color=looks["palette"][name],
                marker=looks["markers"][name],
                markersize=8,
                elinewidth=0.8,
                linestyle="",
                label=name,
            )
        oracle = shown[shown["method"] == ORACLE]["saving_pct"].iloc[0]
        axes.axhline(oracle, color="0.5", linewidth=0.8, linestyle="--")
        axes.set(xlabel=f"mean |d{_unit(tested)}| to the label", ylabel="bytes saved (%)")
        axes.set_xlim(left=min(-0.3, axes.get_xlim()[0]))
        handles, shown_names = grid[0, 0].get_legend_handles_labels()
        legend_below(figure, dict(zip(shown_names, handles, strict=True)))
        title_figure(
            figure,
            f"Bytes saved against {_best(tested)} over the error of the chosen quality; bars: 95 % "
            "over sources; a saving above the dashed line is bought with visible errors",
            _metadata(tested),
        )
        return save_figure(figure, shown, stem)


def margin_figure(tested: HeldOut, stem: str | Path, labels: Mapping[str, str]) -> list[Path]:
    """Saving over shortfall in quality, PSNR and MS-SSIM: a curve a choice, a point a margin."""
    table = margin_table([tested])
    shown = table[table["method"] != ORACLE]
    names = {method: _label(method, labels) for method in shown["method"].unique()}
    looks = series_looks(list(names.values()))
    axes_labels = (f"d{_unit(tested)}", "dPSNR (dB)", "dMS-SSIM")
    with figure_style():
        figure, grid = new_grid(1, len(SHORTFALLS), (3.4, 3.4), sharey=True)
        for axes, column, name in zip(grid[0], SHORTFALLS, axes_labels, strict=True):
            for method, curve in shown.groupby("method", sort=False):
                axes.plot(
                    curve[column],
                    curve["saving_pct"],
                    marker=looks["markers"][names[method]],
                    color=looks["palette"][names[method]],
                    markersize=3.5,
                    linewidth=1,
                    label=names[method],
                )
            axes.set_xlabel(f"shortfall of {name}")
        grid[0, 0].set_ylabel("bytes saved (%)")
        handles, shown_names = grid[0, 0].get_legend_handles_labels()
        legend_below(figure, dict(zip(shown_names, handles, strict=True)))
        title_figure(
            figure,
            f"Bytes saved against {_best(tested)} over what falls short of the label; each curve: "
            f"margins of {MARGINS[0]} (top) to {MARGINS[-1]} qualities",
            _metadata(tested),
        )
        return save_figure(figure, shown, stem)


def decision_figure(
    tested: HeldOut, names: Sequence[str], stem: str | Path, labels: Mapping[str, str]
) -> list[Path]:
    """Logits of each classifier along the qualities of some pictures, with the search's path.

    Points are the search's calls, from dark (first) to light; numbers are their order, where there
    is room. Dashed: the label; solid: the chosen quality.
    """
    found = tested.first_classified()
    methods = list(found)
    rows = []
    with figure_style():
        figure, grid = new_grid(len(names), len(methods), (6.2, 2.4), sharex=True)
        for axes_row, name in zip(grid, names, strict=True):
            for axes, method in zip(axes_row, methods, strict=True):
                row = found[method][name]
                asked = [call["quality"] for call in row["path"]]
                order = {quality: turn for turn, quality in enumerate(asked, start=1)}
                logits = _logits_by_quality(row)
                _decision_panel(axes, logits, order, tested.labels[name], row["quality"])
                axes.set_title(f"{name}, {_label(method, labels)}")
                rows += [
                    {"picture": name, "method": method, "quality": quality, "logit": logit,
                     "search_turn": order.get(quality), "label": tested.labels[name],
                     "chosen": row["quality"]}
                    for quality, logit in logits.items()
                ]  # fmt: skip
        figure.supylabel("logit (above 0: visible)", fontsize=9.5)
        figure.supxlabel(f"{_unit(tested)} (dashed: label, solid: chosen)", fontsize=9.5)
        title_figure(
            figure,
            "Decisions along the qualities; points: the search's calls, dark to light",
            _metadata(tested),
        )
        return save_figure(figure, pd.DataFrame(rows), stem)


def _logits_by_quality(row: Mapping[str, Any]) -> dict[int, float]:
    """All logits of a classifier: at the evaluated qualities and at the search's calls."""
    known = dict(zip(row["qualities"], row["logits"], strict=True))
    asked = [call["quality"] for call in row["path"]]
    known |= dict(zip(asked, row["path_logits"], strict=True))
    return dict(sorted(known.items()))


def _decision_panel(
    axes: Any, logits: Mapping[int, float], order: Mapping[int, int], label: int, chosen: int
) -> None:
    qualities, values = np.array(list(logits)), np.array(list(logits.values()))
    axes.plot(qualities, values, color="0.65", linewidth=1)
    axes.axhline(0, color="0.2", linewidth=0.8)
    axes.axvline(label, color="black", linewidth=1, linestyle="--")
    axes.axvline(chosen, color="#c8500a", linewidth=1.2)
    shades = step_colours(range(1, len(order) + 1)) if order else {}
    room = (values.max() - values.min()) or 1
    numbered: list[int] = []
    for quality, turn in order.items():
        axes.plot(quality, logits[quality], "o", color=shades[turn], markersize=4.5, zorder=3)
        if all(abs(quality - other) >= NUMBER_ROOM for other in numbered):
            numbered.append(quality)
            axes.annotate(str(turn), (quality, logits[quality] + 0.1 * room), fontsize=7,
                          ha="center", va="center")  # fmt: skip
    axes.margins(y=0.18)


def _label(method: str, labels: Mapping[str, str]) -> str:
    return labels.get(method) or BASELINES.get(method, method)


def _unit(tested: HeldOut) -> str:
    return "QF" if tested.codec == "jpeg" else "QP"


def _best(tested: HeldOut) -> str:
    of_one = next(iter(tested.measures.values()))
    base = of_one.qualities[-1] if tested.base_quality is None else tested.base_quality
    return f"{_unit(tested)} {base}"


def _metadata(tested: HeldOut) -> str:
    content = "published pictures" if tested.content == "published" else "stand-in pictures"
    held_out = {name for split in tested.splits for name in split.subsets["test"]}
    return (
        f"{tested.name}: {len(tested.labels)} {content}, {len(held_out)} held out, "
        f"codec {tested.codec}, labels {tested.label_kind}"
    )
