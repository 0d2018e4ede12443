"""What a bench returns: figures, each a ratio to a peer or a limit measured in the same run."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import psutil

from jndlab.paths import ROOT


@dataclass(frozen=True)
class Figure:
    """One measured number, held against a peer or a limit.

    The goal bounds the ``ratio``, ``measured / against``: it is to be ``at_least`` or ``at_most``
    so large. A figure without a goal is there to explain another. ``counted`` says what the
    numbers contain.
    """

    name: str
    measured: float
    unit: str
    against: float
    peer: str
    counted: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float:
        """``measured / against``."""
        return self.measured / self.against

    @property
    def goal(self) -> str:
        """The bound on the ratio, in words; empty where there is none."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "" if self.at_most is None else f"at most {self.at_most:g}"

    @property
    def met(self) -> bool | None:
        """Whether the ratio keeps the goal; None without one."""
        if self.at_least is not None:
            return self.ratio >= self.at_least
        return None if self.at_most is None else self.ratio <= self.at_most

    @property
    def strain(self) -> float | None:
        """How far the ratio uses its goal up: 1 just keeps it, 2 misses it by a factor of two.

        None without a goal, or with one of zero, which is kept or not.
        """
        if self.at_least is not None:
            return self.at_least / self.ratio if self.ratio else float("inf")
        return self.ratio / self.at_most if self.at_most else None

    def as_row(self) -> dict[str, Any]:
        """JSON-able form; numbers keep four significant digits."""
        return {
            "figure": self.name,
            "measured": _short(self.measured),
            "unit": self.unit,
            "peer_or_limit": self.peer,
            "against": _short(self.against),
            "ratio": _short(self.ratio),
            "goal": self.goal,
            "met": self.met,
            "counted": self.counted,
        }


@dataclass(frozen=True)
class Bench:
    """What a bench is given: a folder of its own, the cores to use, rounds, where to report."""

    folder: Path
    cores: int
    rounds: int
    say: Callable[[str], None]
    long: bool = False  # whether to measure the sizes that take half an hour as well


@dataclass(frozen=True)
class Spent:
    """Seconds of one action: on the clock, of CPU in its processes, of CPU in other programs."""

    wall: float
    cpu: float
    others: float


def timed(action: Callable[[], object]) -> Spent:
    """Run ``action`` and time it; its CPU seconds are those of processes that it waited for."""
    before = Moment.now()
    action()
    return Moment.now() - before


@dataclass(frozen=True)
class Moment:
    """A point in time: clock, CPU seconds of the processes watched, of the whole machine."""

    clock: float
    own: float
    machine: float

    @classmethod
    def now(cls, process: psutil.Process | None = None) -> Moment:
        """CPU seconds of ``process`` and those below it, or of this one's awaited children."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = _cpu_of_tree(process) if process else usage.ru_utime + usage.ru_stime
        machine = psutil.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        # guest time is contained in user time
        total = sum(machine) - getattr(machine, "guest", 0.0) - getattr(machine, "guest_nice", 0.0)
        return cls(time.perf_counter(), own, total - idle)

    def __sub__(self, before: Moment) -> Spent:
        own = self.own - before.own
        others = max(0.0, self.machine - before.machine - own)
        return Spent(self.clock - before.clock, own, others)


def _cpu_of_tree(process: psutil.Process) -> float:
    """CPU seconds of a process, of those below it that live, and of all that these waited for."""
    seconds = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            seconds += sum(one.cpu_times()[:4])
    return seconds


def in_turns(contestants: Sequence[Callable[[], object]], rounds: int) -> list[Spent]:
    """Medians of each contestant's seconds; they take turns, so that load affects all equally."""
    runs = [[timed(contestant) for contestant in contestants] for _ in range(rounds)]
    return [median_of(spent) for spent in zip(*runs, strict=True)]


def cpu_in_turns(contestants: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Medians of each contestant's CPU seconds in this process: a busy machine adds few to them."""
    runs: list[list[float]] = []
    for _ in range(rounds):
        runs.append([])
        for contestant in contestants:
            before = time.process_time()
            contestant()
            runs[-1].append(time.process_time() - before)
    return [statistics.median(seconds) for seconds in zip(*runs, strict=True)]


def median_of(runs: Sequence[Spent]) -> Spent:
    """Median of each of the seconds."""
    return Spent(*(statistics.median(values) for values in zip(*map(astuple, runs), strict=True)))


def python(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run this Python in the suite's folder to its end; raises CalledProcessError on failure."""
    defaults: dict[str, Any] = {"cwd": ROOT, "check": True, "capture_output": True, "text": True}
    return subprocess.run([sys.executable, *map(str, arguments)], **{**defaults, **options})


def in_own_process(module: str, function: str, *, limit: int | None = None, **options: Any) -> Any:
    """What a function returns (JSON-able) in a Python of its own, whose imports stay there.

    ``limit`` is the number of threads that BLAS and OpenMP may take there.
    """
    program = (
        f"import json, sys; from {module} import {function} as measured\n"
        "print(json.dumps(measured(**json.loads(sys.argv[1]))))"
    )
    # Waiting threads must not spin: contestants share the cores.
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    if limit:
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(limit))
    done = python("-c", program, json.dumps(options), env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def wait_for(process: subprocess.Popen[Any]) -> tuple[Spent, float]:
    """Wait for a process: its seconds from now on, and its largest resident memory in MiB.

    Linux counts this process's memory at the start of the other one as well: measure memory before
    anything large is loaded here.
    """
    begun = Moment.now()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Moment.now() - begun, usage.ru_maxrss / 1024  # kilobytes on Linux


def as_markdown(figures: Iterable[Figure], head: str) -> str:
    """The table for people: a row per figure, then what each of them counts."""
    lines = [head, "", "| figure | measured | peer or limit | ratio | goal | met |"]
    lines.append("|---|---:|---|---:|---|---|")
    figures = list(figures)
    for number, figure in enumerate(figures, start=1):
        row = figure.as_row()
        met = {True: "yes", False: "NO", None: ""}[row["met"]]
        lines.append(
            f"| {figure.name} [{number}] | {row['measured']:g} {figure.unit} "
            f"| {row['against']:g} {figure.unit}: {figure.peer} | {row['ratio']:g} "
            f"| {figure.goal} | {met} |"
        )
    lines += ["", "What is counted:", ""]
    lines += [f"{number}. {figure.counted}" for number, figure in enumerate(figures, start=1)]
    return "\n".join(lines) + "\n"


def strain_of(row: Mapping[str, Any] | None) -> float:
    """The :attr:`Figure.strain` of a recorded row; 0 without a row or a goal."""
    if not row or not row["goal"]:
        return 0.0
    kind, bound = row["goal"].rsplit(" ", 1)
    ratio, wanted = row["ratio"], float(bound)
    if kind == "at least":
        return wanted / ratio if ratio else float("inf")
    return ratio / wanted if wanted else 0.0


def before_and_after(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> str:
    """The page of recorded figures: those with a goal first, next to what was recorded before."""
    earlier = {row["figure"]: row for row in before}
    rows = sorted(after, key=lambda row: row["goal"] == "")
    lines = [
        "# Speed",
        "",
        "Recorded by `make bench ARGS=--record`, each ratio within one run; the columns are of",
        "`bench_before.json` and `bench.json`. `make bench ARGS=--check` fails where a ratio is",
        "worse by more than 15 % than its goal, or than recorded if it missed its goal then.",
        "",
        "| figure | before | after | peer or limit | ratio before | ratio after | goal | met |",
        "|---|---:|---:|---|---:|---:|---|---|",
    ]
    for number, row in enumerate(rows, start=1):
        was = earlier.get(row["figure"])
        met = {True: "yes", False: "NO", None: ""}[row["met"]]
        old, ratio = (f"{was['measured']:g}", f"{was['ratio']:g}") if was else ("", "")
        lines.append(
            f"| {row['figure']} [{number}] | {old} | {row['measured']:g} {row['unit']} "
            f"| {row['against']:g}: {row['peer_or_limit']} | {ratio} | {row['ratio']:g} "
            f"| {row['goal']} | {met} |"
        )
    lines += ["", "What is counted, and what limits it:", ""]
    lines += [f"{number}. {row['counted']}" for number, row in enumerate(rows, start=1)]
    return "\n".join(lines) + "\n"


def _short(value: float) -> float:
    return float(f"{value:.4g}")
