"""Schedules of jobs on cores: bounds, order, resources, and real runs predicted from recordings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndops.plan.cost_model import load_first_values
from jndops.plan.makespan import Task, critical_path, schedule
from jndops.plan.plan import load_controller
from studies.scaling.predictions import (
    FIRST_VALUES,
    PREDICTIONS,
    calibrated,
    predicted_seconds,
    prediction,
    recorded_run,
)


@st.composite
def graphs(draw):
    """Up to 40 tasks, each after some earlier ones."""
    tasks = []
    for place in range(draw(st.integers(1, 40))):
        needs = draw(st.lists(st.integers(0, place - 1), max_size=3, unique=True)) if place else []
        tasks.append(
            Task(
                draw(st.floats(0.01, 100)),
                draw(st.integers(1, 4)),
                draw(st.integers(0, 1)),
                tuple(needs),
                (draw(st.integers(0, 3)),),
            )
        )
    return tasks


@given(graphs(), st.integers(1, 9), st.integers(0, 2), st.booleans())
def test_no_core_is_used_twice_and_nothing_starts_too_early(tasks, cores, gpus, reserve):
    made = schedule(tasks, cores, gpus, reserve=reserve)
    lasts = [task.seconds * task.threads / min(task.threads, cores) for task in tasks]
    ends = [start + last for start, last in zip(made.starts, lasts, strict=True)]
    assert made.seconds == pytest.approx(max(ends))
    for task, start in zip(tasks, made.starts, strict=True):
        assert all(ends[need] <= start + 1e-9 for need in task.needs)
    for moment in made.starts:
        running = [at for at in range(len(tasks)) if made.starts[at] <= moment < ends[at] - 1e-9]
        assert sum(min(tasks[at].threads, cores) for at in running) <= cores
        if gpus:
            assert sum(tasks[at].gpus for at in running) <= gpus
    work = sum(task.seconds * task.threads for task in tasks)
    assert made.seconds >= work / cores * (1 - 1e-9)
    assert made.seconds >= critical_path(tasks)[0] * (1 - 1e-9)
    if all(task.threads == 1 and not task.gpus for task in tasks):
        bound = work / cores + critical_path(tasks)[0]  # Graham's
        assert made.seconds <= bound * (1 + 1e-9)


def test_one_core_takes_the_sum_and_many_the_longest_chain():
    tasks = [Task(3), Task(4), Task(5, needs=(0,)), Task(1, needs=(2, 1))]
    assert schedule(tasks, 1).seconds == 13
    assert critical_path(tasks) == (9, [0, 2, 3])
    assert schedule(tasks, 64).seconds == 9
    assert schedule([], 2).seconds == 0 and critical_path([]) == (0, [])


def test_longest_first_beats_the_given_order():
    seconds = [1, 1, 1, 1, 4]
    assert schedule([Task(s, rank=(s,)) for s in seconds], 2).seconds == 4
    assert schedule([Task(s) for s in seconds], 2).seconds == 6
    assert schedule([Task(s, rank=(-s,)) for s in seconds], 2).starts == [0, 0, 1, 1, 2]


def test_threads_gpus_and_the_controller_are_shared():
    assert schedule([Task(5, threads=2)] * 3, 4).seconds == 10
    assert schedule([Task(5, threads=2)], 1).seconds == 10  # half as fast on half the cores
    # A task that fits passes one that does not.
    wide = [Task(4, rank=(9,)), Task(4, threads=2, rank=(8,)), Task(3, rank=(1,))]
    assert schedule(wide, 2).starts == [0, 4, 0]
    assert schedule([Task(5, gpus=1)] * 3, 4, gpus=1).seconds == 15
    assert schedule([Task(5, gpus=1)] * 3, 4, gpus=0).seconds == 5  # on cores instead
    # One process starts all tasks: a thousand cores wait for it.
    assert schedule([Task(1)] * 500, 1000, dispatch_seconds=0.02).seconds == pytest.approx(11)


def test_wide_tasks_wait_on_one_machine_and_not_in_a_queue():
    wide = Task(4, threads=2, needs=(0,), rank=(8,))
    tasks = [Task(4, rank=(9,)), Task(6, rank=(9,)), wide, *[Task(4, rank=(1,))] * 4]
    assert schedule(tasks, 2).starts == [0, 0, 14, 4, 6, 8, 10]
    assert schedule(tasks, 2, reserve=True).starts == [0, 0, 6, 10, 10, 14, 14]
    # What waits for the GPU keeps no core from others.
    busy = [Task(5, gpus=1, rank=(9,)), Task(5, gpus=1, rank=(8,)), Task(5, rank=(1,))]
    assert schedule(busy, 2, reserve=True).starts == [0, 5, 0]


@pytest.mark.parametrize("asked", PREDICTIONS)
def test_makespan_of_a_real_run_is_predicted_within_a_quarter(asked):
    row = prediction(asked)
    assert row["predicted_s"] == pytest.approx(row["measured_s"], rel=0.25)
    if asked.calibrating == asked.measured:  # the times of its jobs are known: only the schedule
        assert row["predicted_s"] == pytest.approx(row["measured_s"], rel=0.08)


def test_dependencies_matter_to_the_prediction():
    """Without them the recorded runs would seem to take less time than they did."""
    jobs, runs = recorded_run("smoke")
    model = calibrated(load_first_values(FIRST_VALUES), jobs, runs[0]["seconds"])
    free = [{**job, "needs": []} for job in jobs]
    controller = load_controller(FIRST_VALUES)
    whole = predicted_seconds(jobs, model, controller)
    assert predicted_seconds(free, model, controller) < 0.95 * whole
