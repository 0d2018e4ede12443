"""A run's progress as one line: jobs done, time passed, time left by what jobs are known to take.

Snakemake's own lines on each job stay in its log file, `.snakemake/log`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from typing import Any, TextIO

from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

from jndops.plan.encode_priority import run_model
from jndops.plan.job_size import work_of
from jndops.settings import Settings
from jndops.workflow.terminal import discard

LEAST_SECONDS = 0.5  # of a job of which nothing is known
SECONDS_BETWEEN_LINES = 30  # where the terminal is a file; a line that is rewritten needs no limit
EACH_JOB = re.compile(  # messages on each job without an event of its own
    "Select jobs to execute|Execute [0-9]+ jobs|Removing temporary output|Touching output file|"
    "Job [0-9]+ has been submitted|Submitted (job|group job) "
)


class ProgressLine(logging.Filter):
    """Turns what Snakemake says of single jobs into a line; all else is passed on.

    ``seconds`` are the expected CPU seconds of each job, by its number.
    """

    def __init__(self, seconds: Mapping[int, float], stream: TextIO) -> None:
        super().__init__()
        self._left, self._all = dict(seconds), len(seconds)
        self._stream = stream
        rewritten = stream.isatty() and min(os.get_terminal_size(stream.fileno())) > 0
        self._bar: Any = tqdm(
            total=sum(seconds.values()),
            file=stream if rewritten else _Lines(stream),
            bar_format="{desc}, {elapsed} passed, {remaining} left{postfix}",
            desc=f"0 of {self._all} jobs",
            mininterval=0.2 if rewritten else SECONDS_BETWEEN_LINES,
            miniters=0,
            smoothing=0,
            dynamic_ncols=rewritten,
        )

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is shown as it is."""
        try:
            return self._shown(record)
        except OSError:  # nobody reads any more: no reason for the run to end
            discard(self._stream)
            return False

    def _shown(self, record: logging.LogRecord) -> bool:
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            wildcards = " ".join(map(str, getattr(record, "wildcards", {}).values()))
            text = f"{getattr(record, 'rule_name', '')} {wildcards}".rstrip()
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(0)
        elif event == LogEvent.JOB_FINISHED:
            done = self._left.pop(getattr(record, "job_id", -1), 0.0)
            self._bar.set_description_str(
                f"{self._all - len(self._left)} of {self._all} jobs", refresh=False
            )
            # The last job takes all that is left: sums of fractions do not meet the total.
            self._bar.update(done if self._left else self._bar.total - self._bar.n)
        elif event not in (LogEvent.PROGRESS, LogEvent.JOB_STARTED) and not (
            record.levelno == logging.INFO and EACH_JOB.match(str(record.msg))
        ):
            self._bar.clear()
            return True
        return False

    def close(self) -> None:
        """Write the line as it is at the end."""
        try:
            self._bar.set_postfix_str("")
            self._bar.close()
        except OSError:
            discard(self._stream)


class _Lines:
    """A file in which a line that tqdm writes again is a new line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._last = stream, ""

    def write(self, text: str) -> None:
        line = text.strip()
        if line not in ("", self._last):
            self._stream.write(f"{line}\n")
            self._last = line

    def flush(self) -> None:
        self._stream.flush()


_lines: list[ProgressLine] = []  # of this process: that of its run


def follow(workflow: Any, settings: Settings) -> None:
    """Show the progress of a run that starts, unless its user asked for more, or for less."""
    output = workflow.output_settings
    stream = next((one for one in logger.handlers if one.name == "DefaultStreamHandler"), None)
    if stream is None or output.verbose or {Quietness.ALL, Quietness.PROGRESS} & set(output.quiet):
        return
    model = run_model(settings)
    seconds = {}
    for job in workflow.dag.needrun_jobs():
        known = model.seconds(work_of(job.rule.name, job.wildcards_dict, settings))
        seconds[job.jobid] = max(known or 0.0, LEAST_SECONDS)
    _lines.append(ProgressLine(seconds, stream.stream))
    stream.addFilter(_lines[-1])


def finish() -> None:
    """End the line, if there is one, before a summary is written below it."""
    while _lines:
        _lines.pop().close()
