"""Jobs that failed are made again by the next run, even where nothing asks for their outputs.

Snakemake removes the outputs of a failed job. As long as results further down are still there, a
missing intermediate file is no reason to run, so that the same command would report the results of
an earlier run as up to date. A failed job therefore leaves a note next to its log, which the next
run makes an input of the job: newer than the results that rest on its former outputs. The note
remains an input from then on, because another set of inputs would be a reason to run as well.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jndlab.files import write_text

FAILED = ".failed"  # of a job that failed after the last start of a run
RETRIED = ".retried"  # of a job that a later run was asked to make again


def note_failure(log: str | Path) -> None:
    """Note that the job with this log failed.

    Each note has another content: Snakemake takes no input for newer that has the content which it
    had when the job was last started.
    """
    write_text(f"{log}{FAILED}", f"{time.time_ns()}\n")


def forget_failure(log: str | Path) -> None:
    """Take back the note of a job that succeeded when it was tried again by the same run."""
    Path(f"{log}{FAILED}").unlink(missing_ok=True)


def failed_jobs(logs: str | Path, *, starting: bool) -> dict[str, str]:
    """Notes of all jobs that ever failed, by the path of the job's log.

    ``logs`` is the folder of all logs. ``starting`` is whether a run starts, and not only a plan is
    made: what failed before counts as retried then.
    """
    for note in sorted(Path(logs).rglob(f"*{FAILED}")) if starting else ():
        os.replace(note, note.with_suffix(RETRIED))
    notes = [note for suffix in (RETRIED, FAILED) for note in Path(logs).rglob(f"*{suffix}")]
    return {str(note.with_suffix("")): str(note) for note in notes}


def retry_failed(rules: Iterable[Any], notes: dict[str, str]) -> None:
    """Give the jobs with a note this note as input ``failed_before``.

    ``rules`` are Snakemake's own objects.
    """
    for rule in rules if notes else ():
        if rule.log:
            rule.set_input(failed_before=_note_of(rule.log[0], notes))


def _note_of(log: Any, notes: dict[str, str]) -> Callable[[Any], str | list[str]]:
    def note(wildcards: Any) -> str | list[str]:
        return notes.get(str(log.apply_wildcards(wildcards)), [])

    return note
