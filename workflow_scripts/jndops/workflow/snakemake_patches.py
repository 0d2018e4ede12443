"""Patches of the pinned Snakemake: its cost grows with the run, and two ends of it can hang.

None changes what is run. They start a timer less, remember what Snakemake works out again for every
job, take a lock outside of a signal's handler, go on without a terminal, and say what to do about a
full disk. Where another version of Snakemake lacks the part that is patched, it is left as it is.
``make bench ARGS="--only scheduling planning"`` measures what is left.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from string import Formatter
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any

import snakemake.api  # before its graph: they import each other
import snakemake.common
import snakemake.exceptions
import snakemake.rules
import snakemake.script
from snakemake.benchmark import BenchmarkRecord, BenchmarkTimer
from snakemake.dag import DAG
from snakemake.deployment.conda import CondaEnvSpec
from snakemake.jobs import Job
from snakemake.logging import ColorizingTextHandler
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.script import PythonScript
from snakemake.sourcecache import LocalSourceFile

from jndlab.errors import UserError, limit_in
from jndops.workflow.terminal import discard

MARK = "_patched"
STAND_INS = (  # of a package and a module of Snakemake, in the process of a script
    "import sys, types; "
    "package, files = types.ModuleType('snakemake'), types.ModuleType('snakemake.io'); "
    f"package.__path__ = {snakemake.__path__!r}; "
    "files._IOFile, files.strip_wildcard_constraints = types.SimpleNamespace, str; "
    "sys.modules |= {'snakemake': package, 'snakemake.io': files};"
)
LOGGER = "from snakemake.logging import logger;"  # of a preamble, for scripts that write to it
OTHER_CLASSES = re.compile(r"snakemake\.(?!iocontainers\b)\w+\\x94")  # modules named by a pickle


def apply() -> None:
    """Apply all patches to the Snakemake of this process, each of them once."""
    logging.raiseExceptions = False  # where its log cannot be written, the message is enough
    replace(snakemake.exceptions, "format_exception_to_string", _naming_limits)
    # A run of 829 light jobs: 25 s instead of more than 180 s (229 jobs: 3.0 s instead of 5.2 s).
    replace(JobScheduler, "_schedule_reevalutation", lambda original: _look_again_once)
    # A list of all jobs to come, in each round, that a greedy scheduler never reads.
    replace(JobScheduler, "remaining_jobs", _when_asked)
    # SIGTERM while the scheduler notes finished jobs: one run of some 60 hung for ever.
    replace(JobScheduler, "exit_gracefully", _outside_of_the_handler)
    # A job that fails when nobody reads Snakemake's output any more was never noted: a hang.
    replace(ColorizingTextHandler, "emit", _while_somebody_reads)
    # The start of a script: 0.045 s of CPU time instead of 0.10 s.
    replace(PythonScript, "generate_preamble", _light_preamble)
    # Watching a job's memory: 0.2 ms instead of 7 ms for each look at an encoder.
    replace(BenchmarkTimer, "__init__", _at_resident_memory)
    replace(BenchmarkRecord, "get_benchmarks", _without_own_memory)
    # Planning 1,000 jobs: 7.5 s of CPU time instead of 8.6 s.
    replace(snakemake.script, "get_source", _reading_once)
    # Planning the 4,050 jobs of paper.yaml: 15.4 s of CPU time instead of 17.7 s.
    replace(LocalSourceFile, "get_cache_path", cache)
    # Planning the 4,050 jobs of paper.yaml: 5.6 s of CPU time instead of 5.9 s, by both.
    replace(Job, "conda_env_spec", _of_the_rule)
    replace(Job, "format_wildcards", _without_parameters)
    # Planning the 4,050 jobs of paper.yaml: 4.88 s of CPU time instead of 5.02 s.
    replace(DAG, "check_directory_outputs", _where_one_lies_in_another)
    # Planning 1,000 jobs: 7.5 s instead of 8.2 s.
    for module in (snakemake.common, snakemake.rules):
        replace(module, "get_function_params", _knowing_parameters)


def replace(owner: Any, name: str, patched: Callable[[Any], Any]) -> None:
    original = getattr(owner, name, None)
    if original is None or hasattr(original, MARK):
        return
    replacement = patched(original)
    if isinstance(original, property):
        replacement = _Property(replacement)
    setattr(replacement, MARK, True)
    static = isinstance(inspect.getattr_static(owner, name), staticmethod)
    setattr(owner, name, staticmethod(replacement) if static else replacement)


def _naming_limits(format_exception: Callable[..., str]) -> Callable[..., str]:
    """Snakemake's text for an exception; of a full disk and the like what it is and what to do.

    Its own files (.snakemake, logs) meet such limits too. Each is explained once.
    """
    explained = set()

    def named(exception: Any, *arguments: Any, **options: Any) -> str:
        text = format_exception(exception, *arguments, **options)
        found = limit_in(text)
        if found is None:
            return text
        what, remedy = found
        if what in explained:
            return f"Again: {what}."
        explained.add(what)
        met = next((line for line in text.splitlines() if limit_in(line)), text)
        return str(UserError(f"{what}.", expected=met[:300], remedy=remedy))

    return named


class _Property(property):
    """A property that can be marked."""


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


class _Remaining(Sequence[Any]):
    """The jobs to come, found when somebody looks at them."""

    def __init__(self, find: Callable[[], list[Any]]) -> None:
        self._find = cache(find)

    def __getitem__(self, place: Any) -> Any:
        return self._find()[place]

    def __len__(self) -> int:
        return len(self._find())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._find())


def _when_asked(remaining_jobs: Any) -> Callable[[Any], _Remaining]:
    return lambda self: _Remaining(lambda: remaining_jobs.fget(self))


def _outside_of_the_handler(exit_gracefully: Callable[..., None]) -> Callable[..., None]:
    """Take the scheduler's lock in a thread: the handler interrupts the one that may hold it."""

    def handled(self: Any, *signal: Any) -> None:
        threading.Thread(target=exit_gracefully, args=(self, *signal), daemon=True).start()

    return handled


def _while_somebody_reads(emit: Callable[..., None]) -> Callable[..., None]:
    """Show a message; its log file has all of them. The thread of a job goes on in any case."""

    def emitted(self: Any, record: logging.LogRecord) -> None:
        try:
            emit(self, record)
        except BrokenPipeError:
            discard(self.stream)

    return emitted


def _light_preamble(generate_preamble: Callable[..., str]) -> Callable[..., str]:
    """What Snakemake puts before a script, without the import of Snakemake.

    A script unpickles its job, whose module needs the standard library alone. But its package
    imports Snakemake's shell and logger, its lists ask Snakemake's files for two names that they
    use on files kept elsewhere: most of what a job costs apart from its own work.
    """

    def light(*arguments: Any, **options: Any) -> str:
        preamble = generate_preamble(*arguments, **options)
        begin, pickled, rest = preamble.partition("import pickle;")
        if LOGGER not in rest or OTHER_CLASSES.search(rest.partition(LOGGER)[0]):
            return preamble
        return f"{begin}{STAND_INS}{pickled}{rest.replace(LOGGER, '', 1)}"

    return light


def _at_resident_memory(start: Callable[..., None]) -> Callable[..., None]:
    """A watch on a job that asks for its resident memory, which costs nothing.

    What it shares with other processes Linux finds by a walk through all its pages.
    """

    def started(self: Any, *arguments: Any, **options: Any) -> None:
        start(self, *arguments, **options)
        import psutil  # as Snakemake does: not before the first job

        def of_full_info(memory_full_info: Any) -> Callable[[Any], SimpleNamespace]:
            return lambda process: SimpleNamespace(uss=0, **process.memory_info()._asdict())

        replace(psutil.Process, "memory_full_info", of_full_info)

    return started


def _without_own_memory(get_benchmarks: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """A row of a benchmark that says of the memory which was not asked for that it is not known."""

    def row(self: Any, *arguments: Any) -> list[Any]:
        names = self.get_header(*arguments)
        values = get_benchmarks(self, *arguments)
        return [
            "NA" if name in ("max_uss", "max_pss") else value
            for name, value in zip(names, values, strict=True)
        ]

    return row


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


def _of_the_rule(conda_env_spec: Any) -> Callable[[Any], Any]:
    """The conda environment of a job, without its parameters where the rule has but one."""

    def spec(self: Any) -> Any:
        known = getattr(self.rule, "_expanded_conda_env", None)
        return known if isinstance(known, CondaEnvSpec) else conda_env_spec.fget(self)

    return spec


def _without_parameters(format_wildcards: Callable[..., str]) -> Callable[..., str]:
    """A job's message; parameters and resources are worked out only where it names them."""

    @cache
    def names_wildcards_alone(text: str) -> bool:
        fields = (field for _, *field in Formatter().parse(text) if field[0] is not None)
        return all(
            name.startswith("wildcards.") and not (spec or conversion)
            for name, spec, conversion in fields
        )

    def formatted(self: Any, string: str, **variables: Any) -> str:
        if variables or not names_wildcards_alone(string):
            return format_wildcards(self, string, **variables)
        return string.format(wildcards=self._format_wildcards)

    return formatted


def _where_one_lies_in_another(check_directory_outputs: Callable[..., None]) -> Callable[..., None]:
    """The check that no output lies in another job's folder, without a Path for each output."""

    def check(self: Any) -> None:
        outputs = sorted(
            os.path.abspath(file).split("/")  # noqa: PTH100
            for job in self.jobs
            for file in job.output
        )
        if any(below[: len(above)] == above for above, below in pairwise(outputs)):
            check_directory_outputs(self)

    return check


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
