"""A Python that keeps what jobs have imported, and forks a process for each job that is asked for.

The program of :class:`jndops.workflow.forked_jobs.JobServer`; the standard library alone.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import sysconfig
import threading
from contextlib import suppress
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # meant for jobs: they end by them
MESSAGE = 1 << 20  # bytes at most
ROOTS = (sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"])
OTHERS = ("snakemake", "__")  # a job's own stand-ins, see snakemake_patches


def main(control: socket.socket) -> None:
    """Fork a process for each request on ``control``, until its other end is closed.

    A request is JSON with ``script``, ``folder`` and ``environment`` (what differs from this
    process's), and carries one end of a channel. Written to that are two lines: the process's
    number, and at its end its exit code, negative for a signal.
    """
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    woken, wake = socket.socketpair()
    news, note = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for end in (woken, wake, news, note):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    selector = selectors.DefaultSelector()
    for source in (control, woken):
        selector.register(source, selectors.EVENT_READ)
    channels: dict[int, socket.socket] = {}
    while True:
        for source in [key.fileobj for key, _ in selector.select()]:
            if source is woken:
                with suppress(BlockingIOError):
                    woken.recv(4096)
                _report_ended(channels)
                continue
            message, files, *_ = socket.recv_fds(control, MESSAGE, 1)
            if not message:  # the run has ended; jobs that it left are no longer waited for
                os._exit(0)
            channel = socket.socket(fileno=files[0])
            _import_news(news)
            if (process := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for number, handler in handlers.items():
                    signal.signal(number, handler)
                for end in (control, channel, woken, wake, news, selector, *channels.values()):
                    end.close()
                _run(json.loads(message), note)
            channels[process] = channel
            _tell(channel, process)


def _report_ended(channels: dict[int, socket.socket]) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            process, status = ended
            with channels.pop(process) as channel:
                _tell(channel, os.waitstatus_to_exitcode(status))


def _tell(channel: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody listens any more
        channel.sendall(f"{number}\n".encode())


def _import_news(news: socket.socket) -> None:
    """Import what the jobs that ended have imported, for the jobs to come."""
    with suppress(BlockingIOError):
        while True:
            for name in news.recv(MESSAGE).decode().split():
                if name not in sys.modules:
                    with suppress(Exception):
                        importlib.import_module(name)
            gc.freeze()  # pages that no collection writes to stay shared


def _run(request: dict[str, Any], note: socket.socket) -> None:
    """Run a script as ``python script`` does, and end this process."""
    known = set(sys.modules)
    os.chdir(request["folder"])
    for name, value in request["environment"].items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if known_folder := sys.modules.get("tempfile"):
        known_folder.tempdir = None  # that of an import before: TMPDIR is the job's
    # The name that `top` shows.
    with suppress(OSError), open("/proc/self/comm", "w", encoding="utf-8") as name_file:
        name_file.write(request["name"])
    sys.argv = [request["script"]]
    code: Any = 0
    try:
        runpy.run_path(request["script"], run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the end of Python does
    atexit._run_exitfuncs()
    with suppress(OSError):
        note.send(" ".join(filter(_is_installed, set(sys.modules) - known)).encode())
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code or 0)


def _is_installed(name: str) -> bool:
    """Whether a module is Python's, a package's or the suite's: not one of the user's folder."""
    file = getattr(getattr(sys.modules.get(name), "__spec__", None), "origin", None) or ""
    roots = (*ROOTS, f"{os.environ.get('JND_SUITE', '')}/workflow_scripts")
    return not name.startswith(OTHERS) and file.startswith(roots)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
