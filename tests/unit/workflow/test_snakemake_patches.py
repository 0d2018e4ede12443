"""Patches of Snakemake: all of them in force with the installed version, and nothing but faster."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import psutil
import pytest
import snakemake.api  # before its graph: they import each other
import snakemake.common
import snakemake.logging
import snakemake.rules
import snakemake.script
from snakemake.benchmark import BenchmarkRecord, BenchmarkTimer, benchmarked
from snakemake.dag import DAG
from snakemake.exceptions import ChildIOException
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, ResourceList, Wildcards
from snakemake.jobs import Job
from snakemake.logging import ColorizingTextHandler
from snakemake.resources import Resource
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.script import PythonScript
from snakemake.shell import shell
from snakemake.sourcecache import LocalSourceFile, SourceCache, SourceFile

from jndops.workflow import snakemake_patches


@pytest.fixture(autouse=True, scope="module")
def patched():
    snakemake_patches.apply()


def test_the_installed_snakemake_has_every_part_that_is_patched():
    for owner, name in [
        (JobScheduler, "_schedule_reevalutation"),
        (JobScheduler, "exit_gracefully"),
        (JobScheduler, "remaining_jobs"),
        (ColorizingTextHandler, "emit"),
        (PythonScript, "generate_preamble"),
        (BenchmarkTimer, "__init__"),
        (BenchmarkRecord, "get_benchmarks"),
        (snakemake.script, "get_source"),
        (Job, "conda_env_spec"),
        (Job, "format_wildcards"),
        (DAG, "check_directory_outputs"),
        (LocalSourceFile, "get_cache_path"),
        (snakemake.common, "get_function_params"),
        (snakemake.rules, "get_function_params"),
    ]:
        assert hasattr(getattr(owner, name), snakemake_patches.MARK), name


def test_snakemake_still_does_what_the_patches_save():
    assert "memory_full_info()" in inspect.getsource(BenchmarkTimer._update_record)
    assert "sp.Popen(" in inspect.getsource(shell.__new__)  # see forked_jobs
    assert "except BrokenPipeError:\n                raise" in inspect.getsource(snakemake.logging)


def test_patches_are_applied_once():
    before = snakemake.script.get_source
    snakemake_patches.apply()
    assert snakemake.script.get_source is before


def test_a_benchmark_has_the_resident_memory_and_says_what_it_lacks():
    record = BenchmarkRecord()
    held = bytes(range(256)) * (64 * 4096)  # 64 MiB
    with benchmarked(os.getpid(), record):
        time.sleep(0.1)
    row = dict(zip(record.get_header(), record.get_benchmarks(), strict=True))
    watched = [psutil.Process(), *psutil.Process().children(recursive=True)]
    resident = sum(process.memory_info().rss for process in watched) / 2**20
    assert len(held) >> 20 < row["max_rss"] < 1.5 * resident
    assert row["max_uss"] == row["max_pss"] == "NA"
    assert row["max_vms"] > row["max_rss"]


class Scheduler:
    """What the patched method uses of Snakemake's scheduler."""

    def __init__(self) -> None:
        self._open_jobs = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._user_kill = None

    def rounds(self) -> int:
        count = 0
        while self._open_jobs.acquire(blocking=False):
            count += 1
        return count


def test_many_rounds_start_one_timer_and_the_next_another():
    scheduler = Scheduler()
    for _ in range(50):
        JobScheduler._schedule_reevalutation(scheduler, 0.1)
    time.sleep(0.5)
    assert scheduler.rounds() == 1
    JobScheduler._schedule_reevalutation(scheduler, 0.01)
    time.sleep(0.3)
    assert scheduler.rounds() == 1


def test_jobs_to_come_are_listed_when_they_are_asked_for():
    asked = []

    class Dag:
        finished = staticmethod("done".__eq__)

        def needrun_jobs(self) -> list[str]:
            asked.append(self)
            return ["running", "done", "failed", "first", "second"]

    scheduler = JobScheduler.__new__(JobScheduler)
    scheduler.workflow = SimpleNamespace(dag=Dag())
    scheduler.running, scheduler.failed = {"running"}, {"failed"}
    remaining = scheduler.remaining_jobs
    assert not asked
    assert (
        list(remaining) == ["first", "second"] and remaining[0] == "first" and len(remaining) == 2
    )
    assert len(asked) == 1


def test_a_signal_is_handled_while_the_interrupted_scheduler_holds_its_lock():
    scheduler = Scheduler()
    with scheduler._lock:  # as in the main thread, which goes on when its handler returns
        handler = threading.Thread(
            target=JobScheduler.exit_gracefully, args=(scheduler, 15, None), daemon=True
        )
        handler.start()
        handler.join(5)
        assert not handler.is_alive()
    assert scheduler._open_jobs.acquire(timeout=5)
    assert scheduler._user_kill == "graceful"


def test_parameters_of_functions_and_methods_are_those_of_inspect():
    def function(wildcards, attempt=1, *, input=None, **others):
        return wildcards

    resource = Resource("mem_mb", function)
    for asked in (function, resource.evaluate, len, print):
        for _ in range(2):
            known = snakemake.common.get_function_params(asked)
            assert dict(known) == dict(inspect.signature(asked).parameters)
    told = snakemake.common.get_input_function_aux_params(
        lambda wildcards, attempt: 1, {"attempt": 2, "input": 3}
    )
    assert told == {"attempt": 2}


def test_a_script_is_read_once_unless_its_name_depends_on_the_job(tmp_path):
    for name in ("fixed", "a", "b"):
        (tmp_path / f"{name}.py").write_text(f"print('{name}')")
    cache = SourceCache(tmp_path / "cache")
    basedir = LocalSourceFile(str(tmp_path))

    def source(path: str, **wildcards: str) -> str:
        return snakemake.script.get_source(path, cache, basedir, wildcards, {})[1]

    assert source("fixed.py") == source("fixed.py") == "print('fixed')"
    (tmp_path / "fixed.py").unlink()
    assert source("fixed.py") == "print('fixed')"


def test_paths_in_the_cache_of_sources_are_as_before(tmp_path):
    for name in ("a.py", "b/c.py"):
        file = LocalSourceFile(str(tmp_path / name))
        assert file.get_cache_path() == SourceFile.get_cache_path(file)


def _preamble(folder: Path, **params: object) -> str:
    """What is put before a script whose job has these parameters."""
    script = LocalSourceFile(str(folder / "script.py"))
    resources = ResourceList(fromdict={"tmpdir": str(folder)})
    return PythonScript.generate_preamble(
        script, None, "", script.get_basedir(), InputFiles(fromdict={"clip": "a.mkv"}),
        OutputFiles(fromdict={"stream": "a.266"}), Params(fromdict=params),
        Wildcards(fromdict={"qp": "22"}), 1, resources, Log(toclone=["a.log"]), {}, "encode",
        None, None, None, None, None, 1, None, True, None, True,
    )  # fmt: skip


def _run(preamble: str, script: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{preamble}\nimport json\n{script}"],
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


LOADED = "print(json.dumps([name for name in sys.modules if name.startswith('snakemake')]))"


def test_a_script_gets_its_job_without_the_import_of_snakemake(tmp_path):
    preamble = _preamble(tmp_path, clip={"width": 64}, options=["a", "b"])
    job = (
        "print(json.dumps([snakemake.input.clip, snakemake.output[0], snakemake.params.clip,"
        "snakemake.params.get('options'), snakemake.params.get('none'), snakemake.wildcards.qp,"
        "snakemake.resources.tmpdir, snakemake.log[0], snakemake.threads]))"
    )
    assert _run(preamble, job) == [
        "a.mkv", "a.266", {"width": 64}, ["a", "b"], None, "22", str(tmp_path), "a.log", 1
    ]  # fmt: skip
    assert set(_run(preamble, LOADED)) == {"snakemake", "snakemake.io", "snakemake.iocontainers"}


def test_without_the_patch_a_script_imports_snakemake(tmp_path, monkeypatch):
    """Should Snakemake learn to do without, the patch can go."""
    patched = PythonScript.generate_preamble
    original = inspect.getclosurevars(patched).nonlocals["generate_preamble"]
    monkeypatch.setattr(PythonScript, "generate_preamble", staticmethod(original))
    assert {"snakemake.shell", "snakemake.logging"} <= set(_run(_preamble(tmp_path), LOADED))


def test_a_job_with_other_classes_of_snakemake_imports_it(tmp_path):
    preamble = _preamble(tmp_path, resource=Resource("mem_mb", 5))
    assert "snakemake.resources" in _run(preamble, LOADED)


def test_messages_are_formatted_as_before_and_without_parameters():
    wildcards = Wildcards(fromdict={"qp": "22", "sequence": "bikes"})
    job = SimpleNamespace(_format_wildcards=wildcards)  # has no parameters to work out
    text = "Encode {{it}} (qp={wildcards.qp}, sequence={wildcards.sequence})"
    assert Job.format_wildcards(job, text) == "Encode {it} (qp=22, sequence=bikes)"
    with pytest.raises(AttributeError):
        Job.format_wildcards(job, "{params.clip}")


class _Job(str):
    """What the check asks a job: its outputs, and an order."""

    def __new__(cls, output: list[str]) -> Self:
        made = super().__new__(cls, output[0])
        made.output = output
        return made


@pytest.mark.parametrize(
    ("outputs", "refused"),
    [
        ([["a/b"], ["a/c", "a/b.txt"], ["a/b-c/d"]], False),
        ([["a/b"], ["c"], ["./a//b/c"]], True),
        ([["b/d/e/f"], ["a"], ["b/d"]], True),
        ([["a/b", "a/b/c"], ["d"]], False),  # of one job: its own concern
    ],
)
def test_an_output_in_another_jobs_folder_is_refused_as_before(outputs, refused):
    jobs = [_Job(output) for output in outputs]
    with pytest.raises(ChildIOException) if refused else nullcontext():
        DAG.check_directory_outputs(SimpleNamespace(jobs=jobs))
