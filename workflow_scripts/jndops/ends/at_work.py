"""Who is at work in a results folder: one run at a time, and jobs that outlive a killed run.

A run, and each of its jobs, locks a file of its own as long as its process lives; the system lets
go of a lock however the process ends. The file names its process and machine to the others. On a
disk without locks nobody is refused, and nothing is removed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from jndlab.errors import UserError
from jndlab.files import open_lock, own_copy

RUN = ".run.json"  # in the results folder
OTHER_RUN = "config.json"  # there as well, even if a version of the suite without RUN made it
JOB = ".running"  # after the name of a job's log
# What is written to where it lies, not replaced: not to reach another name of it in another folder,
# as `cp -al` makes.
IN_PLACE = ("benchmarks/**/*", "logs/**/*", "mlflow.db")
SCRATCH = "jndlab-"  # how folders on a node's own disk begin
PART = ".part-"  # how files begin until they are whole

_notes: dict[str, IO[str]] = {}  # of this process, open and so locked: "run", "job"


def start_run(results: str | Path) -> None:
    """Lock a results folder for this run, and remove what killed runs left there.

    Raises UserError where another run is at work in it, from whichever folder it was started, and
    where jobs of a killed run still go on.
    """
    results = Path(results)
    alone = _hold("run", results / RUN)
    if alone is None:
        return
    if not alone:
        raise UserError(
            "another run is at work in these results.",
            where=f"{results}, {_who(_read(results / RUN))}",
            expected="one run at a time in a results folder",
            remedy="wait for it to end, or set another `results_dir`.",
        )
    _write("run", ended=False)
    for file in (path for pattern in IN_PLACE for path in results.glob(pattern) if path.is_file()):
        own_copy(file)
    if left := orphans(results):
        raise left
    _remove_leftovers(results)


def end_run() -> None:
    """Note that this run came to its end and was summarised; its lock stays until it exits."""
    _write("run", ended=True)


def was_cut_off(results: str | Path) -> bool:
    """Whether the last run in a results folder was killed, possibly after its last job."""
    note = Path(results) / RUN
    return note.is_file() and not _is_locked(note) and not _read(note).get("ended", False)


@contextmanager
def job_at_work(log: str | Path) -> Iterator[None]:
    """Note next to its ``log`` that a job is at work; the note goes at its end."""
    note = Path(f"{log}{JOB}")
    _hold("job", note)
    _write("job")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)
        if stream := _notes.pop("job", None):
            stream.close()


def orphans(results: str | Path) -> UserError | None:
    """The message for jobs of a killed run that are still at work; None where there are none.

    Those of a run that is at work itself do not count.
    """
    results = Path(results)
    alive = {note: _read(note) for note in _job_notes(results) if _is_locked(note)}
    if not alive or _is_locked(results / RUN):
        return None
    here = socket.gethostname()
    pids = " ".join(str(said.get("pid")) for said in alive.values() if said.get("host") == here)
    end = f"kill {pids}" if pids else "on their machines, on a cluster by its own command"
    shown = [f"{note.with_suffix('')} ({_who(said)})" for note, said in alive.items()]
    return UserError(
        f"{len(alive)} {'job' if len(alive) == 1 else 'jobs'} of a run that was killed: "
        "still at work.",
        where="\n         ".join(shown),
        expected="none: a new run would do the same work a second time",
        remedy=f"wait for them, or end them: {end}",
    )


def vanished_jobs(results: str | Path) -> list[str]:
    """Logs of jobs whose process ended without reaching its end: killed, or by ``os._exit``."""
    here = socket.gethostname()
    return [
        str(note.with_suffix(""))
        for note in _job_notes(Path(results))
        if _read(note).get("host") == here and not _is_locked(note)
    ]


def note_scratch(folder: str | Path) -> None:
    """Note the job's own folder for the next run to remove, should the job be killed."""
    _write("job", scratch=str(folder))


def _remove_leftovers(results: Path) -> None:
    notes = {note: _read(note) for note in _job_notes(results)}
    here = socket.gethostname()
    for note, said in notes.items():
        if said.get("host") != here:
            continue  # not every disk shows the locks of other machines
        scratch = Path(str(said.get("scratch", "")))
        if scratch.name.startswith(SCRATCH) and scratch.is_dir():
            shutil.rmtree(scratch, ignore_errors=True)
        note.unlink(missing_ok=True)
    if all(said.get("host") == here for said in notes.values()):
        for part in list(_parts(results)):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)


def _parts(folder: Path) -> Iterator[Path]:
    """Half-made files and folders, but for those of other runs' results below."""
    for entry in list(os.scandir(folder)):
        if entry.is_symlink():
            continue
        if entry.name.startswith(PART):
            yield Path(entry.path)
        elif entry.is_dir() and not any(Path(entry.path, own).exists() for own in (RUN, OTHER_RUN)):
            yield from _parts(Path(entry.path))


def _job_notes(results: Path) -> list[Path]:
    return sorted((results / "logs").rglob(f"*{JOB}"))


def _hold(name: str, note: Path) -> bool | None:
    """Lock a note until this process ends or lets go of it.

    False where another holds it, None where a disk may not be written or has no locks.
    """
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        stream = open_lock(note)
    except OSError:
        return None
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return False
    except OSError:
        stream.close()
        return None
    if os.fstat(stream.fileno()).st_nlink > 1:  # of a copy of the folder: see IN_PLACE
        own_copy(note)
        stream.close()
        return _hold(name, note)
    _notes[name] = stream
    return True


def _is_locked(note: Path) -> bool:
    """Whether a process holds a note; that of this process does not count."""
    if any(stream.name == str(note) for stream in _notes.values()):
        return False
    try:
        with open_lock(note) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _write(name: str, **said: Any) -> None:
    if stream := _notes.get(name):
        with suppress(OSError):  # a full disk, which others will report
            stream.truncate(0)
            stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), **said}))
            stream.flush()


def _read(note: Path) -> dict[str, Any]:
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none, or one that was being written
        return {}
    return said if isinstance(said, dict) else {}


def _who(said: dict[str, Any]) -> str:
    return f"process {said.get('pid', '?')} on {said.get('host', 'an unknown machine')}"
