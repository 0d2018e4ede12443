"""The packaged FFmpeg and how any outside tool is run: checked exit, timed, logged."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING

from jndlab.errors import UserError, limit_in

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

LOG_TAIL_LINES = 12
# Input options: damage ends a decode instead of being concealed, and a file names no other source.
STRICT = ("-xerror", "-err_detect", "crccheck+bitstream+buffer+explode",
          "-protocol_whitelist", "file")  # fmt: skip
TRACE = "[trace_headers @"  # how lines of the filter that writes a stream's headers begin
QUIETLY = ("-nostdin", "-nostats", "-y")  # with its banner, which holds the version
# Of all FFmpegs that this process starts: errors are marked without colours between the letters,
# and no report goes into a file of somebody else's choice.
os.environ["AV_LOG_FORCE_NOCOLOR"] = "1"
os.environ.pop("FFREPORT", None)
_VERSION = "ffmpeg version "
_MARK = re.compile(r"(^|\] )\[(error|fatal|panic)\] ")  # of FFmpeg's `-v level+error`


class ToolError(UserError):
    """An outside tool failed; the message ends with the last lines that it printed.

    Where these name a limit of the machine, a full disk for example, the remedy is for that.
    """

    def __init__(self, what: str, *, where: str = "", expected: str = "", remedy: str = "") -> None:
        if limit := limit_in(f"{what}\n{expected}"):
            what, remedy = f"{what.removesuffix('.')}: {limit[0]}.", limit[1]
        super().__init__(what, where=where, expected=expected, remedy=remedy)


@dataclass(frozen=True)
class CompletedRun:
    """Outcome of a finished tool. Seconds are of the tool's own process and its children."""

    command: list[str]
    stdout: bytes
    stderr: str
    wall_seconds: float
    cpu_seconds: float


@lru_cache(maxsize=1)
def ffmpeg_path() -> Path:
    """The FFmpeg that the suite uses: ``JNDLAB_FFMPEG`` if set, else the packaged one."""
    chosen = os.environ.get("JNDLAB_FFMPEG")
    if chosen:
        if not os.access(chosen, os.X_OK):
            raise UserError(
                f"JNDLAB_FFMPEG names '{chosen}', which is no executable file.",
                remedy="unset JNDLAB_FFMPEG to use the packaged FFmpeg, or correct the path.",
            )
        return Path(chosen)
    # Found without importing the package, which would start FFmpeg once only to try it.
    package = importlib.util.find_spec("imageio_ffmpeg")
    folders = package.submodule_search_locations if package else None
    binaries = sorted(Path(folders[0], "binaries").glob("ffmpeg-*")) if folders else []
    if not binaries:
        raise UserError(
            "the packaged FFmpeg is not installed.",
            expected="the Python package imageio-ffmpeg, in a version with a binary",
            remedy="run `make setup`, or set JNDLAB_FFMPEG to an FFmpeg of your own.",
        )
    return binaries[-1]


def ffmpeg_version() -> str:
    """Version string of :func:`ffmpeg_path`, e.g. ``n9.0.2``."""
    return version_of(str(ffmpeg_path()))


_BANNERS: dict[str, str] = {}  # by program, of FFmpeg's alone: most runs begin with it


def _banner(program: str) -> str:
    """First line of an FFmpeg's version; nothing of another program."""
    if program not in _BANNERS:
        said = ""
        with suppress(ToolError):
            said = run_tool([program, "-version"]).stdout.decode(errors="replace")
        _BANNERS[program] = _banner_in(said)
    return _BANNERS[program]


def _banner_in(said: str) -> str:
    first = said.partition("\n")[0].removeprefix("[info] ")
    return first if first.startswith(_VERSION) else ""


def is_ffmpeg(program: str) -> bool:
    """Whether a program is a build of FFmpeg."""
    return bool(_banner(program))


def version_of(program: str | None) -> str:
    """Version of an FFmpeg of one's own; of the suite's for None.

    Without a call where it has run before.
    """
    return _banner(program or str(ffmpeg_path())).split()[2]


def run(
    args: Sequence[str], *, log: Path | None = None, report: Path | None = None
) -> CompletedRun:
    """Run FFmpeg with ``args``; quiet, without standard input, overwriting its outputs.

    ``report`` takes what FFmpeg says up to level info, apart from standard error: threads write
    there in turns, and a piece of a line can separate an error from its mark.
    """
    env = None
    if report is not None:
        name = re.sub(r"([\\':])", r"\\\1", str(report))
        env = {**os.environ, "FFREPORT": f"file={name}:level=32"}
    return run_tool([str(ffmpeg_path()), *QUIETLY, *args], log=log, env=env)


def run_tool(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> CompletedRun:
    """Run ``command`` to its end and time it.

    The command line and all that it prints on standard error, but for traces of headers, are
    appended to ``log``.
    Raises ToolError when it cannot be started or exits non-zero, with its last lines.
    """
    words = [str(part) for part in command]
    started, cpu_before = time.monotonic(), _children_cpu_seconds()
    with _report_file() as errors:
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        except OSError as error:
            raise ToolError(
                f"'{words[0]}' cannot be run: {error.strerror}.",
                remedy="check that the file exists and is executable.",
            ) from error
        try:  # at once: a signal in between would leave the tool at work
            _at_work[process] = pool = threading.current_thread().name.rpartition("_")[0]
            if pool in _ended:
                process.kill()
            stdout, _ = process.communicate()
        except BaseException:  # a job that is ended leaves no tool at work
            process.kill()
            process.wait()
            raise
        finally:
            _at_work.pop(process, None)
        wall = time.monotonic() - started
        cpu = _children_cpu_seconds() - cpu_before
        errors.seek(0)
        stderr = errors.read().decode(errors="replace")
    if banner := _banner_in(stderr):
        _BANNERS[words[0]] = banner
    said = stderr
    if TRACE in stderr:
        lines = stderr.splitlines(keepends=True)
        said = "".join(line for line in lines if not line.startswith(TRACE))
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        end = f"exit {process.returncode}, {wall:.2f} s wall, {cpu:.2f} s CPU\n"
        with open(log, "a", encoding="utf-8") as stream:  # in one piece: others may write there too
            stream.write(f"$ {shlex.join(words)}\n{said}{end}")
    if process.returncode != 0:
        output = (said.strip() or stdout.decode(errors="replace").strip()).splitlines()
        raise ToolError(
            f"'{Path(words[0]).name}' ended {_status(process.returncode)}.",
            where=shlex.join(words)[:600],
            expected="exit status 0; its last lines were:\n    "
            + "\n    ".join(output[-LOG_TAIL_LINES:]),
        )
    return CompletedRun(words, stdout, stderr, wall, cpu)


def _report_file() -> IO[bytes]:
    """A file for what a tool reports, in memory where the system has such.

    FFmpeg writes each line of a trace by itself, and a pipe would wake this process for each.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    from tempfile import TemporaryFile

    return TemporaryFile()


_at_work: dict[subprocess.Popen[bytes], str] = {}  # tools, by the pool whose thread waits for each
_ended: set[str] = set()  # pools that may run no tool any more
_pools = count()


@contextmanager
def tool_pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that run tools; where their caller fails or is ended, so are the tools at work."""
    from concurrent.futures import ThreadPoolExecutor  # most jobs run one tool at a time

    name = f"tools-{next(_pools)}"
    with ThreadPoolExecutor(threads, name) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _ended.add(name)
            for process, of_pool in list(_at_work.items()):
                if of_pool == name:
                    process.kill()
            raise


def errors_in(stderr: str) -> list[str]:
    """The lines that FFmpeg, run with ``-v level+error``, marks as errors.

    It may exit with status 0 all the same: a wrong checksum of FFV1, a Matroska file cut short.
    """
    return [line for line in stderr.splitlines() if _MARK.search(line)]


def _status(code: int) -> str:
    """How a process ended, in words."""
    return f"by the signal {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"


def _children_cpu_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system
