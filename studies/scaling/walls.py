"""Wall times of an experiment on up to ten thousand cores, simulated by the planner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jndlab.paths import ROOT
from jndlab.yaml_files import load_mapping
from jndops.plan.cost_model import FIRST_VALUES, CostModel, load_first_values
from jndops.plan.job_graph import Job, job_graph
from jndops.plan.job_size import Work
from jndops.plan.makespan import critical_path, schedule
from jndops.plan.plan import job_name, load_controller, tasks_of
from jndops.settings import Settings, load_settings

CORES = (1, 16, 64, 256, 1024, 10_000)
SPEED_UP = 20  # of a GPU over one core, in trainings: an assumption
NETWORKS = ("train_cnn_jnqd", "train_iqnet", "train_vp_jnd")
Row = dict[str, Any]


@dataclass(frozen=True)
class FasterTrainings:
    """A cost model whose trainings take ``1 / SPEED_UP`` of the time."""

    model: CostModel

    def seconds(self, work: Work) -> float | None:
        """Expected CPU seconds; None where nothing is known."""
        seconds = self.model.seconds(work)
        faster = seconds is not None and work.kinds[0].startswith(NETWORKS)
        return seconds / SPEED_UP if seconds is not None and faster else seconds


class Experiment:
    """A configuration's jobs under ways to run them; trainings take cores, no GPU."""

    def __init__(self, configfile: Path) -> None:
        self.configfile = configfile
        self.settings = load_settings(load_mapping(configfile), ROOT)
        self.model = load_first_values(FIRST_VALUES)
        self.controller = load_controller(FIRST_VALUES)

    def jobs(self, segment: int | None) -> tuple[list[Job], Settings]:
        """All jobs with all-intra encodes in segments of a number of frames (None: whole)."""
        changed = {"ai_segment_frames": segment}
        settings = replace(self.settings, config={**self.settings.config, **changed})
        return job_graph(self.configfile, settings, changed), settings

    def wall(
        self,
        segment: int | None,
        cores: int,
        *,
        faster: bool = False,
        cluster: bool = True,
    ) -> Row:
        """Hours, share of busy cores and hours of the longest chain on a number of cores.

        ``faster``: trainings by :class:`FasterTrainings`; ``cluster``: a queue keeps cores for jobs
        of several threads.
        """
        jobs, settings = self.jobs(segment)
        model: Any = FasterTrainings(self.model) if faster else self.model
        tasks, _ = tasks_of(jobs, settings, model)
        made = schedule(
            tasks, cores, 0, dispatch_seconds=self.controller.dispatch_seconds, reserve=cluster
        )
        seconds = made.seconds + self.controller.planning_seconds(len(jobs))
        work = sum(task.seconds * task.threads for task in tasks)
        return {
            "hours": seconds / 3600,
            "busy_pct": 100 * work / (cores * seconds),
            "chain_hours": critical_path(tasks)[0] / 3600,
        }

    def chain(self, segment: int | None, faster: bool) -> list[Row]:
        """Jobs of the longest chain (h)."""
        jobs, settings = self.jobs(segment)
        model: Any = FasterTrainings(self.model) if faster else self.model
        tasks, _ = tasks_of(jobs, settings, model)
        _, path = critical_path(tasks)
        return [{"job": job_name(jobs[at]), "hours": tasks[at].seconds / 3600} for at in path]


def wall_table(experiment: Experiment) -> list[Row]:
    """A row for each way to run: hours on each number of cores."""
    rows = []
    for label, segment, faster in _ways():
        walls = {cores: experiment.wall(segment, cores, faster=faster) for cores in CORES}
        rows.append(
            {"way": label}
            | {f"hours_{cores}": wall["hours"] for cores, wall in walls.items()}
            | {f"busy_pct_{cores}": walls[cores]["busy_pct"] for cores in (256, 1024)}
            | {"chain_hours": walls[CORES[0]]["chain_hours"]}
        )
    return rows


def _ways() -> Iterator[tuple[str, int | None, bool]]:
    yield "clips coded whole", None, False
    yield "all intra in segments of 64 frames", 64, False
    yield "all intra in segments of 16 frames", 16, False
    yield f"the same, trainings {SPEED_UP} times as fast", 16, True


def chain_table(experiment: Experiment) -> list[Row]:
    """The longest chain under each way to run, jobs of three minutes and more."""
    return [
        {"way": label, **row}
        for label, segment, faster in _ways()
        for row in experiment.chain(segment, faster)
        if row["hours"] >= 1 / 20
    ]


def queue_table(experiment: Experiment, segment: int = 16) -> list[Row]:
    """Hours where cores are kept for jobs of several threads, and where they are not."""
    return [
        {
            "cores": cores,
            "cluster_hours": experiment.wall(segment, cores)["hours"],
            "machine_hours": experiment.wall(segment, cores, cluster=False)["hours"],
        }
        for cores in (64, 256)
    ]


def cost_table(experiment: Experiment, most: int = 8) -> list[Row]:
    """CPU hours by kind of job, the largest first, the rest in one row."""
    jobs, settings = experiment.jobs(None)
    tasks, works = tasks_of(jobs, settings, experiment.model)
    kinds: dict[str, list[float]] = {}
    for task, work in zip(tasks, works, strict=True):
        if experiment.model.seconds(work) is not None:
            kinds.setdefault(work.kinds[0], []).append(task.seconds * task.threads / 3600)
    total = sum(map(sum, kinds.values()))
    ranked = sorted(kinds.items(), key=lambda item: -sum(item[1]))
    rest = [hours for _, each in ranked[most:] for hours in each]
    every = [hours for _, each in ranked for hours in each]
    return [
        {"kind": kind, "jobs": len(each), "hours": sum(each), "share_pct": 100 * sum(each) / total}
        for kind, each in [*ranked[:most], ("others", rest), ("all", every)]
    ]


def uncounted_table(experiment: Experiment) -> list[Row]:
    """Jobs of which no time is known, by rule."""
    jobs, settings = experiment.jobs(None)
    _, works = tasks_of(jobs, settings, experiment.model)
    counts: dict[str, int] = {}
    for job, work in zip(jobs, works, strict=True):
        if experiment.model.seconds(work) is None:
            counts[job.rule] = counts.get(job.rule, 0) + 1
    return [{"rule": rule, "jobs": count} for rule, count in sorted(counts.items())]
