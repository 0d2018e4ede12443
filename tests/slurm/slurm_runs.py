"""Runs of the suite on SLURM: started, watched, disturbed and compared with local ones."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jndops.plan.timings import TIMINGS_NAME
from jndops.workflow.environment import SNAKEMAKE
from workflow_runner import REPOSITORY, Workflow

PROFILE = ("--workflow-profile", "profiles/slurm")
# This cluster has no accounting, and its jobs take some five seconds: a look that finds none at its
# end puts the next one off by ten.
QUICK = (
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "6"),
    *("--seconds-between-status-checks", "2"),
)
# What a run takes differs from run to run; where scratch lies, too. Everything else is a result.
SECONDS = re.compile(r"(wall|cpu)_s(econds)?$")
SCRATCH = re.compile(r"\S*/jndlab-[^/]+/(tmp[^/]+/)?")


class Cluster:
    """What SLURM says of its jobs, and what can happen to them."""

    def jobs(self, state: str = "all") -> dict[str, str]:
        """Numbers of the jobs in a state, with rule and wildcards of each."""
        said = slurm("squeue", "--noheader", f"--states={state}", "--format=%i %k")
        return dict(line.split(maxsplit=1) for line in said.splitlines())

    def running(self, rule: str) -> str | None:
        """Number of a running job of a rule, if there is one."""
        jobs = self.jobs("running").items()
        return next((job for job, what in jobs if what.startswith(f"rule_{rule}_")), None)

    def cancel(self, job: str) -> None:
        """What a user or an administrator does to a job."""
        slurm("scancel", job)

    def lose_node(self, job: str) -> None:
        """What happens to a node that breaks: SLURM takes it as down and queues its job again."""
        slurm("scontrol", "update", f"nodename={self._node}", "state=down", "reason=test")
        # A node that is back while processes of the job are left refuses it, and SLURM holds it.
        _wait_until(lambda: self._reason(job) == "BeginTime" and not self._has_processes(job))

    def give_node_back(self) -> None:
        """The node is repaired, and what waits for it starts at once instead of in two minutes."""
        slurm("scontrol", "update", f"nodename={self._node}", "state=resume")
        _wait_until(lambda: slurm("sinfo", "--noheader", "--format=%T").strip() == "idle")
        for job in self.jobs("pending"):
            slurm("scontrol", "update", f"jobid={job}", "starttime=now")

    def _has_processes(self, job: str) -> bool:
        listed = subprocess.run(["scontrol", "listpids", job], capture_output=True, timeout=60)
        return listed.returncode == 0

    def _reason(self, job: str) -> str:
        return slurm("squeue", "--noheader", f"--jobs={job}", "--format=%r").strip()

    @property
    def _node(self) -> str:
        (node,) = set(slurm("sinfo", "--noheader", "--format=%n").split())
        return node


class SlurmWorkflow(Workflow):
    """A private copy of the suite whose runs go through ``profiles/slurm``."""

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", *PROFILE, *QUICK, *arguments]

    def start(self, *arguments: str) -> Run:
        """Start a run, as make does, and leave it running."""
        program = str(Path(SNAKEMAKE[1]).relative_to(REPOSITORY))  # that of the copy
        return Run([sys.executable, program, *self.command(*arguments)[3:]], self.folder)


class Run:
    """A Snakemake at work; a context that ends it, if nobody did."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.log = folder / "said.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": ""},
            )

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: no time for a last word."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def wait_for(self, what: str, condition: Callable[[], Any], seconds: float = 300) -> Any:
        """The first true value of ``condition`` while the run is alive."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert self._process.poll() is None, f"ended before: {what}\n{self.said[-4000:]}"
            assert time.monotonic() < deadline, f"never: {what}\n{self.said[-4000:]}"
            time.sleep(0.2)
        return value

    def finish(self, seconds: float = 600) -> str:
        """Wait for the end, which must be a good one, and return the output."""
        code = self._process.wait(seconds)
        assert code == 0, self.said[-6000:]
        return self.said

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    @property
    def kept(self) -> str:
        """What Snakemake wrote into its own log; its terminal shows one line of progress."""
        logs = sorted((self.log.parent / ".snakemake/log").glob("*.snakemake.log"))
        return logs[-1].read_text("utf-8", errors="replace") if logs else ""


def _wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, slurm("scontrol", "show", "node")
        time.sleep(0.2)


def slurm(*command: str) -> str:
    """Output of one of SLURM's commands."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def numbers(results: Path) -> dict[str, Any]:
    """Everything that a run found out, by file: all tables and JSON files, and hashes of streams.

    Left out: seconds, names of scratch folders, logs, benchmarks with what plans keep of them,
    hidden files (which process ran) and MLflow's own.
    """
    found: dict[str, Any] = {}
    for path in sorted(results.rglob("*.[cj]s*")):
        name = path.relative_to(results).as_posix()
        if name.startswith((".", "logs/", "benchmarks/", TIMINGS_NAME, "mlflow")):
            continue
        if path.suffix == ".csv":
            with open(path, newline="", encoding="utf-8") as stream:
                found[name] = [_lasting(row) for row in csv.DictReader(stream)]
        elif path.suffix == ".json":
            found[name] = _lasting(json.loads(path.read_text("utf-8")))
    return found


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(one) for key, one in value.items() if not SECONDS.search(key or "")}
    if isinstance(value, list):
        return [_lasting(one) for one in value]
    return SCRATCH.sub("SCRATCH/", value) if isinstance(value, str) else value
