"""Bench of planning: paper.yaml against its limit, and how time and memory grow with jobs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks.figures import ROOT, Bench, Figure, Spent, in_turns, python, wait_for
from benchmarks.scheduling import config_of

LIMIT_SECONDS_A_JOB = 0.003  # as when the 2,040 jobs of IQNet's paper.yaml were to take 6 s
SIZES = (100, 1_000)
LONG_SIZES = (100, 1_000, 5_000, 20_000)
MEMORY_LIMIT_MIB = 2_048


class Planned(NamedTuple):
    """What a dry run counted and took."""

    jobs: int
    spent: Spent
    mib: float


def planning(bench: Bench) -> Iterator[Figure]:
    """paper.yaml by Snakemake's dry run and by `make plan`; then dry runs of growing size."""
    yield from _paper(bench)
    made = []
    for jobs in LONG_SIZES if bench.long else SIZES:
        bench.say(f"a run of {jobs:,} jobs is planned")
        made.append(dry_run(bench.folder, jobs))
    for planned in made:
        # Below a thousand jobs the start of Snakemake is most of it.
        goal = 1 if planned.jobs >= 1_000 else None
        yield Figure(
            f"planning {planned.jobs:,} jobs: time",
            planned.spent.wall,
            "s",
            planned.jobs * LIMIT_SECONDS_A_JOB,
            f"limit: {1000 * LIMIT_SECONDS_A_JOB:g} ms a job",
            f"`snakemake --dry-run` of an anchor's points, wall; {planned.spent.cpu:.2f} s of CPU "
            f"time, {1000 * planned.spent.cpu / planned.jobs:.2f} ms a job.",
            at_most=goal,
        )
        yield Figure(
            f"planning {planned.jobs:,} jobs: memory",
            planned.mib,
            "MiB",
            MEMORY_LIMIT_MIB,
            "limit",
            "largest resident memory of the process.",
            at_most=1,
        )
    few, many = made[0], made[-1]
    yield Figure(
        "planning: a further job",
        1000 * (many.spent.cpu - few.spent.cpu) / (many.jobs - few.jobs),
        "CPU ms",
        1000 * LIMIT_SECONDS_A_JOB,
        "limit of wall a job",
        f"CPU time of {many.jobs:,} jobs less that of {few.jobs:,}, so without the start.",
        at_most=1,
    )


def dry_run(folder: Path, jobs: int) -> Planned:
    """Plan a run of about so many jobs, of which none is there."""
    config = folder / f"light{jobs}.yaml"
    config.write_text(yaml.safe_dump(config_of(jobs)), encoding="utf-8")
    said = folder / "said.txt"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(config), "--dry-run", "--nolock"]
    with open(said, "w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT)
        spent, mib = wait_for(process)
    told = said.read_text(encoding="utf-8")
    if process.returncode != 0:
        raise RuntimeError(f"Snakemake failed:\n{told[-3000:]}")
    return Planned(_count(r"^total +(\d+)$", told), spent, mib)


def _paper(bench: Bench) -> Iterator[Figure]:
    paper = ["--configfile", "config/paper.yaml"]
    bench.say("paper.yaml is planned three times, in two ways")
    said: dict[str, str] = {}
    dry_run_of_paper = ["-m", "snakemake", "--dry-run", "--nolock", "--cores", "1", *paper]

    def by_snakemake() -> None:
        done = python(*dry_run_of_paper)
        said["`snakemake --dry-run`"] = done.stdout + done.stderr

    def make_plan() -> None:
        said["`make plan`"] = python("workflow_scripts/commands/plan_run.py", *paper).stdout

    taken = in_turns([by_snakemake, make_plan], 3)
    for (name, told), spent in zip(said.items(), taken, strict=True):
        jobs = _count(r"^total +(\d+)$|^([\d,]+) jobs", told)
        yield Figure(
            f"planning paper.yaml, {jobs:,} jobs: {name}",
            spent.wall,
            "s",
            jobs * LIMIT_SECONDS_A_JOB,
            f"limit: {1000 * LIMIT_SECONDS_A_JOB:g} ms a job",
            f"start of Python to its end, wall, median of 3 ({spent.cpu:.2f} s of CPU time)",
            at_most=1,
        )


def _count(pattern: str, told: str) -> int:
    """The number of jobs in what a planner says. Raises RuntimeError where there is none."""
    found = re.search(pattern, told, flags=re.MULTILINE)
    if found is None:
        raise RuntimeError(f"no number of jobs was told:\n{told[-3000:]}")
    return int(next(filter(None, found.groups())).replace(",", ""))
