"""Which jobs of a run failed and how their logs end, read from Snakemake's own log."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TAIL_LINES = 20
SHOWN_JOBS = 5  # of more failed jobs only the names are told: their causes are mostly the same

_ERROR = re.compile(r"^Error in (?:local)?(?:rule|checkpoint) (?P<rule>\w+)")
_FIELD = re.compile(r"^ {4}(?P<name>output|log): (?P<value>.+)$")
_LOG_HINT = " (check log file(s) for error details)"


@dataclass(frozen=True)
class FailedJob:
    """A job that failed: its rule, its outputs as Snakemake lists them, and its log files."""

    rule: str
    output: str
    logs: tuple[Path, ...]


def failed_jobs(snakemake_logs: Iterable[Path]) -> list[FailedJob]:
    """Failed jobs in the order of their failure, each once; unreadable logs count as empty."""
    jobs: dict[FailedJob, None] = {}
    for log in snakemake_logs:
        try:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for number, line in enumerate(lines):
            if found := _ERROR.match(line):
                jobs[_job(found["rule"], lines[number + 1 :])] = None
    return list(jobs)


def describe_failures(jobs: list[FailedJob], lines: int = TAIL_LINES) -> str:
    """Each failed job with the end of its log, as text for a terminal; empty if there is none."""
    if not jobs:
        return ""
    parts = [f"{len(jobs)} job{'s' if len(jobs) > 1 else ''} failed"]
    for job in jobs[:SHOWN_JOBS]:
        parts.append(f"\n{job.rule}: {job.output or 'no output files'}")
        if not job.logs:
            parts.append("  it has no log; see Snakemake's messages above")
        for log in job.logs:
            parts.append(f"  end of {log}:")
            parts += [f"  | {line}" for line in tail(log, lines)]
    if rest := jobs[SHOWN_JOBS:]:
        parts.append(f"\nand {len(rest)} more:")
        parts += [f"  {job.rule}: {job.output}" for job in rest]
    return "\n".join(parts) + "\n"


def tail(path: Path, lines: int = TAIL_LINES) -> list[str]:
    """Last lines of a text file; one line that says so where it is absent or empty."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            last = [line.rstrip() for line in deque(stream, maxlen=lines)]
    except OSError:
        return ["(the log file is absent)"]
    return last or ["(the log file is empty)"]


def _job(rule: str, following: list[str]) -> FailedJob:
    """The indented block below ``Error in rule``: fields until the first line at the margin."""
    fields = {}
    for line in following:
        if not line.startswith("    "):
            break
        if found := _FIELD.match(line):
            fields[found["name"]] = found["value"]
    logs = fields.get("log", "").removesuffix(_LOG_HINT)
    return FailedJob(
        rule, fields.get("output", ""), tuple(Path(name) for name in logs.split(", ") if name)
    )
