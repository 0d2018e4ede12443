"""How every rule's script runs: words go to the rule's log, a user's mistake needs no traceback."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jndlab.errors import UserError, limit_reached
from jndlab.files import write_text
from jndlab.memory import keep_freed_memory
from jndlab.paths import ROOT
from jndops.ends.at_work import SCRATCH, job_at_work, note_scratch
from jndops.ends.failures import forget_failure, note_failure

PATIENCE = 10.0  # seconds for the threads of a job that has done its work


class Ended(BaseException):
    """A signal asked the job to end; unwinding it removes what is half made."""


def run(main: Callable[[Any], None], snakemake: Any) -> None:
    """Call ``main(snakemake)`` of a rule's script.

    A UserError, a limit of the machine or a signal ends the job with its message, any other error
    with its traceback; both stand at the end of the rule's log, which Snakemake shows when the job
    fails. A failure is noted for the next run.
    """
    log = Path(str(snakemake.log[0]))
    try:
        write_text(log, "")
        logging.basicConfig(
            level=logging.INFO,
            format="%(asctime)s %(message)s",
            datefmt="%H:%M:%S",
            handlers=[logging.FileHandler(log, encoding="utf-8")],
        )
        logging.raiseExceptions = False  # on a full disk the job's own message is enough
        # A user's own classes may stand next to the Snakefile, where Snakemake was started.
        sys.path.append(str(Path.cwd()))
        keep_freed_memory()
        _limit_opencv(getattr(snakemake, "threads", 1))
        with _terminable(), job_at_work(log):
            _check_copy(Path(snakemake.scriptdir))
            _carry_note(snakemake)
            main(snakemake)
            _check_outputs(snakemake.output)
    except UserError as error:
        _fail(log, str(error))
    except (Ended, KeyboardInterrupt) as error:
        _fail(log, f"the job was ended by the signal {str(error) or 'SIGINT'}.")
    except SystemExit:  # with 0 Snakemake would take the job for done, and its outputs for late
        _fail(log, "code that this job calls ended its process.\n" + traceback.format_exc())
    except Exception as error:
        _fail(log, str(limit_reached(error) or traceback.format_exc()))
    forget_failure(log)
    _end_with_threads(log)


@contextmanager
def scratch(snakemake: Any) -> Iterator[Path]:
    """A private folder on the node's own disk (the rule's ``tmpdir``), removed at the end."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=snakemake.resources.tmpdir) as folder:
        note_scratch(folder)
        yield Path(folder)


def stems(outputs: Any) -> dict[str, Path]:
    """Path without suffix of each named output, e.g. ``tables/saving`` of saving.csv, saving.md.

    The files of an artefact differ in their suffix alone, so that their order has no meaning.
    """
    first = {name: [files] if isinstance(files, str) else files for name, files in outputs.items()}
    return {name: Path(files[0]).with_suffix("") for name, files in first.items()}


def _limit_opencv(threads: int) -> None:
    """Keep it from taking all cores; Snakemake sets the like for the other libraries."""
    os.environ["OPENCV_FOR_THREADS_NUM"] = str(threads)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(threads)


def _carry_note(snakemake: Any) -> None:
    """Have the tables of a job say what they rest on."""
    if sentence := getattr(getattr(snakemake, "params", None), "recorded", None):
        from jndlab.report import tables  # brings pandas, which most jobs do without

        tables.NOTES[:] = [sentence]


def _check_outputs(outputs: Iterable[str]) -> None:
    """Outputs that are missing are this job's failure, with its log and its note, at once.

    Snakemake would wait for the file system first, and count no failed job.
    """
    if missing := [name for name in outputs if not Path(name).exists()]:
        raise RuntimeError(f"the job ended without writing {', '.join(missing)}")


def _check_copy(scripts: Path) -> None:
    """A conda environment sees no PYTHONPATH: it may hold the packages of another copy."""
    if ROOT not in scripts.resolve().parents:
        raise UserError(
            f"the environment {sys.prefix} runs the packages of another copy of the suite.",
            where=str(ROOT),
            expected=str(scripts.resolve().parents[1]),
            remedy=f"sh envs/install_package.sh {sys.executable}",
        )


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM, by which clusters and containers end a job, unwinds it as Ctrl-C does."""

    def end(number: int, _frame: Any) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        raise Ended(signal.Signals(number).name)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end_with_threads(log: Path) -> None:
    """Fail a job that has done its work, but left threads that keep its process from ending."""

    def fail() -> None:
        if left := _other_threads():
            names = ", ".join(thread.name for thread in left)
            with suppress(SystemExit):
                _fail(log, f"code that this job calls left threads that do not end: {names}.")
            os._exit(1)

    if _other_threads():
        timer = threading.Timer(PATIENCE, fail)
        timer.daemon = True
        timer.start()


def _other_threads() -> list[threading.Thread]:
    """Threads that Python waits for before it exits."""
    main = threading.main_thread()
    return [one for one in threading.enumerate() if one is not main and not one.daemon]


def _fail(log: Path, message: str) -> None:
    print(f"ERROR: {message}", file=sys.stderr, flush=True)
    with suppress(OSError):  # on a full disk
        note_failure(log)
        with open(log, "a", encoding="utf-8") as stream:
            stream.write(f"\nERROR: {message}\n")
    sys.exit(1)
