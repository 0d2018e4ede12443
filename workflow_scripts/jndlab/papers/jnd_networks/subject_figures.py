"""SUR curves of a data set's subjects, as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jndlab.report.style import figure_style, new_grid, save_figure, step_colours

if TYPE_CHECKING:
    import pandas as pd

SATISFIED = 75  # per cent of the users that sur75 keeps satisfied


def plot_sur_curves(curves: pd.DataFrame, stem: str | Path) -> Sequence[Path]:
    """Draw rows of ``quality.jnd_subjects.sur_rows``: a line per level in the band of sources."""
    unit, levels = curves["unit"].iloc[0], sorted(set(curves["level"]))
    colours = step_colours(levels)
    with figure_style():
        figure, grid = new_grid(1, 1, (6.5, 4.0))
        axes = grid[0, 0]
        for level in levels:
            rows = curves[curves["level"] == level]
            axes.fill_between(rows["quality"], 100 * rows["lowest"], 100 * rows["highest"],
                              color=colours[level], alpha=0.15, linewidth=0)  # fmt: skip
            axes.plot(rows["quality"], 100 * rows["satisfied"], color=colours[level],
                      label=f"JND{level}")  # fmt: skip
        axes.axhline(SATISFIED, color="0.4", linestyle=":", linewidth=1, label=f"{SATISFIED} %")
        axes.set(xlabel=unit, ylabel="satisfied users (%)", ylim=(0, 102))
        sources = int(curves["sources"].iloc[0])
        figure.suptitle(
            f"Satisfied user ratio: mean of {sources} sources, bands from the lowest to the "
            "highest", fontsize=9.5,
        )  # fmt: skip
        axes.legend(loc="best")
        return save_figure(figure, curves, stem)
