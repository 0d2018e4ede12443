"""Seconds of a job from its size: lines fitted to recorded timings, first values where none are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from jndlab.files import read_json
from jndops.plan.job_size import Work, encode_kind

FIRST_VALUES = Path(__file__).with_name("first_values.json")
JOB_START_SECONDS = 0.5  # of a rule without any first value: the start of a Python


@dataclass(frozen=True)
class Recorded:
    """Jobs of one kind, QP and size that ran: how many, and their mean seconds.

    Seconds are wall time; of encodes and measurements, whose threads the configuration sets, wall
    time x threads. ``qp`` is None where it plays no part.
    """

    kind: str
    qp: int | None
    size: float
    jobs: int
    seconds: float
    largest_mb: float | None = None


@dataclass(frozen=True)
class Line:
    """Seconds of a kind of job (as recorded): ``start`` + rate x size, the rate by QP.

    ``jobs`` is how many recorded ones it is fitted to (0: first values), ``error`` their mean
    deviation as a share of their mean time, ``largest_mb`` the most memory that one of them took.
    """

    start: float
    rates: Mapping[int | None, float] = field(default_factory=dict)
    source: str = ""
    jobs: int = 0
    error: float | None = None
    largest_mb: float | None = None

    def seconds(self, size: float, qp: int | None = None) -> float:
        """Seconds of a job."""
        return self.start + self.rate(qp) * size

    def rate(self, qp: int | None = None) -> float:
        """Seconds per unit of size: linear between QPs, that of the nearest outside."""
        if not self.rates:
            return 0.0
        if qp is None or None in self.rates:
            return self.rates.get(None, sum(self.rates.values()) / len(self.rates))
        known = sorted(self.rates)
        below = max((at for at in known if at <= qp), default=known[0])
        above = min((at for at in known if at >= qp), default=known[-1])
        if below >= above:
            return self.rates[below]
        share = (qp - below) / (above - below)
        return self.rates[below] * (1 - share) + self.rates[above] * share


@dataclass(frozen=True)
class CostModel:
    """The lines of all kinds of job of which anything is known."""

    lines: Mapping[str, Line]

    def line(self, work: Work) -> Line | None:
        """The line that a job's time is taken from, or None."""
        return next((self.lines[kind] for kind in work.kinds if kind in self.lines), None)

    def seconds(self, work: Work) -> float | None:
        """Seconds of a job; None where no timing or no size is known."""
        line = self.line(work)
        if line is None or (work.size is None and line.rates):
            return None
        return line.seconds(work.size or 0.0, work.qp)

    def fitted(self, recorded: Iterable[Recorded]) -> CostModel:
        """This model with recorded timings in the place of first values, kind by kind."""
        by_kind: dict[str, list[Recorded]] = {}
        for row in recorded:
            by_kind.setdefault(row.kind, []).append(row)
        fits = {kind: fit(rows, self.lines.get(kind)) for kind, rows in by_kind.items()}
        return CostModel({**self.lines, **fits})


def load_first_values(path: Path) -> CostModel:
    """The shipped first values (:data:`FIRST_VALUES`)."""
    data = read_json(path)
    start = data["job_start"]["seconds"]
    lines = {
        encode_kind(row["codec"], row["configuration"]): Line(
            start, {int(qp): float(rate) for qp, rate in row["seconds"].items()}, row["source"]
        )
        for row in data["encode"]
    }
    for row in data["rules"]:
        rates = {None: float(row["seconds"])} if row["seconds"] else {}
        lines[row["kind"]] = Line(float(row["start"]), rates, row["source"])
    return CostModel(lines)


def fit(rows: Sequence[Recorded], first: Line | None = None) -> Line:
    """Least squares of a line to recorded jobs, one common start and one rate for each QP.

    A job's variance is taken to grow with its size, so that the line keeps the sum of all
    recorded times. The start of ``first`` enters as one more job of no size: where all jobs are
    of one size start cannot be separated from rate. QPs that ``first`` has and no job ran get the
    first rates, scaled as the recorded ones are. No value is negative.
    """
    first = first or Line(JOB_START_SECONDS)
    jobs = sum(row.jobs for row in rows)
    largest = [row.largest_mb for row in rows if row.largest_mb is not None]
    start, rates = _start_and_rates(rows, first.start)
    for qp in first.rates:
        if rates and None not in rates and qp not in rates:
            shares = [rates[at] / first.rate(at) for at in rates if first.rate(at) > 0]
            if shares:
                rates[qp] = first.rate(qp) * sum(shares) / len(shares)
    line = Line(start, dict(sorted(rates.items(), key=lambda item: item[0] or 0)))
    spent = sum(row.jobs * row.seconds for row in rows)
    missed = sum(row.jobs * abs(row.seconds - line.seconds(row.size, row.qp)) for row in rows)
    return Line(
        line.start,
        line.rates,
        f"recorded ({jobs:,} jobs)" if jobs > 1 else "recorded (1 job)",
        jobs,
        missed / spent if spent else None,
        max(largest, default=None),
    )


def _start_and_rates(
    rows: Sequence[Recorded], first_start: float
) -> tuple[float, dict[int | None, float]]:
    """Solve the normal equations: with a weight of jobs / size they fall apart by QP."""
    sized = [row for row in rows if row.size > 0]
    if not sized:
        jobs = sum(row.jobs for row in rows)
        return sum(row.jobs * row.seconds for row in rows) / jobs, {}
    prior = 1 / median(row.size for row in sized)  # weight of the first start: a typical job's
    above = prior * first_start + sum(row.jobs * row.seconds / row.size for row in sized)
    below = prior + sum(row.jobs / row.size for row in sized)
    sums: dict[int | None, tuple[float, float, float]] = {}
    for row in sized:
        count, size, seconds = sums.get(row.qp, (0.0, 0.0, 0.0))
        sums[row.qp] = (
            count + row.jobs,
            size + row.jobs * row.size,
            seconds + row.jobs * row.seconds,
        )
    for count, size, seconds in sums.values():
        above -= count * seconds / size
        below -= count * count / size
    least = min(seconds / count for count, _, seconds in sums.values())
    start = min(max(above / below, 0.0), least)
    return start, {
        qp: max((seconds - count * start) / size, 0.0)
        for qp, (count, size, seconds) in sums.items()
    }
