"""The suite on a real SLURM: the numbers of a local run, whatever happens meanwhile."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from slurm_runs import Cluster, Run, SlurmWorkflow, numbers

from jndlab.files import sha256_of
from workflow_runner import TINY, Workflow

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not os.environ.get("JNDLAB_SLURM"),
        reason="starts a SLURM of its own, for minutes: set JNDLAB_SLURM=1 to run it",
    ),
]

# Enough for every rule; JNDLAB_SLURM_SMOKE=whole takes all of config/smoke.yaml.
PART_OF_SMOKE = {"sequences": ["bikes_tiny"], "configurations": ["LDP"], "qps": [27, 37]}
# A prefilter that stops in the middle of a clip until it may go on: there to be hit.
WAITING = """
import time
from pathlib import Path


class Waiting:
    def __init__(self):
        self.pictures = 0

    def filter_luma(self, luma, bit_depth, qp):
        self.pictures += 1
        while self.pictures == 2 and not Path("go").exists():
            time.sleep(0.1)
        return luma // 4 * 4
"""
QPS = [32, 37]
WAITING_RUN = ("--configfile", "waiting.yaml")
CLIP = "results/prefiltered/bigbuckbunny_tiny/waiting/all.mkv"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, Any]:
    """Numbers of a local run with the waiting prefilter."""
    workflow = _with_waiting(Workflow(tmp_path_factory.mktemp("undisturbed")))
    _let_go(workflow)
    workflow.run(*WAITING_RUN)
    return numbers(workflow.folder / "results")


def test_numbers_are_those_of_a_local_run(cluster: Cluster, tmp_path: Path):
    config = yaml.safe_load(Path("config/smoke.yaml").read_text("utf-8"))
    if os.environ.get("JNDLAB_SLURM_SMOKE") != "whole":
        config |= PART_OF_SMOKE
    found = []
    # A space in the folder's name, because clusters have them too ("group share").
    for kind, name in ((Workflow, "local run"), (SlurmWorkflow, "slurm run")):
        (tmp_path / name).mkdir()
        workflow = kind(tmp_path / name)
        workflow.write("smoke.yaml", yaml.safe_dump(config))
        workflow.run("--configfile", "smoke.yaml")
        found.append(numbers(workflow.folder / config["results_dir"]))
    local, on_slurm = found
    points = [name for name in local if name.startswith("points/") and name.endswith(".json")]
    assert len(points) >= 4
    assert on_slurm == local
    # Encoding and measuring were SLURM's work, not Snakemake's own.
    done = cluster.jobs("completed").values()
    for rule in ("encode_clip", "measure_point"):
        assert sum(what.startswith(f"rule_{rule}_") for what in done) == len(points)


def test_run_outlives_a_cancelled_job_a_lost_node_and_its_own_end(
    cluster: Cluster, tmp_path: Path, undisturbed: dict[str, Any]
):
    workflow = _with_waiting(SlurmWorkflow(tmp_path))
    with workflow.start(*WAITING_RUN) as run:
        first = _caught_at_work(run, cluster, workflow)
        cluster.cancel(first)
        second = run.wait_for("another job", lambda: _other_than(first, cluster))
        _anchor_is_done(run, cluster, second)
        finished = _state_of_outputs(workflow)

        cluster.lose_node(second)
        cluster.give_node_back()
        run.wait_for("it at work again", lambda: cluster.running("prefilter_clip") == second)
        run.kill()
    assert "CANCELLED" in run.said

    # SLURM knows nothing of Snakemake's death; what is left would write next to the next run.
    assert second in cluster.jobs("running")
    assert f"cancelled: {second}" in _cancel_leftovers(workflow)
    assert not cluster.jobs("running") and not cluster.jobs("pending")
    assert "cannot be locked" in workflow.run(*WAITING_RUN, check=False).stdout
    workflow.run(*WAITING_RUN, "--unlock")
    # Of what was half made nothing is taken for done, of what was finished nothing is made again.
    assert not (workflow.folder / CLIP).exists()
    planned = workflow.planned(*WAITING_RUN)
    assert "prepare_sequence" not in planned
    assert planned["prefilter_clip"] == 1
    assert planned["encode_clip"] == planned["measure_point"] == len(QPS)
    _let_go(workflow)
    workflow.run(*WAITING_RUN)
    now = _state_of_outputs(workflow)
    assert {name: now[name] for name in finished} == finished
    assert numbers(workflow.folder / "results") == undisturbed


def _with_waiting(workflow: Workflow) -> Workflow:
    """The smallest run, with a prefilter that stops in the middle of its clip."""
    config = yaml.safe_load(TINY)
    config["qps"] = QPS
    config["methods"] = {
        "anchor": {"kind": "anchor"},
        "waiting": {"kind": "prefilter", "class": "waiting:Waiting"},
    }
    workflow.write("waiting.py", WAITING)
    workflow.write("waiting.yaml", yaml.safe_dump(config))
    return workflow


def _let_go(workflow: Workflow) -> None:
    workflow.write("go", "")


def _caught_at_work(run: Run, cluster: Cluster, workflow: Workflow) -> str:
    """Number of the prefilter's job once half a clip lies on disk."""
    folder = (workflow.folder / CLIP).parent
    run.wait_for("half a clip", lambda: list(folder.glob(".part-*")))
    job = cluster.running("prefilter_clip")
    assert job, "half a clip and no job that writes it"
    return job


def _other_than(job: str, cluster: Cluster) -> str | None:
    now = cluster.running("prefilter_clip")
    return now if now != job else None


def _anchor_is_done(run: Run, cluster: Cluster, job: str) -> None:
    """Wait until Snakemake knows of all points of the anchor and only ``job`` runs."""
    run.wait_for("the points", lambda: run.kept.count("(Rule: measure_point)") == len(QPS))
    run.wait_for("all other jobs ended", lambda: list(cluster.jobs("running")) == [job])


def _cancel_leftovers(workflow: Workflow) -> str:
    command = ["sh", "profiles/slurm/cancel_leftovers.sh"]
    return subprocess.run(
        command, cwd=workflow.folder, check=True, capture_output=True, text=True, timeout=120
    ).stdout


def _state_of_outputs(workflow: Workflow) -> dict[str, tuple[str, int]]:
    """Hash and time of every whole file of sequences, streams and points."""
    return {
        path.relative_to(workflow.folder).as_posix(): (sha256_of(path), path.stat().st_mtime_ns)
        for kind in ("sequences", "streams", "points")
        for path in sorted((workflow.folder / "results" / kind).rglob("[!.]*"))
        if path.is_file()
    }
