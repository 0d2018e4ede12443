"""A plan as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jndops.columns import aligned

MOST_STEPS = 5  # of the longest chain that are shown


def render(planned: Mapping[str, Any]) -> str:
    """A plan (:func:`jndops.plan.plan.plan` and what ``plan_run.py`` adds) in aligned columns."""
    parts = [
        _head(planned),
        _cpu_hours(planned),
        _walls(planned),
        _segments(planned),
        _chain(planned),
        _disk(planned),
        *(
            [f"missing {title}", *([f"  {line}" for line in planned[key]] or ["  none"])]
            for title, key in (("tools", "missing_tools"), ("data", "missing_data"))
        ),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _head(planned: Mapping[str, Any]) -> list[str]:
    first = f"Plan of {planned['config_name']}: {planned['points']:,} points"
    if planned["points_done"]:
        first += f", {planned['points_done']:,} of them already done and measured"
    rules = [f"{count:,} {rule}" for rule, count in planned["jobs_per_rule"].items() if count > 1]
    single = sum(count == 1 for count in planned["jobs_per_rule"].values())
    lines = [first, f"{planned['jobs']:,} jobs: {', '.join(rules)}, {single} of one rule each"]
    if planned["not_counted"]:
        kinds = [
            f"{kind} ({count} job{'s' * (count > 1)})"
            for kind, count in planned["not_counted"].items()
        ]
        lines.append(f"  without a timing, not in the sums: {', '.join(kinds)}")
    return lines


def _cpu_hours(planned: Mapping[str, Any]) -> list[str]:
    rows = [("CPU time", "", "jobs", "longest job", "memory", "estimated from")]
    small = {"hours": 0.0, "jobs": 0, "kinds": 0}
    total = planned["cpu_hours"]["total"]
    for kind, metadata in planned["kinds"].items():  # most hours first
        hours = planned["cpu_hours"][kind]
        if hours < total / 500:
            small["hours"] += hours
            small["jobs"] += metadata["jobs"]
            small["kinds"] += 1
            continue
        source = metadata["source"]
        if metadata["mean_deviation"]:
            source += f", +-{metadata['mean_deviation']:.0%} a job"
        memory = f"{metadata['largest_mb']:,.0f} MB" if metadata["largest_mb"] else ""
        longest = span(metadata["longest_hours"])
        rows.append((kind, _core_time(hours), f"{metadata['jobs']:,}", longest, memory, source))
    if small["kinds"]:
        name = f"{small['kinds']} other kinds"
        rows.append((name, _core_time(small["hours"]), f"{small['jobs']:,}", "", "", ""))
    rows.append(("all", _core_time(total), f"{planned['jobs']:,}", "", "", ""))
    lines = aligned(rows)
    price = planned["price_per_core_hour"]
    if price is not None:
        lines.append(f"  at {price:g} per core hour: {total * price:,.2f}, if idle cores are free")
    if not all(metadata["recorded_jobs"] for metadata in planned["kinds"].values()):
        lines.append(
            "  First values, shipped with the suite, where no run has recorded its own: expect a "
            "factor of two either way."
        )
    return lines


def _walls(planned: Mapping[str, Any]) -> list[str]:
    rows = [("wall time", "", "cores busy", "")]
    for count, wall in planned["wall_hours"].items():
        here = " (this machine)" if int(count) == planned["cores_here"] else ""
        cost = wall.get("cost_of_all_cores")
        price = "" if cost is None else f"{cost:,.2f} for all cores all the time"
        cores = "core" if count == "1" else "cores"
        rows.append(
            (f"on {count} {cores}{here}", span(wall["hours"]), f"{wall['busy']:.0%}", price)
        )
    planning = span(planned["planning_seconds"] / 3600)
    return [*aligned(rows), f"  of it {planning} before the first job"]


def _segments(planned: Mapping[str, Any]) -> list[str]:
    variants = planned["segments"]
    if not variants:
        return []
    counts = list(planned["wall_hours"])
    rows = [("all-intra encodes in segments", "jobs", *(f"{count} cores" for count in counts))]
    for frames, variant in variants.items():
        walls = [span(variant["wall_hours"][count]["hours"]) for count in counts]
        rows.append((f"of {frames} frames", f"{variant['jobs']:,}", *walls))
    return aligned(rows)


def _chain(planned: Mapping[str, Any]) -> list[str]:
    path = planned["critical_path"]
    longest = sorted(path["jobs"], key=lambda step: -step["hours"])[:MOST_STEPS]
    shown = [step for step in path["jobs"] if step in longest]
    lines = [f"on any number of cores at least {span(path['hours'])}, one after the other:"]
    return lines + aligned([(step["job"], span(step["hours"])) for step in shown])


def _disk(planned: Mapping[str, Any]) -> list[str]:
    rows = [("disk at its peak", "")]
    rows += [(name, _size(size)) for name, size in planned["disk_gigabytes"].items() if size]
    return [
        *aligned(rows),
        "  as the sources and streams that the run has made, or for typical content (the shares in",
        "  jndops/plan/first_values.json)",
    ]


def _core_time(hours: float) -> str:
    """CPU time: in hours, whatever its length, but for very short ones."""
    return f"{hours:,.0f} hours" if hours >= 10 else span(hours)


def span(hours: float) -> str:
    """A time in the unit that people use for it."""
    if hours >= 48:
        return f"{hours / 24:,.1f} days"
    if hours >= 1:
        return f"{hours:.1f} hours"
    if hours * 60 >= 2:
        return f"{hours * 60:.0f} minutes"
    return f"{hours * 3600:.0f} seconds" if hours * 3600 >= 10 else f"{hours * 3600:.1f} seconds"


def _size(gigabytes: float) -> str:
    return f"{gigabytes:,.1f} GB" if gigabytes >= 1 else f"{gigabytes * 1000:.1f} MB"
