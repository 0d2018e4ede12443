"""Run the real workflow in a private copy of the suite and read what it says it will do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "rules", "workflow_scripts", "config", "models", "envs", "report", "profiles")
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
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / part, ignore=ignored)
            else:
                shutil.copy(source, folder / part)

    def write(self, name: str, text: str) -> Path:
        """Put a file into the copy."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which programs run the code of the copy, not what is installed."""
        return {**os.environ, "PYTHONPATH": str(self.folder / "workflow_scripts")}

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake to its end; its whole output is in ``stdout``."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": ""},
        )
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
