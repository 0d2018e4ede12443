"""How a rule's script ends: whole, or as a failed job with its log and a note for the next run."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

from jndlab.paths import ROOT
from jndops import adapter
from jndops.ends.failures import FAILED


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    monkeypatch.setenv("OPENCV_FOR_THREADS_NUM", "1")  # and what a job sets ends with the test


def job(folder: Path, *outputs: str) -> SimpleNamespace:
    return SimpleNamespace(
        log=[str(folder / "logs/a.log")],
        scriptdir=str(ROOT / "workflow_scripts/coding"),
        output=[str(folder / name) for name in outputs],
        params={},
    )


def test_a_job_that_leaves_an_output_unwritten_fails_and_names_it(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        adapter.run(lambda _: (tmp_path / "a.csv").touch(), job(tmp_path, "a.csv", "a.tex"))
    log = (tmp_path / "logs/a.log").read_text()
    assert "without writing" in log and "a.tex" in log and "a.csv," not in log
    assert (tmp_path / f"logs/a.log{FAILED}").is_file()


def test_a_job_that_wrote_all_leaves_no_note(tmp_path: Path) -> None:
    adapter.run(lambda _: (tmp_path / "a.csv").touch(), job(tmp_path, "a.csv"))
    assert not (tmp_path / f"logs/a.log{FAILED}").exists()


def test_opencv_takes_the_threads_of_the_job(tmp_path: Path) -> None:
    before = cv2.getNumThreads()  # imported before the job, or by it
    command = [sys.executable, "-c", "import cv2; print(cv2.getNumThreads())"]
    counted: list[int] = []

    def count(_: object) -> None:
        counted.extend([cv2.getNumThreads(), int(subprocess.check_output(command))])

    started = job(tmp_path)
    started.threads = 3
    adapter.run(count, started)
    cv2.setNumThreads(before)
    assert counted == [3, 3]
