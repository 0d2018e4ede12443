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
    """SLURM on this machine, ended whatever happens; skips where apt cannot get it."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("no apt-get here: Debian's SLURM cannot be fetched for this test")
    # A short path: munge's socket lies in it, and the name of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        got = _call("install", folder)
        if got.returncode != 0:
            pytest.skip(f"apt could not fetch slurm-wlm and munge: {got.stdout.strip()[-300:]}")
        started = _call("start", folder)
        assert started.returncode == 0, started.stdout + _logs(folder)
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
    return subprocess.run(
        ["sh", SCRIPT, command, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=300,
    )


def _logs(folder: Path) -> str:
    return "".join(
        f"\n{log.name}:\n{log.read_text(errors='replace')[-2000:]}"
        for log in sorted((folder / "state").glob("*.log"))
    )
