"""What Snakemake's plugins import for few runs is imported in those alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jndlab.paths import ROOT
from jndops.workflow.environment import SNAKEMAKE

POSTPONED = "from jndops.workflow.late_imports import postpone; postpone()"


def _python(*lines: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow_scripts")}
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize(("before", "loaded"), [("", True), (POSTPONED, False)])
def test_pandas_is_imported_by_a_plugin_unless_postponed(before, loaded):
    said = _python(
        before, "import sys, snakemake.cli", "snakemake.cli.get_argument_parser()",
        "print('snakemake_executor_plugin_slurm' in sys.modules, 'pandas' in sys.modules)",
    )  # fmt: skip
    assert said == f"True {loaded}\n"


def test_the_report_of_efficiency_is_the_plugins_own(tmp_path, monkeypatch):
    sacct = tmp_path / "sacct"
    sacct.write_text("#!/bin/sh\necho '1|job|rule_encode|00:00:10|00:00:08|1|1|2G|4G'\n")
    sacct.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    _python(
        POSTPONED, "import inspect, logging, sys, snakemake_executor_plugin_slurm as plugin",
        "inspect.getmodule(sys._getframe())  # asks all modules for their files",
        "assert 'pandas' not in sys.modules",
        "for run in 'ab':",
        f"    plugin.create_efficiency_report(0.8, run, {str(tmp_path)!r}, logging.getLogger())",
        "from snakemake_executor_plugin_slurm.efficiency_report import parse_maxrss",
        "assert parse_maxrss('2G') == 2048",
    )  # fmt: skip
    for run in "ab":
        assert "CPU Efficiency" in (tmp_path / f"efficiency_report_{run}.csv").read_text()


def test_snakemake_is_started_as_by_itself(tmp_path):
    """Modules of the folder of the run are found, arguments and exit codes are Snakemake's."""
    (tmp_path / "own.py").write_text("NAME = 'made'")
    (tmp_path / "Snakefile").write_text(
        "import own, sys\nassert 'pandas' not in sys.modules\n"
        "rule all:\n    output: own.NAME\n    shell: 'exit {config[code]} > {output}'"
    )
    for code in (1, 0):
        command = [*SNAKEMAKE, "--cores", "1", "--config", f"code={code}"]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == code
    assert (tmp_path / "made").exists()
