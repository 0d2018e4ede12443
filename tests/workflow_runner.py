"""Run the real workflow in a private copy of the suite and read what it says it will do."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Self

REPOSITORY = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "rules", "workflow_scripts", "config", "models", "envs", "report", "profiles")
# What each module imports, by its content: read by the first run, and half of every first plan.
NOTES = ".snakemake/imports.json"
_notes: list[bytes] = []
# One clip, two pictures, two QPs, two methods: the smallest run with every stage.
TINY = """
results_dir: results
sequences: [bigbuckbunny_tiny]
frames: 2
configurations: [AI]
qps: [32, 37]
codecs: [x265-ultrafast]
mlflow: false
papers: []
methods:
  anchor: {kind: anchor}
  erjnd: {kind: prefilter, class: "jndlab.jnd.erjnd:ErjndPrefilter"}
"""


class Workflow:
    """A copy of the suite in a folder of its own, so that its code and results may be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(source, folder / part)
            else:
                shutil.copy(source, folder / part)
        for notes in _notes:
            (folder / NOTES).parent.mkdir()
            (folder / NOTES).write_bytes(notes)

    def write(self, name: str, text: str) -> Path:
        """Put a file into the copy."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def moved(self, folder: Path) -> Self:
        """A copy with all that has been made: a run that was moved has nothing to do."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        there = copy.copy(self)
        there.folder = folder
        return there

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which programs run the code of the copy, not what is installed."""
        return {**os.environ, "PYTHONPATH": str(self.folder / "workflow_scripts")}

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end; its whole output is in ``stdout``."""
        done = snakemake(self.command(*arguments)[3:], self.folder)
        if not _notes and (self.folder / NOTES).exists():
            _notes.append((self.folder / NOTES).read_bytes())
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return done

    def planned(self, *arguments: str) -> dict[str, int]:
        """Jobs per rule that a run would start; empty when there is nothing to be done."""
        said = self.run("--dry-run", *arguments).stdout
        if "Nothing to be done" in said:
            return {}
        table = said.split("Job stats:")[1].split("total")[0]
        counts = re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)
        return {rule: int(count) for rule, count in counts if rule != "all"}


def snakemake(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """What ``subprocess.run`` returns of ``python -m snakemake`` with its whole output."""
    with tempfile.NamedTemporaryFile("r+", errors="replace") as output:
        request = {"arguments": arguments, "folder": str(folder), "output": output.name}
        request["environment"] = {**os.environ, "PYTHONPATH": ""}
        forks = _forks()
        try:
            print(json.dumps(request), file=forks.stdin, flush=True)
            status = int(forks.stdout.readline())
        except BaseException:  # a test that is stopped: the next must not get this one's answer
            _forks.cache_clear()
            forks.kill()
            raise
        return subprocess.CompletedProcess(arguments, status, output.read())


@cache
def _forks() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(REPOSITORY / "tests/snakemake_forks.py")], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
