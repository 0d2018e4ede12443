"""Bench of planning: paper.yaml against its limit, and how time and memory grow with jobs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from jndops.bench_figures import ROOT, Bench, Figure, Spent, in_turns, python, wait_for
from jndops.bench_scheduling import config_of

PLAN_LIMIT_SECONDS = 6
PAPER_JOBS = 2_040  # of paper.yaml when the limit was set: 3 ms a job
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
            planned.jobs * PLAN_LIMIT_SECONDS / PAPER_JOBS,
            f"limit: {1000 * PLAN_LIMIT_SECONDS / PAPER_JOBS:.1f} ms a job, as of paper.yaml",
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
        1000 * PLAN_LIMIT_SECONDS / PAPER_JOBS,
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
    counted = re.search(r"^total +(\d+)$", told, flags=re.MULTILINE)
    if process.returncode != 0 or counted is None:
        raise RuntimeError(f"Snakemake failed:\n{told[-3000:]}")
    return Planned(int(counted[1]), spent, mib)


def _paper(bench: Bench) -> Iterator[Figure]:
    paper = ["--configfile", "config/paper.yaml"]
    bench.say("paper.yaml is planned three times, in two ways")
    by_snakemake, make_plan = in_turns(
        [
            lambda: python("-m", "snakemake", "--dry-run", "--nolock", "--cores", "1", *paper),
            lambda: python("workflow_scripts/plan_run.py", *paper),
        ],
        3,
    )
    for name, spent in (("`snakemake --dry-run`", by_snakemake), ("`make plan`", make_plan)):
        yield Figure(
            f"planning paper.yaml: {name}",
            spent.wall,
            "s",
            PLAN_LIMIT_SECONDS,
            "limit",
            f"start of Python to its end, wall, median of 3 ({spent.cpu:.2f} s of CPU time)",
            at_most=1,
        )
