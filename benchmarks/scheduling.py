"""Benches of Snakemake itself: planning a run, and what a job costs apart from its own work.

The jobs of ``scheduling`` are those of a run of the anchor, made by our rules with their inputs,
parameters, logs and benchmarks, in a copy of the suite whose scripts are replaced by one that only
makes outputs. They take the way of any job through Snakemake: selected, announced, started as a
script in a shell of its own, watched, recorded.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import yaml

from benchmarks.figures import Bench, Figure, Moment, Spent, in_turns, python, wait_for
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.paths import ROOT
from jndops.workflow.environment import SNAKEMAKE

PARTS = ("Snakefile", "rules", "workflow_scripts", "config", "envs", "report", "profiles")
RUN_SIZES, LONG_RUN_SIZES = (100, 400), (400, 5_000)  # jobs: two, to see whether a job's cost grows
PLAN_SIZES, LONG_PLAN_SIZES = (100, 1_000), (1_000, 20_000)
CODECS = ["x265-ultrafast", "vvenc-faster", "x264-ultrafast", "kvazaar-ultrafast"]
COST_GOAL_SECONDS, RUN_LIMIT_MIB = 0.030, 1_024
GROWTH_GOAL = 1.1
ROUNDS = 3
PLAN_GOAL_SECONDS = 0.0012  # a job, so that 20,000 take 25 s
PAPER_GOAL_SECONDS = 5
PLAN_GOALS, LONG_PLAN_GOALS = (1.2, 2.4), (2.4, 25)  # seconds, of the sizes above
PLAN_LIMIT_SECONDS = 3  # of `make plan` for the demo

# What takes the place of a script: a byte in each output, without the start of a Python. A list
# of outputs is one text with spaces, so that it must be split into words.
LIGHT_SCRIPT = "for path in ${snakemake_output[@]} ${snakemake_log[@]}; do echo > $path; done\n"


@dataclass(frozen=True)
class LightRun:
    """A run of light jobs: the controller's CPU seconds and memory, the jobs' own seconds."""

    jobs: int
    controller_cpu: float
    spent: Spent
    job_seconds: float
    mib: float


class Planned(NamedTuple):
    """Jobs of a dry run, its seconds, its largest resident memory."""

    jobs: int
    spent: Spent
    mib: float


def scheduling(bench: Bench) -> Iterator[Figure]:
    """Cost of a job apart from its own work for two sizes of run, and the controller's memory."""
    runs = []
    for jobs in LONG_RUN_SIZES if bench.long else RUN_SIZES:
        rounds = 1 if bench.long else ROUNDS
        bench.say(f"{jobs:,} light jobs on {bench.cores} cores, {rounds} times")
        made = []
        for _ in range(rounds):
            made.append(light_run(bench.folder / str(jobs), jobs, bench.cores))
            shutil.rmtree(bench.folder / str(jobs))
        runs.append(min(made, key=lambda run: run.controller_cpu))  # the least disturbed
    for run in runs:
        yield from _run_figures(run, bench.cores)
    few, many = runs
    yield Figure(
        f"scheduling: growth of a job's cost, {_about(few)} to {_about(many)} jobs",
        1000 * many.controller_cpu / many.jobs,
        "CPU ms",
        1000 * few.controller_cpu / few.jobs,
        f"the same with {few.jobs:,} jobs",
        "what grows with the number of jobs that wait makes the whole quadratic.",
        at_most=GROWTH_GOAL,
    )


def planning(bench: Bench) -> Iterator[Figure]:
    """The demo by `make plan`, asked for the first time and again; dry runs of growing size."""
    bench.say("the demo is planned three times, in two ways")
    plan = [ROOT / "workflow_scripts/commands/plan_run.py", "--configfile", "config/config.yaml"]
    plans = ROOT / ".snakemake/plans"

    def first() -> None:
        shutil.rmtree(plans, ignore_errors=True)
        python(*plan)

    turns = in_turns([first, lambda: python(*plan)], 3)
    for name, spent in zip(("first", "again"), turns, strict=True):
        yield Figure(
            f"planning the demo: `make plan`, {name}",
            spent.wall,
            "s",
            PLAN_LIMIT_SECONDS,
            "limit",
            f"start of Python to its end, wall, median of 3 ({spent.cpu:.2f} s of CPU time)",
            at_most=1 if name == "again" else None,
        )
    bare = bench.folder / "bare.smk"
    bare.write_text("rule all:\n    output: 'made'\n    shell: 'touch {output}'\n", "utf-8")
    paper = ["--snakefile", ROOT / "Snakefile", "--configfile", ROOT / "config/paper.yaml"]
    for part in ("config", "report", "workflow_scripts"):  # which rules name from where they run
        (bench.folder / part).symlink_to(ROOT / part)
    bench.say("a workflow of one rule, and config/paper.yaml, are planned three times")
    turns = [
        partial(_plan, bench.folder, "--snakefile", bare),
        partial(_plan, bench.folder, *paper),
    ]
    alone, papers = in_turns(turns, 3)
    share = f"with a workflow of one rule Snakemake takes {alone.cpu:.2f} CPU seconds."
    yield Figure(
        "planning config/paper.yaml: `snakemake --dry-run`",
        papers.cpu,
        "CPU s",
        PAPER_GOAL_SECONDS,
        "limit",
        f"start of Python to its end, median of 3; {share}",
        at_most=1,
    )
    made = []
    for jobs in LONG_PLAN_SIZES if bench.long else PLAN_SIZES:
        bench.say(f"a run of {jobs:,} jobs is planned")
        made.append(dry_run(bench.folder, jobs))
    few, many = made
    for run, goal in zip(made, LONG_PLAN_GOALS if bench.long else PLAN_GOALS, strict=True):
        yield Figure(
            f"planning {_about(run)} jobs",
            run.spent.cpu,
            "CPU s",
            goal,
            "limit",
            f"`snakemake --dry-run` from its start to its end, once; {share}",
            at_most=1,
        )
    yield Figure(
        f"planning {_about(many)} jobs: memory",
        many.mib,
        "MiB",
        2 * RUN_LIMIT_MIB,
        "limit",
        f"largest resident memory of `snakemake --dry-run` ({many.spent.wall:.1f} s).",
        at_most=1,
    )
    yield Figure(
        "planning: a further job",
        1000 * (many.spent.cpu - few.spent.cpu) / (many.jobs - few.jobs),
        "CPU ms",
        1000 * PLAN_GOAL_SECONDS,
        "limit",
        f"CPU time of {many.jobs:,} jobs less that of {few.jobs:,}, so without the start.",
        at_most=1,
    )


def _run_figures(run: LightRun, cores: int) -> Iterator[Figure]:
    spent, jobs, about = run.spent, run.jobs, _about(run)
    yield Figure(
        f"scheduling: controller, {about} jobs",
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
        f"scheduling: wall apart from the jobs, {about} jobs",
        1000 * (spent.wall - run.job_seconds / cores) / jobs,
        "ms a job",
        1000 * COST_GOAL_SECONDS,
        "limit",
        f"{spent.wall:.1f} s from the first job's start to the last one's end, less the jobs' own "
        f"{run.job_seconds:.1f} s by their benchmark files on {cores} cores. Other programs took "
        f"{spent.others:.1f} CPU seconds meanwhile, which lengthens it.",
        at_most=1,
    )
    yield Figure(
        f"scheduling: memory of the controller, {about} jobs",
        run.mib,
        "MiB",
        RUN_LIMIT_MIB,
        "limit",
        "largest resident memory of Snakemake's own process while jobs ran.",
        at_most=1,
    )


def _about(run: LightRun | Planned) -> str:
    """The number of jobs, without those few that come and go with the suite's rules."""
    return f"{run.jobs // 10 * 10:,}"


def light_run(folder: Path, jobs: int, cores: int) -> LightRun:
    """Run about ``jobs`` light jobs, half of them encodes, half measurements."""
    _light_suite(folder)
    (folder / "light.yaml").write_text(yaml.safe_dump(config_of(jobs)), encoding="utf-8")
    lines = _run(folder, cores)
    first = next(line for line in lines if not line.ended)
    last = [line for line in lines if line.ended][-1]
    seconds = [
        float(row["s"])
        for path in (folder / "light/benchmarks").rglob("*.tsv")
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    ]
    return LightRun(
        len(seconds),
        last.controller_cpu - first.controller_cpu,
        last.moment - first.moment,
        sum(seconds),
        max(line.mib for line in lines),
    )


def dry_run(folder: Path, jobs: int) -> Planned:
    """Plan a run of about this number of jobs, none of them done."""
    config = folder / f"light{jobs}.yaml"
    config.write_text(yaml.safe_dump(config_of(jobs)), encoding="utf-8")
    log = folder / "output.txt"
    command = [*SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(config), "--dry-run", "--nolock"]
    with open(log, "w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT)
        spent, mib = wait_for(process)
    text = log.read_text(encoding="utf-8")
    found = re.search(r"^total +(\d+)$", text, flags=re.MULTILINE)
    if process.returncode != 0 or not found:
        raise RuntimeError(f"Snakemake failed:\n{text[-3000:]}")
    return Planned(int(found[1]), spent, mib)


def _plan(folder: Path, *arguments: str | Path) -> None:
    python(SNAKEMAKE[1], "--directory", folder, "--dry-run", "--nolock", *arguments)


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


def _light_suite(folder: Path) -> None:
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


class _Line(NamedTuple):
    """The controller when it reported that a job started or ended."""

    ended: bool
    moment: Moment
    controller_cpu: float
    mib: float


def _run(folder: Path, cores: int) -> list[_Line]:
    started = folder / Path(SNAKEMAKE[1]).relative_to(ROOT)
    command = [sys.executable, str(started), "--configfile", "light.yaml"]
    command += ["--cores", str(cores), "--verbose"]  # a line for each job
    lines: list[_Line] = []
    output = ""
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watched = psutil.Process(process.pid)
        assert process.stdout is not None
        for text in process.stdout:
            output += text
            ended = text.startswith("Finished jobid")
            if ended or re.match(r"Job \d+:", text):
                own = watched.cpu_times()
                mib = watched.memory_info().rss / 2**20
                lines.append(_Line(ended, Moment.now(watched), own.user + own.system, mib))
    if process.returncode != 0:
        raise RuntimeError(f"Snakemake failed:\n{output[-3000:]}")
    return lines
