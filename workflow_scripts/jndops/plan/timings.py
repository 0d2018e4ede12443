"""Timings that runs recorded, from Snakemake's benchmarks and from points."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import read_csv, read_json, write_json
from jndlab.quality.rd_point import read_point
from jndops.plan.cost_model import CostModel, Recorded
from jndops.plan.job_size import threads_of, work_of
from jndops.settings import Settings, load_settings, place_of

TIMINGS_NAME = "timings.json"
_NOTE = (
    "Mean seconds of this run's jobs by kind, QP and size, and the lines fitted to them: start + "
    "seconds per unit of size. Wall time; of encodes and measurements wall time x threads. "
    "`make plan` reads the jobs."
)


def record_timings(results_dir: Path, root: Path) -> Path | None:
    """Write ``timings.json`` of a results folder again, from all that its jobs left there.

    ``root`` is the folder of the Snakefile. None, and nothing is written, where no job has left
    a timing or where the folder says nothing of its configuration (``config.json``).
    """
    kept = results_dir / "config.json"
    if not kept.is_file():
        return None
    rows = collect_timings(results_dir, load_settings(read_json(kept, "config")["config"], root))
    if not rows:
        return None
    lines = CostModel({}).fitted(rows).lines
    fitted = {
        kind: {
            "start_seconds": line.start,
            "seconds_per_unit": {str(qp or "any QP"): rate for qp, rate in line.rates.items()},
            "jobs": line.jobs,
            "mean_deviation": line.error,
            "largest_mb": line.largest_mb,
        }
        for kind, line in sorted(lines.items())
    }
    target = results_dir / TIMINGS_NAME
    write_json(
        target,
        {"schema": 1, "note": _NOTE, "fitted": fitted, "jobs": [asdict(row) for row in rows]},
    )
    return target


def read_timings(paths: Iterable[Path]) -> list[Recorded]:
    """Recorded jobs of several results folders. Raises UserError on a file of another form."""
    rows = []
    for path in paths:
        try:
            rows += [_checked(Recorded(**row)) for row in read_json(path)["jobs"]]
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                "this is no file of recorded timings.",
                where=str(path),
                expected="what a run writes at its end",
                remedy="remove it: the next run writes it again.",
            ) from error
    return rows


def _checked(row: Recorded) -> Recorded:
    """The row; ValueError for values that no job has."""
    numbers = [row.size, row.seconds]
    sound = all(type(n) in (int, float) and 0 <= n < math.inf for n in numbers)
    counts = [row.jobs, *([] if row.qp is None else [row.qp])]
    if not (sound and isinstance(row.kind, str) and all(type(n) is int for n in counts)):
        raise ValueError(f"{row} is no record of jobs")
    if row.jobs < 1:
        raise ValueError(f"{row} is of no job")
    return row


def collect_timings(results_dir: Path, settings: Settings) -> list[Recorded]:
    """What the jobs of a results folder took, in groups of one kind, QP and size.

    A job's time is that of its benchmark; points without one (unpacked from an archive) give the
    times of their encoder and metrics.
    """
    groups: dict[tuple[str, int | None, float], list[tuple[float, float | None]]] = {}
    seen = set()
    for rule, wildcards, seconds, megabytes in _benchmarks(results_dir / "benchmarks", settings):
        seen.add((rule, *_identity(wildcards)))
        _add(groups, rule, wildcards, settings, seconds * threads_of(rule, settings), megabytes)
    for wildcards, spent in _points(results_dir / "points", settings):
        for rule, name in (("encode_clip", "encode_wall_s"), ("measure_point", "measure_wall_s")):
            if name in spent and (rule, *_identity(wildcards)) not in seen:
                seconds = spent[name] * threads_of(rule, settings)
                _add(groups, rule, wildcards, settings, seconds, None)
    return [
        Recorded(
            kind,
            qp,
            size,
            len(jobs),
            round(sum(seconds for seconds, _ in jobs) / len(jobs), 4),
            max((megabytes for _, megabytes in jobs if megabytes is not None), default=None),
        )
        for (kind, qp, size), jobs in sorted(groups.items(), key=str)
    ]


def wildcards_of(name: str, settings: Settings) -> dict[str, str]:
    """Wildcards in the name of a log or benchmark, whose parts are joined by dots."""
    found: dict[str, str] = {}
    for codec in settings.codecs:  # names of codecs have dots in them
        if name.startswith(f"{codec}."):
            found["codec"] = codec
            name = name.removeprefix(f"{codec}.")
    for part in name.split("."):
        if part in ("AI", "LDP"):
            found["configuration"] = part
        elif part in settings.sequences:
            found["sequence"] = part
        elif part in settings.config["methods"]:
            found["method"] = part
        elif re.fullmatch(r"qp\d+", part):
            found["qp"] = part.removeprefix("qp")
        elif part.isdigit() and part not in ("264", "265", "266"):
            found["segment"] = part
    return found


def _add(
    groups: dict[tuple[str, int | None, float], list[tuple[float, float | None]]],
    rule: str,
    wildcards: Mapping[str, str],
    settings: Settings,
    seconds: float,
    megabytes: float | None,
) -> None:
    try:
        work = work_of(rule, wildcards, settings)
    except (KeyError, IndexError, TypeError):
        return  # left by an earlier configuration of this folder
    if work.size is not None:
        key = (work.kinds[0], work.qp, round(work.size, 6))
        groups.setdefault(key, []).append((seconds, megabytes))


def _benchmarks(
    folder: Path, settings: Settings
) -> Iterator[tuple[str, dict[str, str], float, float | None]]:
    """Rule, wildcards, wall seconds and memory in MB of every job with a benchmark."""
    for path in sorted(folder.glob("**/*.tsv")):
        parts = path.relative_to(folder).with_suffix("").parts
        try:
            row = read_csv(path, "\t")[0]
        except (UserError, IndexError):
            continue  # the job was killed while it was written
        seconds, megabytes = (_amount(row.get(name, "")) for name in ("s", "max_rss"))
        if seconds is not None:  # the others say "-" where the job was too short to be sampled
            yield parts[0], wildcards_of(".".join(parts[1:]), settings), seconds, megabytes


def _amount(text: str) -> float | None:
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if 0 <= amount < math.inf else None


def _points(folder: Path, settings: Settings) -> Iterator[tuple[dict[str, str], dict[str, Any]]]:
    """Wildcards and provenance of every point of the configuration that is there."""
    for point in settings.points():
        path = folder / f"{place_of(point)}.json"
        if path.is_file():
            yield (
                {name: str(value) for name, value in point._asdict().items()},
                read_point(path).get("provenance", {}),
            )


def _identity(wildcards: Mapping[str, str]) -> tuple[str | None, ...]:
    names = ("codec", "configuration", "sequence", "method", "qp")
    return tuple(wildcards.get(name) for name in names)
