"""How long a run takes on a number of cores: list scheduling of its jobs, as Snakemake does it."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple


class Task(NamedTuple):
    """A job to schedule: wall seconds on its own threads, what it takes, what it waits for.

    ``needs`` are places of earlier tasks. Of the tasks that can start, that with the largest
    ``rank`` does.
    """

    seconds: float
    threads: int = 1
    gpus: int = 0
    needs: tuple[int, ...] = ()
    rank: tuple[float, ...] = ()


class Schedule(NamedTuple):
    """When each task starts, and when the last one is done (seconds)."""

    starts: list[float]
    seconds: float


def schedule(
    tasks: Sequence[Task],
    cores: int,
    gpus: int = 1,
    *,
    dispatch_seconds: float = 0.0,
    reserve: bool = False,
) -> Schedule:
    """Start the task of the highest rank among those that fit, whenever something ends.

    So does Snakemake on one machine, where a task of several threads may wait long: a core that
    becomes free is given away before a second one is. With ``reserve`` the first task in rank
    that lacks cores keeps those that become free, as a cluster's queue does.

    A task that asks for more threads than there are cores gets all of them and takes longer.
    ``dispatch_seconds`` is what the controlling process spends on each task; it starts one at a
    time. Where there is no GPU, tasks for one run without.
    """
    waiting = [len(task.needs) for task in tasks]
    followers: dict[int, list[int]] = defaultdict(list)
    for place, task in enumerate(tasks):
        for need in task.needs:
            followers[need].append(place)
    order = {place: at for at, place in enumerate(_by_rank(tasks))}
    places = list(order)
    classes = [(min(task.threads, cores), min(task.gpus, gpus)) for task in tasks]
    # Tasks that can start, by what they take: within a class only the first one matters.
    ready: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, left in enumerate(waiting):
        if not left:
            heapq.heappush(ready[classes[place]], order[place])
    starts = [0.0] * len(tasks)
    running: list[tuple[float, int]] = []
    now = controller_free = 0.0
    while True:
        while True:
            first = [(heap[0], needed) for needed, heap in ready.items() if heap]
            able = [(at, needed) for at, needed in first if needed[1] <= gpus]
            if not reserve:
                able = [(at, needed) for at, needed in able if needed[0] <= cores]
            if not able or min(able)[1][0] > cores:
                break
            needed = min(able)[1]
            place = places[heapq.heappop(ready[needed])]
            cores, gpus = cores - needed[0], gpus - needed[1]
            controller_free = starts[place] = max(controller_free, now) + dispatch_seconds
            task = tasks[place]
            lasts = task.seconds * task.threads / needed[0]
            heapq.heappush(running, (starts[place] + lasts, place))
        if not running:
            return Schedule(starts, now)
        now, place = heapq.heappop(running)
        cores, gpus = cores + classes[place][0], gpus + classes[place][1]
        for follower in followers[place]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready[classes[follower]], order[follower])


def critical_path(tasks: Sequence[Task]) -> tuple[float, list[int]]:
    """The longest chain of tasks that wait for each other: no number of cores is faster.

    Tasks come after what they need. Returns its seconds and the places of its tasks, in order.
    """
    ends: list[float] = []
    before: list[int | None] = []
    for task in tasks:
        last = max(task.needs, key=ends.__getitem__, default=None)
        before.append(last)
        ends.append(task.seconds + (0.0 if last is None else ends[last]))
    place = max(range(len(tasks)), key=ends.__getitem__, default=None)
    seconds = 0.0 if place is None else ends[place]
    chain: list[int] = []
    while place is not None:
        chain.append(place)
        place = before[place]
    return seconds, chain[::-1]


def _by_rank(tasks: Sequence[Task]) -> list[int]:
    """Places of the tasks, highest rank first, in their own order within a rank."""
    return sorted(range(len(tasks)), key=lambda place: tasks[place].rank, reverse=True)
