"""What an experiment would do and cost, told before a single job is started."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jndlab.codecs import get_codec
from jndlab.datasets.prepare import source_path
from jndlab.errors import UserError
from jndops.columns import aligned
from jndops.settings import Settings
from jndops.timings import Timings, megapixel_frames

FRAME_ROW_BYTES = 300  # one frame's line of metrics beside a point
POINT_BYTES = 12_000  # a point, its facts and its logs
OTHER_JOBS = 15  # tables, figures, audits and the mirror: seconds each, whatever the scale


def describe_run(settings: Settings, name: str, cores: int) -> dict[str, Any]:
    """Everything that :func:`plan` needs to know of an experiment, as JSON-able data."""
    chosen = settings.config
    prefilters = {
        name: bool(chosen["methods"][name].get("per_qp")) for name in settings.prefilters()
    }
    points = []
    for point in settings.points():
        clip = settings.clip(point.sequence)
        size = {"width": clip.width, "height": clip.height, "fps": str(clip.fps)}
        size |= {"frames": clip.frames, "bit_depth": clip.bit_depth}
        points.append({**point._asdict(), **size})
    variants = sum(len(chosen["qps"]) if per_qp else 1 for per_qp in prefilters.values())
    filtered = len(chosen["sequences"]) * variants
    return {
        "config_name": name,
        "results_dir": chosen["results_dir"],
        "points": points,
        "prefilters": prefilters,
        "jobs_per_rule": {
            "prepare_sequence": len(chosen["sequences"]),
            "prefilter_clip": filtered,
            "measure_prefilter": filtered,
            "encode_clip": len(points),
            "measure_point": len(points),
        },
        "not_counted": _not_counted(settings),
        "missing_data": missing_data(settings),
        "missing_tools": missing_tools(settings),
        "cores": cores,
    }


def _not_counted(settings: Settings) -> str:
    """What a run does beside coding, of which no timings are known."""
    methods = settings.config["methods"].values()
    if not any("{results}/models/" in str(method["options"]) for method in methods):
        return ""
    shares = settings.config["iqnet"]["training_data"]["jobs"]
    return f"IQNet's training data ({shares} jobs) and trainings; docs/iqnet.md says what they take"


def missing_data(settings: Settings) -> list[str]:
    """Sources that are not there, one line per data set."""
    absent: dict[str, list[str]] = {}
    for name in settings.config["sequences"]:
        sequence = settings.sequences[name]
        try:
            source_path(sequence, settings.source_dir(name))
        except UserError:
            absent.setdefault(sequence.dataset, []).append(name)
    return [
        f"{dataset}: {len(names)} of {len(settings.config['sequences'])} sequences "
        f"({', '.join(names[:3])}{', ...' if len(names) > 3 else ''}); see `make check-data`"
        for dataset, names in absent.items()
    ]


def missing_tools(settings: Settings) -> list[str]:
    """Codecs whose programs or files are not set up, with what is wrong."""
    told = []
    for name in settings.config["codecs"]:
        spec = settings.codecs[name]
        encoder = spec.get("encoder")
        if "encoder" in spec and not (encoder and Path(encoder).is_file()):
            told.append(f"{name}: no encoder at '{encoder or ''}'; set its key `encoder`")
        try:
            for configuration in settings.config["configurations"]:
                get_codec(spec).recipe(configuration, settings.config["qps"][0])
        except UserError as error:
            told.append(f"{name}: {error.what}")
    return told


def plan(
    run: Mapping[str, Any], timings: Timings, cores: Sequence[int], results_root: Path = Path()
) -> dict[str, Any]:
    """Jobs, CPU hours, wall time and disk of a run, as JSON-able data.

    ``run`` is the data of :func:`describe_run`; ``prefilters`` maps a method to whether each QP
    has a filtered clip of its own (all methods but ``anchor`` if the key is absent). Wall times
    are of list scheduling, longest job first, one core a job, and never below the longest chain
    prefilter - encode - measure of one point. Codecs without any timing are named in
    ``without_timing`` and take no part in the sums.
    """
    points = run["points"]
    prefilters = run.get("prefilters")
    if prefilters is None:
        prefilters = {point["method"]: False for point in points if point["method"] != "anchor"}
    start = timings.job_start_seconds
    filtered = _filtered_clips(points, prefilters)
    prefilter_jobs = [size * timings.prefilter_seconds + start for size in filtered.values()]
    encode_hours: Counter[str] = Counter()
    encode_jobs, measure_jobs, longest = [], [], (0.0, "")
    for point in points:
        size = megapixel_frames(point)
        measure = size * timings.measure.at(point["qp"]) + start
        measure_jobs.append(measure)
        rate = timings.encode.get((point["codec"], point["configuration"]))
        if rate is None:
            continue
        encode = size * rate.at(point["qp"]) + start
        encode_jobs.append(encode)
        encode_hours[f"{point['codec']} {point['configuration']}"] += encode / 3600
        chain = encode + measure
        if point["method"] in prefilters:
            chain += size * timings.prefilter_seconds + start
        longest = max(longest, (chain, _name(point)))
    pairs = sorted({(point["codec"], point["configuration"]) for point in points})
    jobs = [*prefilter_jobs, *encode_jobs, *measure_jobs]
    done = sum(_point_path(results_root, run["results_dir"], point).is_file() for point in points)
    return {
        "config_name": run["config_name"],
        "points": len(points),
        "points_done": done,
        "jobs_per_rule": run["jobs_per_rule"] or {"encode_clip": len(points)},
        "not_counted": run.get("not_counted", ""),
        "cpu_hours": {
            "prefilter": sum(prefilter_jobs) / 3600,
            "encode": dict(encode_hours),
            "measure": sum(measure_jobs) / 3600,
            "total": sum(jobs) / 3600,
        },
        "wall_hours": {
            str(count): max(schedule(jobs, count), longest[0]) / 3600
            for count in sorted({run["cores"], *cores})
        },
        "cores_here": run["cores"],
        "longest_chain": {"hours": longest[0] / 3600, "point": longest[1]},
        "disk_gigabytes": _disk(points, filtered, timings, run["cores"]),
        "sources": {
            " ".join(pair): timings.encode[pair].source for pair in pairs if pair in timings.encode
        }
        | {"measure": timings.measure.source},
        "recorded": sorted(
            " ".join(pair)
            for pair in pairs
            if pair in timings.encode and timings.encode[pair].recorded
        ),
        "without_timing": [" ".join(pair) for pair in pairs if pair not in timings.encode],
        "missing_data": run["missing_data"],
        "missing_tools": run["missing_tools"],
    }


def schedule(seconds: Iterable[float], cores: int) -> float:
    """Time until ``cores`` equal cores have done all jobs, each taking the longest job left."""
    busy = [0.0] * cores
    for duration in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + duration)
    return max(busy)


def render(planned: Mapping[str, Any]) -> str:
    """A plan as text for a terminal."""
    cpu, here = planned["cpu_hours"], planned["cores_here"]
    lines = [f"Plan of {planned['config_name']}: {planned['points']} encodes"]
    if planned["points_done"]:
        lines[0] += f", {planned['points_done']} of them already done and measured"
    jobs = [("jobs", "count")]
    jobs += [(rule, f"{count:,}") for rule, count in planned["jobs_per_rule"].items()]
    lines += ["", *aligned(jobs), f"  and about {OTHER_JOBS} short ones for tables and figures"]
    if planned["not_counted"]:
        lines.append(f"  not counted: {planned['not_counted']}")
    rows = [("CPU time", "hours", "estimated from")]
    for name, hours in cpu["encode"].items():
        rows.append((f"encode {name}", _hours(hours), planned["sources"][name]))
    rows.append(("measure", _hours(cpu["measure"]), planned["sources"]["measure"]))
    if cpu["prefilter"]:
        rows.append(("prefilter", _hours(cpu["prefilter"]), "first values: ERJND for all filters"))
    rows.append(("all", _hours(cpu["total"]), ""))
    lines += ["", *aligned(rows), *_basis(planned)]
    walls = [("wall time", "")]
    walls += [
        (f"on {count} cores" + (" (this machine)" if int(count) == here else ""), _span(hours))
        for count, hours in planned["wall_hours"].items()
    ]
    longest = planned["longest_chain"]
    walls.append(("on any number", f"at least {_span(longest['hours'])}: {longest['point']}"))
    lines += ["", *aligned(walls)]
    disk = [("disk at its peak", "")]
    disk += [(name, _size(size)) for name, size in planned["disk_gigabytes"].items()]
    lines += ["", *aligned(disk), "  for typical content: see the shares in config/timings.json"]
    for title, missing in (("tools", "missing_tools"), ("data", "missing_data")):
        told = [f"  {line}" for line in planned[missing]] or ["  none"]
        lines += ["", f"missing {title}", *told]
    return "\n".join(lines) + "\n"


def _basis(planned: Mapping[str, Any]) -> list[str]:
    recorded, absent = planned["recorded"], planned["without_timing"]
    known = len(planned["sources"]) - 1
    if recorded and len(recorded) == known:
        lines = ["  All encoder times come from timings recorded by earlier runs."]
    else:
        part = f"Only {', '.join(recorded)}: recorded by earlier runs. " if recorded else ""
        lines = [
            f"  {part}First values, shipped with the suite: expect a factor of two either way."
        ]
    if absent:
        lines.append(f"  No timing is known for {', '.join(absent)}: not in these sums.")
    return lines


def _filtered_clips(
    points: Sequence[Mapping[str, Any]], prefilters: Mapping[str, bool]
) -> dict[tuple[Any, ...], float]:
    """Megapixel-frames of every filtered clip: one per sequence and method, or one for each QP."""
    return {
        (p["sequence"], p["method"], p["qp"] if prefilters[p["method"]] else None):
            megapixel_frames(p)
        for p in points
        if p["method"] in prefilters
    }  # fmt: skip


def _disk(
    points: Sequence[Mapping[str, Any]],
    filtered: Mapping[tuple[Any, ...], float],
    timings: Timings,
    cores: int,
) -> dict[str, float]:
    """Gigabytes by kind of file. Nothing is deleted during a run, so its end is its peak; beside
    it, each running job may hold the raw frames of its source in the temporary folder."""
    raw = {point["sequence"]: _raw_bytes(point) for point in points}
    streams = sum(
        raw[point["sequence"]] * timings.stream_share[point["configuration"]].at(point["qp"])
        for point in points
    )
    texts = sum(point["frames"] * FRAME_ROW_BYTES + POINT_BYTES for point in points)
    kept = {
        "lossless sources": sum(raw.values()) * timings.lossless_share,
        "prefiltered clips": sum(raw[key[0]] for key in filtered) * timings.lossless_share,
        "streams": streams,
        "points and frames": float(texts),
    }
    kept["all results"] = sum(kept.values())
    kept["temporary folder"] = sum(sorted(raw.values(), reverse=True)[:1]) * cores
    return {name: size / 1e9 for name, size in kept.items()}


def _raw_bytes(point: Mapping[str, Any]) -> float:
    samples = 1.5 * point["width"] * point["height"] * point["frames"]
    return samples * (1 if point["bit_depth"] == 8 else 2)


def _point_path(root: Path, results_dir: str, point: Mapping[str, Any]) -> Path:
    folders = [point[name] for name in ("codec", "configuration", "sequence", "method")]
    return root.joinpath(results_dir, "points", *folders, f"qp{point['qp']}.json")


def _name(point: Mapping[str, Any]) -> str:
    names = ("sequence", "configuration", "codec", "method")
    return " ".join(point[name] for name in names) + f" qp{point['qp']}"


def _hours(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:.3f}" if hours < 0.1 else f"{hours:.1f}"


def _span(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:,.0f} days"
    if hours >= 1:
        return f"{hours:.1f} hours"
    return f"{hours * 60:.0f} minutes" if hours * 60 >= 2 else f"{hours * 3600:.0f} seconds"


def _size(gigabytes: float) -> str:
    return f"{gigabytes:,.1f} GB" if gigabytes >= 1 else f"{gigabytes * 1000:.1f} MB"
