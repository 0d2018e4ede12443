"""Figures of LASeR-JND and MTJND: predictions, errors and training curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jndlab.papers.jnd_networks.baselines import MEDIAN, RIDGE
from jndlab.papers.jnd_networks.stages import LEVELS
from jndlab.papers.jnd_networks.tables import scored_subset
from jndlab.quality.jnd_statistics import DEAD_BELOW
from jndlab.report.style import (
    MOST_INCHES,
    figure_style,
    legend_below,
    new_grid,
    save_figure,
    step_colours,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = (2.9, 2.7)
BAR_SHARE = 0.8
BASELINE_LOOKS = {"constant_median": ":", "linear_siti": "-.", "ridge_features": "--"}


def predicted_against_true(
    predictions: pd.DataFrame, stem: str | Path, *, metadata: str
) -> list[Path]:
    """A panel per network: predicted over labelled JND, a colour per level, a dot per seed.

    Of the scored subset. Outputs that are dead are named in their panel and do not stretch the
    axes.
    """
    chosen = scored_subset(predictions)
    wanted = (predictions["kind"] != "baseline") & (predictions["subset"] == chosen)
    shown = predictions[wanted]
    alive = _alive(shown)
    values = np.concatenate([shown["label"], shown.loc[alive, "predicted"]])
    room = 0.05 * (values.max() - values.min()) + 0.5
    ends = (values.min() - room, values.max() + room)
    colours = step_colours(LEVELS)
    with figure_style():
        figure, panels = _panels(shown)
        for name, axes in panels.items():
            axes.plot(ends, ends, color="0.6", linewidth=0.8, zorder=1)
            for level, group in shown[shown["name"] == name].groupby("level"):
                axes.scatter(
                    group["label"], group["predicted"], s=12, color=colours[level],
                    linewidth=0, zorder=2, alpha=0.6,
                )  # fmt: skip
            axes.set(title=name, xlim=ends, ylim=ends, aspect="equal")
            _name_dead(axes, shown[(shown["name"] == name) & ~alive])
        _label_lowest(panels, f"label ({_unit(shown)})")
        figure.supylabel(f"predicted ({_unit(shown)})", fontsize=9.5)
        title = f"Predicted over true JND, {chosen} frames"
        _finish(figure, title, metadata, _level_handles(shown))
        return save_figure(figure, shown, stem)


def error_histograms(predictions: pd.DataFrame, stem: str | Path, *, metadata: str) -> list[Path]:
    """A panel per network: signed errors of its levels on training (grey) and scored frames.

    Outputs that are dead are left out and named in their panel.
    """
    shown = predictions[predictions["kind"] != "baseline"].copy()
    shown["signed_error"] = shown["predicted"] - shown["label"]
    alive, chosen = _alive(shown), scored_subset(shown)
    reach = np.ceil(shown.loc[alive, "signed_error"].abs().max()) if alive.any() else 1.0
    step = 1.0 if reach < 20 else 2.0
    bins = np.arange(-reach - step / 2, reach + step, step)  # right predictions in the middle
    with figure_style():
        figure, panels = _panels(shown)
        for name, axes in panels.items():
            of_network = shown[(shown["name"] == name) & alive]
            for subset, colour in (("train", "0.75"), (chosen, "#1f6fb4")):
                errors = of_network.loc[of_network["subset"] == subset, "signed_error"]
                axes.hist(
                    errors, bins=bins.tolist(),
                    weights=np.full(len(errors), 100 / max(1, len(errors))),
                    histtype="stepfilled" if subset == "train" else "step",
                    linewidth=1.4, color=colour,
                )  # fmt: skip
            axes.axvline(0, color="0.2", linewidth=0.8)
            axes.set(title=name)
            _name_dead(axes, shown[(shown["name"] == name) & ~alive])
        _label_lowest(panels, f"predicted - label ({_unit(shown)})")
        figure.supylabel("share of predictions (%)", fontsize=9.5)
        handles = {"train": _line(color="0.75", linewidth=5),
                   chosen: _line(color="#1f6fb4", linewidth=1.4)}  # fmt: skip
        _finish(figure, "Errors of predicted JNDs", metadata, handles)
        return save_figure(figure, shown, stem)


def error_bars(
    errors: pd.DataFrame, predictions: pd.DataFrame, stem: str | Path, *, metadata: str
) -> list[Path]:
    """Mean error of each network and level on the scored subset, with interval; baselines as lines.

    Dots are the mean errors of single seeds. A bar that would hide the others (a dead output) is
    cut at the frame, with its height on it.
    """
    chosen = scored_subset(errors)
    tested = errors[errors["subset"] == chosen]
    scored = predictions[predictions["subset"] == chosen]
    of_seeds = (
        scored.groupby(["name", "level", "seed", "source"])["error"].mean()
        .groupby(["name", "level", "seed"]).mean()
    )  # fmt: skip
    networks = tested[tested["kind"] != "baseline"]
    names = list(dict.fromkeys(networks["name"]))
    colours, blank = step_colours(LEVELS), {"facecolor": "white", "edgecolor": "none", "pad": 1}
    width = min(max(5.0, 0.55 * len(names) + 1.5), MOST_INCHES)
    with figure_style():
        figure, grid = new_grid(len(LEVELS), 1, (width, 2.0), sharex=True)
        for axes, level in zip(grid[:, 0], LEVELS, strict=True):
            of_level = networks[networks["level"] == level].set_index("name")
            limit = _bar_limit(tested[tested["level"] == level])
            for place, name in enumerate(names):
                if name in of_level.index:
                    dots = of_seeds.get((name, level), pd.Series(dtype=float))
                    _bar(axes, place, of_level.loc[name], dots, colours[level], limit)
                else:
                    axes.text(place, 0.04 * limit, "not trained", rotation=90, ha="center",
                              va="bottom", color="0.4", fontsize=7.5, bbox=blank)  # fmt: skip
            for name, dashes in BASELINE_LOOKS.items():
                value = tested.loc[(tested["name"] == name) & (tested["level"] == level), "error"]
                axes.axhline(float(value.iloc[0]), color="0.25", linestyle=dashes, linewidth=1.1)
            axes.set(ylabel=f"JND{level}", xticks=range(len(names)), ylim=(0, limit))
            axes.grid(visible=False, axis="x")
        grid[-1, 0].set_xticklabels(names, rotation=35, ha="right", rotation_mode="anchor")
        figure.supylabel(f"|predicted - label|, {chosen} frames ({_unit(scored)})", fontsize=9.5)
        handles = {name.replace("_", " "): _line(color="0.25", linestyle=dashes)
                   for name, dashes in BASELINE_LOOKS.items()}  # fmt: skip
        handles["one seed"] = _line(marker="o", color="0.1", markersize=2.5)
        _finish(figure, "Errors with 95 % intervals over sources and seeds", metadata, handles)
        return save_figure(figure, tested, stem)


def learning_curve(table: pd.DataFrame, stem: str | Path, *, metadata: str) -> list[Path]:
    """A panel per level: error over the number of training frames, a line per network and baseline.

    ``table`` is that of ``tables.learning_curve``; bands are its intervals. What learned from all
    frames stands at twice the largest number, as "all".
    """
    counts = sorted(table["frames"].dropna().unique())
    everything = 2 * counts[-1]
    shown = table.assign(frames=table["frames"].fillna(everything).astype(int))
    networks = [name for name in dict.fromkeys(shown["network"]) if name not in BASELINE_LOOKS]
    colours = step_colours(networks)
    looks = {name: {"color": colours[name], "marker": "o", "markersize": 3} for name in networks}
    looks |= {n: {"color": "0.25", "linestyle": BASELINE_LOOKS[n]} for n in (MEDIAN, RIDGE)}
    with figure_style():
        figure, grid = new_grid(1, len(LEVELS), (PANEL[0] * 1.2, PANEL[1] * 1.2), sharey=True)
        for axes, level in zip(grid[0], LEVELS, strict=True):
            for name, look in looks.items():
                curve = shown[(shown["level"] == level) & (shown["network"] == name)]
                curve = curve.sort_values("frames")
                axes.plot(curve["frames"], curve["error"], linewidth=1.2, **look)
                if name in networks:
                    ends = (curve["error_low"], curve["error_high"])
                    axes.fill_between(curve["frames"], *ends, color=look["color"], alpha=0.15, lw=0)
            axes.set(title=f"JND{level}", xscale="log", xlabel="labelled training frames")
            axes.set_xticks([*counts, everything], [*map(str, counts), "all"], minor=False)
            axes.set_xticks([], minor=True)
            axes.set_ylim(bottom=0)
        grid[0, 0].set_ylabel("mean |predicted - label|")
        handles = {
            name.replace("_", " "): _line(**{"linestyle": "-", **look})
            for name, look in looks.items()
        }
        _finish(figure, "Learning curves, 95 % intervals", metadata, handles)
        return save_figure(figure, shown, stem)


def training_curves(
    metrics: Mapping[str, pd.DataFrame], stem: str | Path, *, metadata: str
) -> list[Path]:
    """A panel per stage: loss of each epoch on training and validation frames, a line per run.

    ``metrics`` are by the names of the trainings' folders: stage, split and seed. Without any,
    weights were imported and the figure says so.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    rows = [
        frame.assign(name=name.rsplit("_", 2)[0], run=name.split("_", name.count("_") - 1)[-1])
        for name, frame in metrics.items()
    ]
    columns = ["name", "run", "epoch", "train_loss", "val_loss"]
    shown = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)
    with figure_style():
        figure, panels = _panels(shown, sharey=False, sharex=False)
        for name, axes in panels.items():
            for _, curve in shown[shown["name"] == name].groupby("run"):
                axes.plot(curve["epoch"], curve["train_loss"], color="0.6", linewidth=0.9)
                known = curve.dropna(subset=["val_loss"])
                axes.plot(known["epoch"], known["val_loss"], color="#1f6fb4", linewidth=1)
            axes.set_yscale("log")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
            low, high = axes.get_ylim()
            is_linear = high < 3 * low  # one of the ticks at most: a linear axis tells more
            if is_linear:
                axes.set_yscale("linear")
            axes.set_title(
                f"{name}\n{_loss_of(name)}{'' if is_linear else ', logarithmic'}", size=9
            )
        _label_lowest(panels, "epoch")
        figure.supylabel("loss" if rows else "nothing was trained", fontsize=9.5)
        handles = {"training": _line(color="0.6"), "validation": _line(color="#1f6fb4")}
        _finish(figure, "Training curves, a line for each fold and seed", metadata, handles)
        return save_figure(figure, shown, stem)


def _loss_of(stage: str) -> str:
    """What the loss of a stage is, in words."""
    if stage.endswith("autoencoder"):
        return "squared error of pixels"
    if stage.startswith("e2e"):
        return "errors of JND and pixels"
    return "error of JND and attention" if "_va" in stage else "absolute error of JND"


def _alive(shown: pd.DataFrame) -> pd.Series:
    """Whether each row is of an output that does not say the same of all frames."""
    groups = shown.groupby(["name", "level", "fold", "seed"], dropna=False)["predicted"]
    return groups.transform("std", ddof=0) > DEAD_BELOW


def _name_dead(axes: Axes, dead: pd.DataFrame) -> None:
    """Words in the corner of a panel: which outputs are dead, and what they always say."""
    said = dead.groupby("level")["predicted"].mean()
    words = [f"JND{level}: always {value:.1f} (dead)" for level, value in said.items()]
    axes.text(0.03, 0.97, "\n".join(words), transform=axes.transAxes, va="top", fontsize=8)


def _bar_limit(of_level: pd.DataFrame) -> float:
    """Top of an axis of errors: room for every interval, but for bars far above the baselines."""
    usual = 2.5 * of_level.loc[of_level["kind"] == "baseline", "error"].max()
    tops = of_level["error_high"].fillna(of_level["error"])
    return 1.08 * max(tops[of_level["error"] <= usual].max(), 0.1)


def _bar(
    axes: Axes, place: int, row: pd.Series, dots: pd.Series, colour: Any, limit: float
) -> None:
    beside = place + 0.25 * np.linspace(-1, 1, len(dots)) if len(dots) > 1 else [place]
    axes.plot(beside[: len(dots)], dots, "o", color="0.1", markersize=2.5, zorder=3)
    axes.bar(place, row["error"], BAR_SHARE, color=colour, edgecolor="0.2", linewidth=0.5)
    if row["error"] > limit:
        axes.text(place, 0.93 * limit, f"{row['error']:.1f}", color="white", ha="center", va="top",
                  fontsize=8.5)  # fmt: skip
    elif np.isfinite(row["error_low"]):
        ends = [[row["error"] - row["error_low"]], [row["error_high"] - row["error"]]]
        axes.errorbar(place, row["error"], ends, color="0.1", capsize=2, linewidth=0.9)


def _panels(shown: pd.DataFrame, **shared: bool) -> tuple[Figure, dict[str, Axes]]:
    """A grid with a panel for each name, in their order; empty places are hidden."""
    names = list(dict.fromkeys(shown["name"]))
    if not names:
        return new_grid(1, 1, PANEL)[0], {}
    columns = min(len(names), int(MOST_INCHES / PANEL[0]), max(3, int(np.ceil(len(names) ** 0.5))))
    rows = -(-len(names) // columns)
    chosen = {"sharex": True, "sharey": True} | shared
    figure, grid = new_grid(rows, columns, PANEL, **chosen)
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    return figure, dict(zip(names, grid.flat, strict=False))


def _unit(shown: pd.DataFrame) -> str:
    return shown["unit"].iloc[0]


def _label_lowest(panels: Mapping[str, Axes], label: str) -> None:
    """Name the x axis below the lowest panel of each column."""
    places = ((axes.get_subplotspec(), axes) for axes in panels.values())
    lowest = {place.colspan.start: axes for place, axes in places if place is not None}
    for axes in lowest.values():
        axes.set_xlabel(label)
        axes.tick_params(axis="x", labelbottom=True)


def _level_handles(shown: pd.DataFrame) -> dict[str, Any]:
    colours = step_colours(LEVELS)
    return {
        f"JND{level}": _line(marker="s", color=colours[level])
        for level in sorted(set(shown["level"]))
    }


def _line(marker: str | None = None, **looks: Any) -> Any:
    from matplotlib.lines import Line2D

    if marker and "linestyle" not in looks:
        looks["linestyle"] = ""
    return Line2D([], [], marker=marker, **looks)


def _finish(figure: Figure, title: str, metadata: str, handles: Mapping[str, Any]) -> None:
    figure.suptitle(f"{title}\n{wrapped(metadata, figure, 9)}", fontsize=9.5)
    legend_below(figure, handles)
