"""A SLURM cluster of one node for the tests of this folder, and runs of the suite on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm_runs import Cluster

SCRIPT = Path(__file__).with_name("one_node_slurm.sh")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slurm: runs on a real SLURM")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """SLURM on this machine, ended whatever happens; skips where it cannot be fetched or started.

    A machine on which its daemons do not start (no resolvable host name, a locked-down container)
    says nothing about the suite.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("no apt-get here: Debian's SLURM cannot be fetched for this test")
    # A short path: munge's socket lies in it, and the name of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        got = _call("install", folder)
        if got.returncode != 0:
            pytest.skip(f"apt could not fetch slurm-wlm and munge: {got.stdout.strip()[-300:]}")
        started = _call("start", folder)
        if started.returncode != 0:
            pytest.skip(f"SLURM does not start here: {started.stdout.strip()}{_ends(folder)}")
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{path}"
        try:
            yield Cluster()
        finally:
            os.environ["PATH"] = path
    finally:
        _call("stop", folder)
        shutil.rmtree(folder, ignore_errors=True)


def _call(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # To a file: daemons keep a pipe open, and its reader waits for them.
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        done = subprocess.run(
            ["timeout", "--kill-after=10", "240", "sh", SCRIPT, command, folder],
            stdout=said,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        said.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, said.read())


def _ends(folder: Path) -> str:
    """Last line of each daemon's log."""
    logs = sorted((folder / "state").glob("*.log"))
    lines = {log.name: log.read_text(errors="replace").strip().splitlines() for log in logs}
    return "".join(f"; {name}: {said[-1]}" for name, said in lines.items() if said)
