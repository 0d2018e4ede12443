"""A run that is killed, again and again, ends with the bytes of one that was left alone.

The moments are drawn from a seed. ``JNDLAB_KILLS`` is their number.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from jndlab.files import sha256_of
from jndops.ends.at_work import JOB, PART, SCRATCH
from workflow_runner import TINY, Workflow

KILLS = int(os.environ.get("JNDLAB_KILLS", "4"))
CONFIGURATION = TINY.replace("frames: 2", "frames: 8").replace("x265-ultrafast", "vvenc-faster")
RUN = ("--configfile", "tiny.yaml")
GROUP, ALONE = os.killpg, os.kill
# What is sent, and to whom: to all processes of the run, or to Snakemake alone.
MANNERS = (
    (signal.SIGKILL, GROUP), (signal.SIGTERM, GROUP), (signal.SIGKILL, ALONE),
    (signal.SIGINT, GROUP),
)  # fmt: skip
# Of a point, what differs between runs: seconds, and names of scratch files.
TIMED = {"encode_cpu_s", "encode_wall_s", "measure_cpu_s", "measure_wall_s", "encode_command"}


def content(results: Path) -> dict[str, Any]:
    """All that a run is made for, by file: bytes, or numbers without times of computing."""
    found: dict[str, Any] = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        if path.suffix in (".mkv", ".266", ".png") or name == "config.json":
            found[name] = sha256_of(path)
        elif name.startswith("points/") and path.suffix == ".json":
            point = json.loads(path.read_text())
            point["provenance"] = {k: v for k, v in point["provenance"].items() if k not in TIMED}
            found[name] = point
        elif path.suffix == ".csv" and path.parent.name in ("tables", "anchor", "erjnd"):
            with open(path, newline="") as stream:
                rows = list(csv.DictReader(stream))
            found[name] = [{k: v for k, v in row.items() if k not in TIMED} for row in rows]
    return found


def assert_whole(results: Path) -> None:
    """What has its own name is whole, whenever the run was killed."""
    for path in results.rglob("[!.]*.json"):
        json.loads(path.read_text())
    for metadata in results.rglob("streams/**/[!.]*.266.json"):
        stream = metadata.with_suffix("")
        if stream.exists():  # Snakemake may have removed it, not yet the other
            known = json.loads(metadata.read_text())
            assert sum(known["bits_per_frame"]) == 8 * stream.stat().st_size
            assert known["stream_sha256"] == hashlib.sha256(stream.read_bytes()).hexdigest()


def end_all(group: int) -> None:
    """End what is left of a run, as its user is told to, and wait for it."""
    deadline = time.monotonic() + 30
    while left := _members(group):
        assert time.monotonic() < deadline, f"processes of the run do not end: {left}"
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        time.sleep(0.1)


def _members(group: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.mark.timeout(120 + 60 * KILLS)
def test_kills_lose_nothing(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    whole, killed = (Workflow(folder) for folder in _folders(tmp_path))
    began = time.monotonic()
    whole.run(*RUN)
    seconds = time.monotonic() - began
    expected = content(whole.folder / "results")
    assert len([name for name in expected if name.endswith(".266")]) == 4
    results = killed.folder / "results"
    moments, manners = random.Random(20), itertools.cycle(MANNERS)
    hits, from_the_start = 0, True
    while hits < KILLS:
        began = time.monotonic()
        run = subprocess.Popen(
            killed.command(*RUN), cwd=killed.folder, env={**os.environ, "PYTHONPATH": ""},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        with suppress(subprocess.TimeoutExpired):
            run.wait(moments.uniform(0.2, 1) * seconds)
        if run.poll() is None:
            number, to = next(manners)
            to(run.pid, number)
            hits, from_the_start = hits + 1, False
            run.wait(60)
            end_all(run.pid)
            assert_whole(results)
            if any((killed.folder / ".snakemake/locks").glob("*")):
                killed.run(*RUN, "--unlock")
        elif hits < KILLS:  # it came to its end: from the start again
            assert run.returncode == 0 and content(results) == expected
            if from_the_start:  # the machine has become faster: the moments were beyond the end
                seconds = min(seconds, time.monotonic() - began)
            shutil.rmtree(results)
            from_the_start = True
    killed.run(*RUN)
    assert content(results) == expected
    assert killed.planned(*RUN) == {}
    left = [path for path in results.rglob("*") if path.name.startswith(PART) or JOB in path.name]
    assert not left and not list(scratch.glob(f"{SCRATCH}*"))


def _folders(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "whole", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
        (folder / "tiny.yaml").write_text(CONFIGURATION)
    return folders
