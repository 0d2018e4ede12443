"""Style and output of figures: readable in grey, same bytes for the same data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.quality.metrics import pooled_columns
from jndlab.report.tables import write_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PIXELS_PER_INCH = 120
MOST_INCHES = 16  # a page of 1920 pixels: taller or wider figures cannot be read on a screen
AXIS_LABELS = {
    "bitrate_kbps": "bitrate (kbit/s, logarithmic)",
    **{name: column.label for name, column in pooled_columns().items()},
    "saving_pct": "bitrate saving (%)",
    "psnr_drop_db": "PSNR Y drop (dB)",
    "vmaf_drop": "VMAF drop",
    "vmaf_neg_drop": "VMAF NEG drop",
    "prefilter_vmaf_mean": "VMAF of the prefiltered video",
}
# Dark to light, so neighbours differ in grey too; marker and dashes show the rest.
_COLOURS = ("#000000", "#c8500a", "#1f6fb4", "#8fb339", "#7b3294", "#d6a51f")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_DASHES: tuple[Any, ...] = ("", (5, 2), (1.5, 1.5), (6, 2, 1.5, 2), (3, 1, 1, 1, 1, 1))
_RC = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: no other font can take its place
    "svg.fonttype": "none",
    "svg.hashsalt": "jndlab",
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 9,
    "axes.edgecolor": "0.4",
    "grid.color": "0.88",
}


def axis_label(column: str) -> str:
    """Axis label of a column, with its unit and pooling. Raises UserError on an unknown one."""
    if column not in AXIS_LABELS:
        raise UserError(
            f"'{column}' has no axis label.",
            expected="one of " + ", ".join(AXIS_LABELS),
        )
    return AXIS_LABELS[column]


@contextmanager
def figure_style() -> Iterator[None]:
    """Within this context figures have the suite's style, whatever the user's matplotlibrc."""
    import matplotlib
    import seaborn

    look = {**seaborn.axes_style("whitegrid"), **seaborn.plotting_context("paper"), **_RC}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(look)
        yield


def series_looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour, marker and dashes of each line (keys of ``seaborn.lineplot``), by its name.

    The first name (the anchor) is black and solid. Colour, marker and dashes repeat with
    different periods, so up to 120 lines differ in at least one of them.
    """
    return {
        "palette": {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)},
        "markers": {name: _MARKERS[i % len(_MARKERS)] for i, name in enumerate(names)},
        "dashes": {name: _DASHES[i % len(_DASHES)] for i, name in enumerate(names)},
    }


def step_colours(steps: Sequence[Any]) -> dict[Any, Any]:
    """One colour per ordered step (QP), from dark to light in equal steps of grey."""
    import seaborn

    # Neither end: the darkest steps of the map are one black in print, the lightest is paper.
    colours = seaborn.color_palette("mako", as_cmap=True)
    first, last = 0.12, 0.88
    gap = (last - first) / max(1, len(steps) - 1)
    return {step: colours(first + gap * place)[:3] for place, step in enumerate(steps)}


def new_grid(
    rows: int,
    columns: int,
    panel: tuple[float, float],
    *,
    sharex: bool | Literal["row", "col"] = False,
    sharey: bool | Literal["row", "col"] = False,
) -> tuple[Figure, Any]:
    """A figure of ``rows`` x ``columns`` panels (inches each), shrunk to fit ``MOST_INCHES``.

    Returns the figure and a 2-D array of axes. No pyplot: nothing stays in memory afterwards.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    extra = 1.3  # inches for title, legend and footnote
    width = min(panel[0] * columns, MOST_INCHES)
    height = min(panel[1] * rows + extra, MOST_INCHES)
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    figure = Figure(figsize=(max(width, 6.0), height), layout=layout)
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey)


def wrapped(text: str, figure: Figure, font_size: float) -> str:
    """``text`` broken into lines that fit the figure's width at ``font_size`` points."""
    import textwrap

    characters = math.floor(figure.get_figwidth() * 72 / (0.56 * font_size))
    return "\n".join(textwrap.wrap(text, max(characters, 20)))


def title_figure(figure: Figure, *lines: str, size: float = 9.5) -> None:
    """Title of a figure in points of ``size``, each of its lines broken to fit the width."""
    figure.suptitle("\n".join(wrapped(line, figure, size) for line in lines), fontsize=size)


def legend_below(figure: Figure, handles: Mapping[str, Any], **looks: Any) -> None:
    """One legend for all panels, below them: a handle by each name, in as few rows as fit.

    Names read along the rows.
    """
    for columns in range(len(handles), 0, -1):
        # Matplotlib fills columns first: names that read along rows are passed transposed.
        names = [name for first in range(columns) for name in list(handles)[first::columns]]
        legend = figure.legend(
            [handles[name] for name in names],
            names,
            loc="outside lower center",
            ncols=columns,
            **looks,
        )
        if legend.get_window_extent().width <= figure.bbox.width:
            break
        if columns > 1:
            legend.remove()


def save_figure(figure: Figure, data: pd.DataFrame, stem: str | Path) -> list[Path]:
    """Write ``stem.svg``, ``stem.png`` and ``stem.csv`` (the data shown); return their paths.

    No date and no version is written into the pictures: same data, same matplotlib, same bytes.
    """
    stem = Path(stem)
    paths = {suffix: stem.with_name(f"{stem.name}.{suffix}") for suffix in ("svg", "png")}
    with atomic_path(paths["png"]) as part:
        figure.savefig(part, format="png", dpi=PIXELS_PER_INCH, metadata={"Software": None})
    # The places of the panels are found; to find them again costs half of the drawing time.
    figure.set_layout_engine("none")
    with atomic_path(paths["svg"]) as part:
        figure.savefig(part, format="svg", metadata={"Date": None, "Creator": None})
    return [*paths.values(), *write_table(data, stem, formats=("csv",))]
