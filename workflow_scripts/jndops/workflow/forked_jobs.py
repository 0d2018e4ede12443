"""Scripts of local jobs as forks of a Python that has their imports: most of a short job's cost.

Each is a process of its own as before, with the same environment, output and exit code, and is
killed and timed by Snakemake as before. Jobs in conda environments, in containers and on clusters
start by Snakemake's own way, as all do with ``JND_FORK=0``.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module  # `snakemake.shell` is a class of that module as well
from pathlib import Path
from typing import Any

from snakemake.script import PythonScript

from jndlab.paths import ROOT
from jndops.run_record import STATE, suite
from jndops.workflow import job_server
from jndops.workflow.environment import PYTHON
from jndops.workflow.snakemake_patches import replace

THREADS = "OMP_NUM_THREADS"  # of a job; libraries read it when they are imported
GPU = Path("/dev/nvidiactl")
WITH_GPU = "networks"  # the environment whose imports may open the GPU, which no fork can share


class ForkedJob:
    """A job's process, with the part of ``subprocess.Popen`` that Snakemake uses."""

    stdout = None

    def __init__(self, channel: socket.socket) -> None:
        """Wait for the process that the server forks; EOFError where the server is gone."""
        self._lines = channel.makefile(encoding="ascii")
        channel.close()
        line = self._lines.readline()
        if not line:
            raise EOFError
        self.pid = int(line)
        self.returncode: int | None = None

    def wait(self) -> int:
        """Exit code; negative for a signal, that of SIGKILL where the server was killed."""
        if self.returncode is None:
            self.returncode = int(self._lines.readline() or -signal.SIGKILL)
            self._lines.close()
        return self.returncode

    def terminate(self) -> None:
        """Send SIGTERM to a job that is at work."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to a job that is at work."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class JobServer:
    """A process of :mod:`jndops.workflow.job_server`: it ends with this one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [PYTHON, "-P", str(job_server.__file__), str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            env={**environment, STATE: json.dumps(suite(ROOT))},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()

    def start(self, script: str, name: str, environment: Mapping[str, str]) -> ForkedJob:
        """Fork a process that runs ``script`` here; OSError or EOFError: no server any more."""
        now, then = set(environment.items()), set(self._environment.items())
        changes = dict.fromkeys(key for key, _ in then - now) | dict(now - then)
        request = {
            "script": script,
            "name": name,
            "folder": str(Path.cwd()),
            "environment": changes,
        }
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno()])
        return ForkedJob(ours)

    def close(self) -> None:
        """End the server; its jobs' CPU time counts as that of this process's children."""
        self._control.close()
        self._process.wait()


class JobServers:
    """The servers of a run: one for each environment of rules and number of threads."""

    def __init__(self) -> None:
        self._servers: dict[tuple[str, str], JobServer] = {}
        self._lock = threading.Lock()
        atexit.register(self.close)

    def start(self, script: str, kind: str, environment: Mapping[str, str]) -> ForkedJob | None:
        """The process of a script; None where none could be forked."""
        key = (kind, environment.get(THREADS, ""))
        name = script.rpartition("/")[2].partition(".")[2].removesuffix(".py")
        with self._lock:
            if key not in self._servers:
                self._servers[key] = JobServer(environment)
            server = self._servers[key]
        try:
            return server.start(script, name, environment)
        except (ConnectionError, EOFError):  # it has ended, or its end is not yet seen by `poll`
            with self._lock:
                if self._servers.get(key) is server:
                    self._servers.pop(key).close()
        except OSError:  # more files than are allowed, say: it can fork the next one
            pass
        return None

    def close(self) -> None:
        """End all servers."""
        while self._servers:
            self._servers.popitem()[1].close()


def apply(environment_of: Callable[[str], str]) -> None:
    """Fork the scripts of this process's jobs. ``environment_of``: file of a rule's packages."""
    if sys.platform != "linux" or os.environ.get("JND_FORK") == "0":
        return
    servers, here = JobServers(), threading.local()

    def marking(execute: Callable[..., Any]) -> Callable[..., Any]:
        def marked(self: Any, cmd: str, **options: Any) -> Any:
            kind = Path(environment_of(self.rulename)).stem
            elsewhere = self.container_img or self.conda_env or self.env_modules
            if options.get("is_python_script") and not elsewhere and not _wants_gpu(kind):
                here.job = (options["fname"], kind)
            try:
                return execute(self, cmd, **options)
            finally:
                here.job = None

        return marked

    class Subprocess:
        """The module ``subprocess`` as Snakemake's shell uses it, with forks for marked scripts."""

        def __getattr__(self, name: str) -> Any:
            return getattr(subprocess, name)

        def Popen(self, command: str, **options: Any) -> Any:
            job = getattr(here, "job", None)
            forked = servers.start(*job, options["env"]) if job else None
            return forked or subprocess.Popen(command, **options)

    replace(PythonScript, "_execute_cmd", marking)
    replace(import_module("snakemake.shell"), "sp", lambda _: Subprocess())


def _wants_gpu(kind: str) -> bool:
    return kind == WITH_GPU and GPU.exists()
