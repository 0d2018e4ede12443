"""A plan as a picture: wall time over cores with its floors, and where the CPU hours go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jndlab.files import atomic_path
from jndlab.report.style import PIXELS_PER_INCH, figure_style, new_grid, series_looks

MOST_KINDS = 8


def plot_plan(planned: Mapping[str, Any], target: Path) -> None:
    """Draw a plan (of :func:`jndops.plan.plan.plan`, with its variants in segments) as PNG."""
    with figure_style():
        figure, axes = new_grid(1, 2, (5.4, 3.6))
        _plot_walls(axes[0][0], planned)
        _plot_hours(axes[0][1], planned)
        figure.suptitle(
            f"{planned['config_name']}: {planned['jobs']:,} jobs, "
            f"{planned['cpu_hours']['total']:,.0f} CPU hours expected",
            fontsize=11,
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as part:
            figure.savefig(part, format="png", dpi=PIXELS_PER_INCH, metadata={"Software": None})


def _plot_walls(axes: Any, planned: Mapping[str, Any]) -> None:
    """Hours over cores, with and without segments; the ideal line; the longest chains."""
    lines = {"clips coded whole": planned}
    lines |= {
        f"all intra in segments of {frames} frames": variant
        for frames, variant in planned["segments"].items()
    }
    looks = series_looks(list(lines))
    cores = [int(count) for count in planned["wall_hours"]]
    ideal = [planned["cpu_hours"]["total"] / count for count in cores]
    axes.plot(cores, ideal, color="0.6", lw=1, ls=":", label="all cores always busy")
    for name, variant in lines.items():
        hours = [wall["hours"] for wall in variant["wall_hours"].values()]
        axes.plot(
            cores,
            hours,
            label=name,
            color=looks["palette"][name],
            marker=looks["markers"][name],
            markersize=4,
        )
        floor = variant["critical_path"]["hours"]
        axes.axhline(floor, color=looks["palette"][name], lw=0.8, ls="--")
    axes.plot([], [], color="0.3", lw=0.8, ls="--", label="longest chain of jobs")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(cores, [f"{count:,}" for count in cores])
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.set_xlabel("cores")
    axes.set_ylabel("wall time (hours)")
    axes.set_title("Wall time")
    axes.legend(frameon=False, fontsize=8)


def _plot_hours(axes: Any, planned: Mapping[str, Any]) -> None:
    """CPU hours of the largest kinds of job, the rest in one bar."""
    hours = {kind: planned["cpu_hours"][kind] for kind in planned["kinds"]}
    shown = dict(list(hours.items())[:MOST_KINDS])
    rest = sum(hours.values()) - sum(shown.values())
    if len(hours) > len(shown):
        shown[f"{len(hours) - len(shown)} other kinds"] = rest
    names = list(shown)[::-1]
    bars = axes.barh(names, [shown[name] for name in names], color="#1f6fb4", height=0.6)
    axes.bar_label(bars, [_short(shown[name]) for name in names], padding=3, fontsize=8)
    axes.set_xlim(0, 1.18 * max(shown.values(), default=1.0))
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_xlabel("CPU hours")
    axes.set_title("CPU hours by kind of job")
    axes.grid(False, axis="y")


def _short(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 10 else f"{hours:.1f}" if hours >= 0.1 else f"{hours:.3f}"
