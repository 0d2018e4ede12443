"""Patches of Snakemake: all of them in force with the installed version, and nothing but faster."""

from __future__ import annotations

import inspect
import threading
import time

import pytest
import snakemake.common
import snakemake.rules
import snakemake.script
from snakemake.resources import Resource
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.sourcecache import LocalSourceFile, SourceCache, SourceFile

from jndops import snakemake_patches


@pytest.fixture(autouse=True, scope="module")
def patched():
    snakemake_patches.apply()


def test_the_installed_snakemake_has_every_part_that_is_patched():
    for owner, name in [
        (JobScheduler, "_schedule_reevalutation"),
        (snakemake.script, "get_source"),
        (LocalSourceFile, "get_cache_path"),
        (snakemake.common, "get_function_params"),
        (snakemake.rules, "get_function_params"),
    ]:
        assert hasattr(getattr(owner, name), snakemake_patches.MARK), name


def test_patches_are_applied_once():
    before = snakemake.script.get_source
    snakemake_patches.apply()
    assert snakemake.script.get_source is before


class Scheduler:
    """What the patched method uses of Snakemake's scheduler."""

    def __init__(self) -> None:
        self._open_jobs = threading.Semaphore(0)

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
