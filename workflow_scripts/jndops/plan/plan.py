"""Jobs, CPU hours, wall time and disk of an experiment, estimated before it is started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jndlab.files import read_json
from jndops.plan.cost_model import CostModel
from jndops.plan.disk import Shares, disk_gigabytes
from jndops.plan.encode_priority import EncodePriority
from jndops.plan.job_graph import Job
from jndops.plan.job_size import Work, threads_of, work_of
from jndops.plan.makespan import Task, critical_path, schedule
from jndops.settings import Settings, place_of

ORDERS = ("longest", "snakemake", "first_come")


@dataclass(frozen=True)
class Controller:
    """What the controlling Snakemake takes: before the first job, and for each job it starts."""

    start_seconds: float
    planning_seconds_per_job: float
    dispatch_seconds: float

    def planning_seconds(self, jobs: int) -> float:
        """From the command to the first job."""
        return self.start_seconds + self.planning_seconds_per_job * jobs


@dataclass(frozen=True)
class Machine:
    """What a run has: cores, GPUs, and the price of a core for an hour (None: not asked).

    ``cluster``: its cores are given out by a queue that keeps them for jobs of several threads.
    """

    cores: int
    gpus: int = 1
    price: float | None = None
    cluster: bool = False


def load_controller(path: Path) -> Controller:
    """The shipped values (``cost_model.FIRST_VALUES``)."""
    data = read_json(path)["snakemake"]
    return Controller(**{name: value for name, value in data.items() if name != "source"})


def tasks_of(
    jobs: Sequence[Job], settings: Settings, model: CostModel, order: str = "longest"
) -> tuple[list[Task], list[Work]]:
    """Jobs with their expected wall seconds (0 where nothing is known), and their work.

    ``order``: `longest` starts jobs by priority, that of encodes by :class:`EncodePriority`, then
    by the size of their inputs; `snakemake` the same with the priorities that ``jobs`` have;
    `first_come` by these, then as jobs are listed.
    """
    longest = EncodePriority(settings, model) if order == "longest" else None
    tasks, works = [], []
    for job in jobs:
        work = work_of(job.rule, job.wildcards, settings)
        seconds = (model.seconds(work) or 0.0) / threads_of(job.rule, settings)
        priority = job.priority
        if longest and job.rule in ("encode_clip", "encode_segment"):
            priority = longest(job.wildcards)
        rank = (priority,) if order == "first_come" else (priority, job.weight)
        tasks.append(Task(seconds, job.threads, job.gpus, job.needs, rank))
        works.append(work)
    return tasks, works


def plan(
    settings: Settings,
    jobs: Sequence[Job],
    model: CostModel,
    controller: Controller,
    here: Machine,
    *,
    cores: Sequence[int] = (),
    shares: Shares,
    order: str = "longest",
) -> dict[str, Any]:
    """Jobs, CPU hours, wall time, cost and disk of a run, as JSON-able data.

    CPU hours are those of cores held: wall time x threads of each job, as clusters bill them.
    Wall times are of list scheduling of all jobs on ``cores`` (and on the machine ``here``), with
    the time that Snakemake itself takes. Jobs of which no timing is known take no time in all of
    this and are counted in ``not_counted``.
    """
    tasks, works = tasks_of(jobs, settings, model, order)
    hours: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    longest: dict[str, float] = {}
    unknown: Counter[str] = Counter()
    for task, work in zip(tasks, works, strict=True):
        if model.seconds(work) is None:
            unknown[work.kinds[0]] += 1
            continue
        hours[work.kinds[0]] += task.seconds * task.threads / 3600
        counts[work.kinds[0]] += 1
        longest[work.kinds[0]] = max(longest.get(work.kinds[0], 0.0), task.seconds / 3600)
    lines = {work.kinds[0]: model.line(work) for work in works if work.kinds[0] in hours}
    path_seconds, path = critical_path(tasks)
    planning = controller.planning_seconds(len(jobs))
    walls = {
        str(count): _wall(tasks, replace(here, cores=count), controller, planning)
        for count in sorted({here.cores, *cores})
    }
    return {
        "points": sum(1 for _ in settings.points()),
        "jobs": len(jobs),
        "jobs_per_rule": dict(Counter(job.rule for job in jobs)),
        "cpu_hours": {**dict(hours.most_common()), "total": sum(hours.values())},
        "kinds": {
            kind: {
                "jobs": counts[kind],
                "longest_hours": longest[kind],
                "source": lines[kind].source,
                "recorded_jobs": lines[kind].jobs,
                "mean_deviation": lines[kind].error,
                "largest_mb": lines[kind].largest_mb,
            }
            for kind, _ in hours.most_common()
        },
        "not_counted": dict(unknown),
        "planning_seconds": planning,
        "wall_hours": walls,
        "cores_here": here.cores,
        "price_per_core_hour": here.price,
        "critical_path": {
            "hours": path_seconds / 3600,
            "jobs": [{"job": job_name(jobs[at]), "hours": tasks[at].seconds / 3600} for at in path],
        },
        "disk_gigabytes": disk_gigabytes(settings, jobs, shares, here.cores),
    }


def job_name(job: Job) -> str:
    """A job in one line: its rule and wildcards."""
    wildcards = [value for name, value in job.wildcards.items() if name not in ("qp", "suffix")]
    qp = [f"qp{job.wildcards['qp']}"] if "qp" in job.wildcards else []
    return " ".join([job.rule, *wildcards, *qp])


def points_done(settings: Settings, root: Path) -> int:
    """How many points of a run are already there, below the folder ``root``."""
    folder = root / settings.config["results_dir"] / "points"
    return sum((folder / f"{place_of(point)}.json").is_file() for point in settings.points())


def _wall(
    tasks: Sequence[Task], machine: Machine, controller: Controller, planning: float
) -> dict[str, float]:
    """Hours on a machine, which share of its cores is busy, what all of them cost meanwhile."""
    made = schedule(
        tasks,
        machine.cores,
        machine.gpus,
        dispatch_seconds=controller.dispatch_seconds,
        reserve=machine.cluster,
    )
    seconds = made.seconds + planning
    busy = sum(task.seconds * task.threads for task in tasks) / (machine.cores * seconds)
    wall = {"hours": seconds / 3600, "busy": busy}
    if machine.price is not None:
        wall["cost_of_all_cores"] = seconds / 3600 * machine.cores * machine.price
    return wall
