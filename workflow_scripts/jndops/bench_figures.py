"""What a bench returns: figures, each a ratio to a peer or a limit measured in the same run."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


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


@dataclass(frozen=True)
class Spent:
    """Seconds of one action: on the clock, and of CPU in the processes that it started."""

    wall: float
    cpu: float


def timed(action: Callable[[], object]) -> Spent:
    """Run ``action`` and time it; CPU seconds are those of processes that it waited for."""
    cpu, wall = children_cpu(), time.perf_counter()
    action()
    return Spent(time.perf_counter() - wall, children_cpu() - cpu)


def in_turns(contestants: Sequence[Callable[[], object]], rounds: int) -> list[Spent]:
    """Medians of each contestant's seconds; they take turns, so that load meets all alike."""
    runs = [[timed(contestant) for contestant in contestants] for _ in range(rounds)]
    return [
        Spent(statistics.median(s.wall for s in spent), statistics.median(s.cpu for s in spent))
        for spent in zip(*runs, strict=True)
    ]


def children_cpu() -> float:
    """CPU seconds of all finished and awaited child processes, their children included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def python(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run this Python in the suite's folder to its end; raises CalledProcessError on failure."""
    defaults: dict[str, Any] = {"cwd": ROOT, "check": True, "capture_output": True, "text": True}
    return subprocess.run([sys.executable, *map(str, arguments)], **{**defaults, **options})


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


def _short(value: float) -> float:
    return float(f"{value:.4g}")
