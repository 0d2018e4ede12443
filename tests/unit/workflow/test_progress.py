"""The line of progress: what it takes from Snakemake's messages, and what it lets through."""

from __future__ import annotations

import io
import logging
import os
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from jndops.workflow.progress import ProgressLine


def message(text: str, level: int = logging.INFO, **fields: Any) -> logging.LogRecord:
    record = logging.LogRecord("snakemake.logging", level, "", 0, text, (), None)
    record.__dict__.update(fields)
    return record


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def line(stream: io.StringIO) -> ProgressLine:
    return ProgressLine({1: 2.0, 2: 6.0}, stream)


def test_jobs_become_one_line_with_the_time_left_by_what_they_take(line, stream, monkeypatch):
    monkeypatch.setattr(line._bar, "_time", lambda: line._bar.start_t + 40)
    assert not line.filter(message("", event=LogEvent.JOB_INFO, rule_name="encode_clip",
                                   wildcards={"codec": "x264", "qp": "22"}))  # fmt: skip
    assert not line.filter(message("", event=LogEvent.JOB_FINISHED, job_id=1))
    # A quarter of the work, not half of the jobs, took 40 seconds.
    assert str(line._bar) == "1 of 2 jobs, 00:40 passed, 02:00 left, encode_clip x264 22"
    assert not line.filter(message("", event=LogEvent.JOB_FINISHED, job_id=2))
    line.close()
    assert stream.getvalue().splitlines()[-1] == "2 of 2 jobs, 00:40 passed, 00:00 left"
    assert "\r" not in stream.getvalue()


def test_nothing_is_left_at_the_end_whatever_fractions_sum_to(stream):
    line = ProgressLine({job: 0.1 + job / 7 for job in range(40)}, stream)
    for job in reversed(range(40)):
        line.filter(message("", event=LogEvent.JOB_FINISHED, job_id=job))
    line.close()
    assert line._bar.n == line._bar.total
    assert stream.getvalue().splitlines()[-1].endswith("passed, 00:00 left")


def test_errors_warnings_and_other_news_pass(line):
    for text in ("Select jobs to execute...", "Execute 2 jobs...",
                 "Job 57 has been submitted with SLURM jobid 18 (log: x)."):  # fmt: skip
        assert not line.filter(message(text))
    assert line.filter(message("", logging.ERROR, event=LogEvent.JOB_ERROR))
    assert line.filter(message("Execute nothing", logging.WARNING))
    assert line.filter(message("Will exit after finishing currently running jobs (scheduler)."))


def test_a_terminal_that_is_gone_ends_no_run(monkeypatch):
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        line = ProgressLine({1: 2.0}, stream)
        os.close(reading)
        monkeypatch.setattr(line._bar, "_time", lambda: line._bar.start_t + 40)
        assert not line.filter(message("", event=LogEvent.JOB_FINISHED, job_id=1))
        line.filter(message("more", logging.ERROR))
        line.close()
