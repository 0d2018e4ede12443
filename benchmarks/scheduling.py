"""Bench of what a job costs beside itself: light jobs in the real rules, counted in the controller.

The jobs are those of a run of the anchor, made by our rules with their inputs, parameters, logs
and benchmarks, in a copy of the suite whose scripts are replaced by one that only makes outputs.
They take the way of any job through Snakemake: selected, announced, started as a script in a shell
of its own, watched, recorded.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.figures import ROOT, Bench, Figure, Moment, Spent
from jndlab.datasets.sequence_sheet import load_sequences

PARTS = ("Snakefile", "rules", "workflow_scripts", "config", "envs", "report", "profiles")
SIZES = (100, 400)  # jobs of one run: enough to see whether the cost of a job grows
LONG_SIZES = (400, 5_000)
CODECS = ["x265-ultrafast", "vvenc-faster", "x264-ultrafast", "kvazaar-ultrafast"]
COST_GOAL_SECONDS = 0.030
MEMORY_LIMIT_MIB = 1_024

# What takes the place of a script: a byte in each output, without the start of a Python.
LIGHT_SCRIPT = (
    'for path in "${snakemake_output[@]}" "${snakemake_log[@]}"; do echo > "$path"; done\n'
)


@dataclass(frozen=True)
class LightRun:
    """A run of light jobs: the controller's CPU seconds and memory, the jobs' own seconds."""

    jobs: int
    controller_cpu: float
    spent: Spent
    job_seconds: float
    mib_at_first_job: float
    mib_at_most: float


def scheduling(bench: Bench) -> Iterator[Figure]:
    """Cost of a job beside itself for two sizes of run, and the controller's memory."""
    runs = []
    for jobs in LONG_SIZES if bench.long else SIZES:
        bench.say(f"{jobs:,} light jobs on {bench.cores} cores")
        runs.append(light_run(bench.folder / str(jobs), jobs, bench.cores))
        shutil.rmtree(bench.folder / str(jobs))
    for run in runs:
        yield from _figures(run, bench.cores)
    few, many = runs
    yield Figure(
        f"scheduling: growth of a job's cost, {few.jobs:,} to {many.jobs:,} jobs",
        1000 * many.controller_cpu / many.jobs,
        "CPU ms",
        1000 * few.controller_cpu / few.jobs,
        f"the same with {few.jobs:,} jobs",
        "what grows with the number of jobs that wait makes the whole quadratic.",
    )


def _figures(run: LightRun, cores: int) -> Iterator[Figure]:
    spent, jobs = run.spent, run.jobs
    of_a_job = run.job_seconds / jobs
    yield Figure(
        f"scheduling: controller, {jobs:,} jobs",
        1000 * run.controller_cpu / jobs,
        "CPU ms a job",
        1000 * COST_GOAL_SECONDS,
        "limit",
        "CPU time of Snakemake's own process from the first job's start to the last one's end; its "
        "jobs, which only write a byte into each output, are not counted. Does not depend on the "
        "load of the machine.",
        at_most=1,
    )
    yield Figure(
        f"scheduling: wall beside the jobs, {jobs:,} jobs",
        1000 * (spent.wall - run.job_seconds / cores) / jobs,
        "ms a job",
        1000 * COST_GOAL_SECONDS,
        "limit",
        f"{spent.wall:.1f} s from the first job's start to the last one's end, less the jobs' own "
        f"seconds by their benchmark files ({1000 * of_a_job:.0f} ms each) on {cores} cores. Other "
        f"programs took {spent.others:.1f} CPU seconds meanwhile, which lengthens it.",
        at_most=1,
    )
    yield Figure(
        f"scheduling: memory of the controller, {jobs:,} jobs",
        run.mib_at_most,
        "MiB",
        MEMORY_LIMIT_MIB,
        "limit",
        "largest resident memory of Snakemake's own process while jobs ran; "
        f"{run.mib_at_first_job:.0f} MiB when the first started.",
        at_most=1,
    )


def light_run(folder: Path, jobs: int, cores: int) -> LightRun:
    """Run about ``jobs`` light jobs, half of them encodes, half measurements."""
    light_suite(folder)
    (folder / "light.yaml").write_text(yaml.safe_dump(config_of(jobs)), encoding="utf-8")
    lines = _run(folder, cores)
    first = next(line for line in lines if not line.ended)
    ends = [line for line in lines if line.ended]
    seconds = [
        float(row["s"])
        for path in (folder / "light/benchmarks").rglob("*.tsv")
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    ]
    return LightRun(
        len(seconds),
        ends[-1].controller_cpu - first.controller_cpu,
        ends[-1].moment - first.moment,
        sum(seconds),
        first.mib,
        max(line.mib for line in lines),
    )


def light_suite(folder: Path) -> None:
    """A copy of the suite in which the light script runs in place of every rule's."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    for rules in (folder / "rules").rglob("*.smk"):
        text = rules.read_text(encoding="utf-8")
        scripts = r'(?<=")\.\./\.\./(workflow_scripts/\w+/\w+)\.py(?=")'
        for name in re.findall(scripts, text):
            (folder / f"{name}.sh").write_text(LIGHT_SCRIPT, encoding="utf-8")
        rules.write_text(re.sub(scripts, r"../../\1.sh", text), encoding="utf-8")


def config_of(jobs: int) -> dict[str, Any]:
    """A configuration of half as many points: 25 sequences, both configurations, many QPs.

    ``jobs`` is a multiple of 100 up to 5,000, or of 5,000 up to 20,000 (further codecs).
    """
    qps = min(jobs // 100, 50)
    return {
        "results_dir": "light",
        "sequences": list(load_sequences(ROOT / "config/sequences.tsv"))[:25],
        "configurations": ["AI", "LDP"],
        "codecs": CODECS[: jobs // (100 * qps)],
        "qps": list(range(qps)),
        "methods": {"anchor": {"kind": "anchor"}},
        "papers": [],
        "mlflow": False,
    }


@dataclass(frozen=True)
class _Line:
    """The controller when it said that a job started or ended."""

    ended: bool
    moment: Moment
    controller_cpu: float
    mib: float


def _run(folder: Path, cores: int) -> list[_Line]:
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--configfile",
        "light.yaml",
        "--cores",
        str(cores),
    ]
    lines: list[_Line] = []
    with (
        open(folder / "said.txt", "w+", encoding="utf-8") as said,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        watched = psutil.Process(process.pid)
        assert process.stdout is not None
        for text in process.stdout:
            said.write(text)
            ended = text.startswith("Finished jobid")
            if ended or re.match(r"Job \d+:", text):
                own = watched.cpu_times()
                mib = watched.memory_info().rss / 2**20
                lines.append(_Line(ended, Moment.now(watched), own.user + own.system, mib))
    if process.returncode != 0:
        told = (folder / "said.txt").read_text(encoding="utf-8")
        raise RuntimeError(f"Snakemake failed:\n{told[-3000:]}")
    return lines
