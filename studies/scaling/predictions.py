"""Real runs predicted from their own recordings (docs/scaling.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jndlab.files import read_json
from jndlab.paths import ROOT
from jndops.plan.cost_model import FIRST_VALUES, CostModel, Recorded, load_first_values
from jndops.plan.job_size import Work
from jndops.plan.makespan import Task, schedule
from jndops.plan.plan import Controller, load_controller

RECORDINGS = ROOT / "tests/data"
Row = dict[str, Any]


class Prediction(NamedTuple):
    """A recording (``name``), the run in it that calibrates, the run that is predicted."""

    name: str
    calibrating: int
    measured: int
    circumstances: str


PREDICTIONS = (
    Prediction("demo", 0, 0, "demo of IQNet"),
    Prediction("demo", 0, 1, "demo of IQNet, in another clone"),
    Prediction("smoke", 0, 0, "smoke"),
    Prediction("smoke", 1, 1, "smoke, other programs on the machine"),
    Prediction("smoke", 1, 2, "the same, three minutes later"),
    Prediction("papers", 0, 0, "demo of all papers, half of the machine taken by others"),
)


def recorded_run(name: str) -> tuple[list[Row], list[Row]]:
    """Work and resources of the jobs of a real run, and what runs of them took."""
    data = read_json(RECORDINGS / f"recorded_timings_{name}.json")
    return [dict(zip(data["columns"], row, strict=True)) for row in data["jobs"]], data["runs"]


def predicted_seconds(
    jobs: Iterable[Mapping[str, Any]], model: CostModel, controller: Controller
) -> float:
    """Makespan on two cores (s), as the planner makes it, without the time of planning."""
    tasks = [
        Task(
            model.seconds(Work((job["kind"],), job["size"], job["qp"])) or 0.0,
            job["threads"],
            job["gpus"],
            tuple(job["needs"]),
            (job["priority"], job["weight"]),
        )
        for job in jobs
    ]
    return schedule(tasks, 2, dispatch_seconds=controller.dispatch_seconds).seconds


def calibrated(
    first: CostModel, jobs: Iterable[Mapping[str, Any]], seconds: Iterable[float]
) -> CostModel:
    """The model after a run: first values replaced by the times of its jobs (s)."""
    groups: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for job, spent in zip(jobs, seconds, strict=True):
        groups[job["kind"], job["qp"], job["size"]].append(spent)
    return first.fitted(
        Recorded(*key, len(spent), sum(spent) / len(spent)) for key, spent in groups.items()
    )


def prediction(asked: Prediction, first_values: Path = FIRST_VALUES) -> Row:
    """Predicted and measured makespan (s) of a recorded run."""
    jobs, runs = recorded_run(asked.name)
    model = calibrated(load_first_values(first_values), jobs, runs[asked.calibrating]["seconds"])
    seconds = predicted_seconds(jobs, model, load_controller(first_values))
    return {
        "run": asked.circumstances,
        "jobs": len(jobs),
        "calibrated_by": "itself" if asked.calibrating == asked.measured else "the one before",
        "predicted_s": seconds,
        "measured_s": runs[asked.measured]["measured_seconds"],
    }


def prediction_table(asked: Sequence[Prediction] = PREDICTIONS) -> list[Row]:
    """A row for each of the predictions."""
    return [prediction(one) for one in asked]
