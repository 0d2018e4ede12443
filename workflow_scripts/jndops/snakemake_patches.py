"""Patches of the pinned Snakemake where its own cost grows with the run; none changes what is run.

Found and measured by `make bench ARGS="--only scheduling"`. A patch starts a timer less, or
remembers what Snakemake computes again for every job. Where another version of Snakemake lacks
the part that is patched, it is left as it is.
"""

from __future__ import annotations

import gc
import inspect
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import cache
from types import FunctionType, MethodType
from typing import Any

import snakemake.common
import snakemake.rules
import snakemake.script
from snakemake.resources import Resource
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.sourcecache import LocalSourceFile

MARK = "_mended"


def apply() -> None:
    """Apply all patches to the Snakemake of this process, each of them once."""
    _replace(JobScheduler, "_schedule_reevalutation", lambda original: _look_again_once)
    _replace(snakemake.script, "get_source", _reading_once)
    _replace(LocalSourceFile, "get_cache_path", cache)
    _replace(Resource, "cli_evaluator", _knowing_tmpdir)
    for module in (snakemake.common, snakemake.rules):
        _replace(module, "get_function_params", _knowing_parameters)
    # The graph of jobs only grows: with Python's defaults it is searched for garbage all the time.
    gc.set_threshold(100_000, 50, 50)


def _replace(owner: Any, name: str, mended: Callable[[Any], Any]) -> None:
    original = getattr(owner, name, None)
    if original is None or hasattr(original, MARK):
        return
    replacement = mended(original)
    setattr(replacement, MARK, True)
    static = isinstance(inspect.getattr_static(owner, name), staticmethod)
    setattr(owner, name, staticmethod(replacement) if static else replacement)


def _look_again_once(self: Any, delay: float) -> None:
    """Have the scheduler look for jobs after ``delay`` seconds, unless it is going to already.

    Snakemake starts a timer in every round, and each timer causes a round: after a thousand jobs
    it goes through all waiting jobs a thousand times a second, and takes a core for itself.
    """
    pending = getattr(self, "_look_again", None)
    if pending is None or not pending.is_alive():
        self._look_again = threading.Timer(delay, self._open_jobs.release)
        self._look_again.daemon = True  # the end of a run does not wait for it
        self._look_again.start()


def _reading_once(get_source: Callable[..., Any]) -> Callable[..., Any]:
    """``get_source`` that reads a rule's script once, not again for each of its jobs."""
    known: dict[tuple[str, str], Any] = {}

    def remembered(
        path: Any, sourcecache: Any, basedir: Any = None, wildcards: Any = None, params: Any = None
    ) -> Any:
        if "{" in str(path):  # the name depends on the job
            return get_source(path, sourcecache, basedir, wildcards, params)
        key = (str(path), str(basedir))
        if key not in known:
            known[key] = get_source(path, sourcecache, basedir, wildcards, params)
        return known[key]

    return remembered


def _knowing_tmpdir(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """Evaluation of a default resource that need not compile ``tmpdir``'s for each job."""

    def evaluated(name: str, val: str, **context: Any) -> Any:
        return tempfile.gettempdir() if val == "system_tmpdir" else evaluate(name, val, **context)

    return evaluated


def _knowing_parameters(get_function_params: Callable[..., Any]) -> Callable[..., Any]:
    """Parameters of a function, remembered: asked for some twenty times for each job."""
    of_function = cache(get_function_params)

    @cache
    def of_method(function: FunctionType) -> Mapping[str, inspect.Parameter]:
        return dict(list(inspect.signature(function).parameters.items())[1:])

    def parameters(function: Any) -> Any:
        if type(function) is FunctionType:
            return of_function(function)
        if type(function) is MethodType and type(function.__func__) is FunctionType:
            return of_method(function.__func__)
        return get_function_params(function)

    return parameters
