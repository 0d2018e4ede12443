"""Fig. 4: the weights of the 64 frequencies in use, to compare by eye with the printed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from jndlab.report.style import new_grid, title_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def weights_table(weights: np.ndarray) -> pd.DataFrame:
    """A row per frequency: ``vertical`` and ``horizontal`` (0..7, DC first) and its ``weight``."""
    rows = [(*place, weight) for place, weight in np.ndenumerate(weights)]
    return pd.DataFrame(rows, columns=["vertical", "horizontal", "weight"])


def plot_weights(weights: np.ndarray, name: str) -> Figure:
    """Weights (8x8) as numbers on shades of grey, vertical frequency downwards."""
    figure, grid = new_grid(1, 1, panel=(5.0, 4.6))
    axes = grid[0, 0]
    axes.imshow(weights, cmap="Greys", vmin=0, vmax=1)
    for (row, column), weight in np.ndenumerate(weights):
        colour = "white" if weight > 0.5 else "black"
        axes.text(column, row, f"{weight:.2g}", ha="center", va="center", color=colour)
    axes.set_xlabel("horizontal frequency")
    axes.set_ylabel("vertical frequency")
    axes.set_xticks(range(weights.shape[1]))
    axes.set_yticks(range(weights.shape[0]))
    axes.grid(visible=False)
    title_figure(figure, f"Weights of the DCT frequencies: {name}")
    return figure
