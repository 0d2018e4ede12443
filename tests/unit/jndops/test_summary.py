"""The summary at the end of a run, and the number of its failed jobs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jndops.columns import aligned
from jndops.summary import failed_jobs, summarise

SNAKEMAKE_LOG = """\
Building DAG of jobs...
[Sat Jan  3 06:06:54 2026]
Error in rule encode_clip:
    message: None
    jobid: 1
    output: results/a.266, results/a.266.json
    log: {folder}/a b.log, {folder}/absent.log (check log file(s) for error details)
    shell:
        echo "Error in rule no_rule: x"
        (command exited with non-zero exit code)
RuleException:
[Sat Jan  3 06:06:55 2026]
Error in rule measure_point:
    message: None
    jobid: 2
    output: results/b.json
[Sat Jan  3 06:06:56 2026]
Error in rule encode_clip:
    message: None
    jobid: 1
    output: results/a.266, results/a.266.json
    log: {folder}/a b.log, {folder}/absent.log (check log file(s) for error details)
"""


@pytest.fixture
def results(tmp_path) -> Path:
    files = {
        "points/c/AI/bikes/anchor/qp22.json": "{}",
        "tables/rd_points.csv": "sequence,content,encode_cpu_s\n"
        "bikes,demo,1.4\nbikes,demo,2.2\nB_Cactus,published,\n",
        "tables/bd_rate.csv": "level\nall\n",
        "summary.html": "",
        "summary.md": "Methods against anchor: \\* = doubtful.\n\n"
        "| method   | BD-rate VMAF (%)   |   bits saved (%) |\n"
        "|:---------|:-------------------|-----------------:|\n"
        "| my\\_erjnd | -12.35 \\*          |            15.00 |\n",
        "figures/rd.svg": "",
        "iqnet/tables/comparison.csv": "ours,verdict\n1,reproduced\n2,not comparable: demo\n"
        "3,not comparable: other codec\n",
        "iqnet/tables/errors.csv": "a\n1\n",
        "iqnet/tables/errors.md": "Errors. a beats b (|dQP|: difference -1.0). "
        "a against c: not shown (|dQP|: difference 0.1; within chance).\n",
        "smoke/logs/a.log": "",
        "smoke/tables/other.csv": "a\n1\n",
        "mlflow_ledger.csv": "job_key,state\nx,mirrored\ny,mirrored\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def lines_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_summary_tells_what_where_and_headlines(results):
    text = summarise(results)
    lines = lines_of(text)
    told = f"3 RD points {results}/points, 4 s of encoder CPU time"
    assert told.split() in lines
    assert ["2", "tables", f"{results}/tables"] in lines
    assert ["2", "tables", f"{results}/iqnet/tables"] in lines
    assert ["1", "figures", f"{results}/figures"] in lines
    assert "smoke" not in text.replace(str(results), "")
    assert "Methods against anchor: * = doubtful." in text
    assert ["my_erjnd", "-12.35", "*", "15.00"] in lines
    assert not [line for line in lines if line and set("".join(line)) <= set(":-")]
    assert ["1", "summary", f"{results}/summary.html"] in lines
    assert "iqnet/tables/comparison.csv" in text and "2 not comparable, 1 reproduced" in text
    assert "  iqnet: a beats b (|dQP|); 1 comparison not shown" in text.splitlines()
    assert ["2", "MLflow", "runs", f"{results}/mlflow.db", "(browse:", "make", "ui)"] in lines
    assert "Stand-in content: bikes." in text


@pytest.mark.parametrize(
    ("configfile", "shown"),
    [(None, ""), ("config/config.yaml", ""), ("{here}/config/config.yaml", ""),
     ("{here}/my.yaml", " CONFIG=my.yaml"), ("/elsewhere/my.yaml", " CONFIG=/elsewhere/my.yaml")],
)  # fmt: skip
def test_the_command_that_is_named_finds_the_configuration(results, configfile, shown):
    configfile = configfile and Path(configfile.format(here=Path.cwd()))
    assert f"(browse: make ui{shown})" in summarise(results, configfile)


def test_summary_of_nothing_and_of_a_run_in_progress(tmp_path):
    assert "nothing yet" in summarise(tmp_path / "absent")
    point = tmp_path / "points/c/AI/s/anchor/qp22.json"
    point.parent.mkdir(parents=True)
    point.write_text("{}")
    assert "1 RD points" in " ".join(summarise(tmp_path).split())


def test_summary_says_that_mlflow_failed(results):
    (results / "mlflow_ledger.csv").write_text("job_key,state\nx,not mirrored: no module\n")
    assert ["0", "MLflow", "runs", "not", "mirrored:", "no", "module"] in lines_of(
        summarise(results)
    )


def test_columns_are_aligned():
    text, second = aligned([("name", "value"), ("a", "-1.25"), ("long name", "10.00")])[1:]
    assert text.endswith(" -1.25") and second.endswith(" 10.00") and len(text) == len(second)


def test_a_job_that_was_retried_counts_once(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text(SNAKEMAKE_LOG.format(folder=tmp_path))
    assert len(failed_jobs([log, tmp_path / "absent"])) == 2
    assert failed_jobs([]) == {}


def test_command_line_starts_fast(results, repository):
    script = repository / "workflow_scripts/commands/summarise_run.py"
    durations = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run(
            [sys.executable, script, "--results", results], capture_output=True, text=True
        )
        after = os.times()
        spent = after.children_user - before.children_user
        durations.append(spent + after.children_system - before.children_system)
    assert done.returncode == 0 and "Methods against anchor" in done.stdout
    assert min(durations) < 1.0  # CPU; 0.4 s here, a heavy import would take seconds
