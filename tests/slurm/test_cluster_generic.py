"""Profiles of the cluster-generic executor, held against stand-ins for their schedulers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from workflow_runner import REPOSITORY, TINY, Workflow

STATUS = REPOSITORY / "profiles/cluster-generic/status.sh"
# Runs a job where it is, in the background, and keeps its exit status as PBS does.
QSUB = """#!/bin/sh
number=$(($(ls "$FAKE_PBS" | grep -c asked) + 1))
echo "$@" > "$FAKE_PBS/$number.asked"
for script in "$@"; do :; done
# The first job is killed by the scheduler: its script never gets to say so.
[ $number -gt 1 ] || { echo 137 > "$FAKE_PBS/$number.exit"; echo $number.pbs; exit 0; }
(sh "$script" > "$FAKE_PBS/$number.log" 2>&1; echo $? > "$FAKE_PBS/$number.exit") > /dev/null 2>&1 &
echo $number.pbs
"""
QSTAT = """#!/bin/sh
for job in "$@"; do :; done
number=${job%.pbs}
echo "Job Id: $job"
if [ -f "$FAKE_PBS/$number.exit" ]; then
  echo "    job_state = F"
  echo "    Exit_status = $(cat "$FAKE_PBS/$number.exit")"
else
  echo "    job_state = R"
fi
"""

# Runs the container of a Job here, in the background; the first is killed.
KUBECTL = """
import os, subprocess, sys
from pathlib import Path
import yaml
pods = Path(os.environ["FAKE_PODS"])
if sys.argv[1] == "create":
    job = yaml.safe_load(text := sys.stdin.read())
    name = f"job-{len(list(pods.glob('*.yaml'))) + 1}"
    (pods / f"{name}.yaml").write_text(text)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    folder = container["workingDir"]
    mounted = tuple(mount["mountPath"] + "/" for mount in container["volumeMounts"])
    program, script = container["command"]
    assert os.path.abspath(os.path.join(folder, script)).startswith(mounted), script
    run = f"{program} {script} > {pods}/{name}.log 2>&1; echo $? > {pods}/{name}.exit"
    run = run if name != "job-1" else f"echo 137 > {pods}/{name}.exit"
    quiet = {"stdout": subprocess.DEVNULL, "start_new_session": True}
    subprocess.Popen(["sh", "-c", run], cwd=folder, **quiet)
    print(f"job.batch/{name}")
else:
    assert sys.argv[1:3] == ["get", "job"], sys.argv
    exit = pods / f"{sys.argv[3]}.exit"
    code = exit.read_text().strip() if exit.exists() else ""
    print("/" if not code else "1/" if code == "0" else "/1")
"""


def test_pbs_profile_runs_jobs_and_asks_for_what_rules_say(tmp_path, monkeypatch):
    pbs = tmp_path / "pbs"
    pbs.mkdir()
    _commands(monkeypatch, tmp_path / "bin", qsub=QSUB, qstat=QSTAT)
    monkeypatch.setenv("FAKE_PBS", str(pbs))
    (tmp_path / "run").mkdir()
    workflow = GenericWorkflow(tmp_path / "run")
    workflow.write("tiny.yaml", TINY)
    stream = "results/streams/x265-ultrafast/AI/bigbuckbunny_tiny/anchor/qp37.265"
    said = workflow.run("--configfile", "tiny.yaml", "--", stream).stdout
    assert (workflow.folder / stream).stat().st_size > 0
    # Killed, tried again with twice the memory, then the encode.
    asked = [path.read_text("utf-8") for path in sorted(pbs.glob("*.asked"))]
    assert [re.search(r"-N (\w+)", one)[1] for one in asked] == [
        "prepare_sequence",
        "prepare_sequence",
        "encode_clip",
    ]
    memory = [int(re.search(r":mem=(\d+)mb:ngpus=0 ", one)[1]) for one in asked]
    assert memory[1] == pytest.approx(2 * memory[0], abs=1)
    assert all(re.search(r"-l walltime=\d+:00 ", one) for one in asked)
    assert "Trying to restart" in said


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ({"qstat": "echo ' job_state = F'; echo ' Exit_status = 0'"}, "success"),
        ({"qstat": "echo ' job_state = C'; echo ' exit_status = 271'"}, "failed"),
        ({"qstat": "echo ' job_state = Q'"}, "running"),
        ({"qstat": "echo 'qstat: Unknown Job Id 1.pbs' >&2; exit 153"}, "failed"),
        ({"qstat": "echo 'cannot connect to server' >&2; exit 111"}, "running"),
        ({"qstat": "exit 0", "qacct": "exit 1"}, "running"),
        ({"qstat": "exit 1", "qacct": "exit 1"}, "running"),
        ({"qstat": "exit 1", "qacct": "echo 'failed 0'; echo 'exit_status 0'"}, "success"),
        ({"qstat": "exit 1", "qacct": "echo 'failed 0'; echo 'exit_status 1'"}, "failed"),
        (
            {"qstat": "exit 1", "qacct": "echo 'failed 37  : qmaster'; echo 'exit_status 0'"},
            "failed",
        ),
        ({"bjobs": "echo DONE"}, "success"),
        ({"bjobs": "echo EXIT"}, "failed"),
        ({"bjobs": "echo PEND"}, "running"),
        ({"bjobs": "echo 'Job <1> is not found' >&2; exit 255"}, "failed"),
        ({"bjobs": "echo 'LSF is down' >&2; exit 255"}, "running"),
    ],
)
def test_status_of_a_job(commands, expected, tmp_path, monkeypatch):
    _commands(monkeypatch, tmp_path, **{k: f"#!/bin/sh\n{v}\n" for k, v in commands.items()})
    done = subprocess.run(["sh", STATUS, "1"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_number_of_an_lsf_job(tmp_path, monkeypatch):
    said = "#!/bin/sh\necho 'Job <4711> is submitted to queue <normal>.'\n"
    _commands(monkeypatch, tmp_path, bsub=said)
    bsub = STATUS.with_name("bsub.sh")
    done = subprocess.run(["sh", bsub, "-n", "1", "job.sh"], capture_output=True, text=True)
    assert done.stdout == "4711\n"


def test_kubernetes_profile_runs_jobs_in_pods_that_share_a_volume(tmp_path, monkeypatch):
    pods = tmp_path / "pods"
    pods.mkdir()
    _commands(monkeypatch, tmp_path / "bin", kubectl=f"#!{sys.executable}\n{KUBECTL}")
    monkeypatch.setenv("FAKE_PODS", str(pods))
    (tmp_path / "run").mkdir()
    workflow = GenericWorkflow(tmp_path / "run", "kubernetes")
    workflow.write("tiny.yaml", TINY)
    stream = "results/streams/x265-ultrafast/AI/bigbuckbunny_tiny/anchor/qp37.265"
    said = workflow.run("--configfile", "tiny.yaml", "--", stream).stdout
    assert (workflow.folder / stream).stat().st_size > 0
    jobs = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(pods.glob("*.yaml"))]
    assert [job["metadata"]["generateName"] for job in jobs] == [
        "jnd-prepare-sequence-",
        "jnd-prepare-sequence-",
        "jnd-encode-clip-",
    ]
    pod_specs = [job["spec"]["template"]["spec"] for job in jobs]
    containers = [pod["containers"][0] for pod in pod_specs]
    memory = [int(one["resources"]["limits"]["memory"].removesuffix("Mi")) for one in containers]
    assert memory[1] == pytest.approx(2 * memory[0], abs=1)
    assert all(pod["activeDeadlineSeconds"] % 60 == 0 for pod in pod_specs)
    assert {one["resources"]["limits"]["nvidia.com/gpu"] for one in containers} == {"0"}
    assert "Trying to restart" in said


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("echo 1/", "success"),
        ("echo /", "running"),
        ("echo /1", "failed"),
        ("echo 'Error from server (NotFound): jobs.batch \"a\" not found' >&2; exit 1", "failed"),
        ("echo 'Unable to connect to the server' >&2; exit 1", "running"),
    ],
)
def test_status_of_a_job_of_kubernetes(answer, expected, tmp_path, monkeypatch):
    _commands(monkeypatch, tmp_path, kubectl=f"#!/bin/sh\n{answer}\n")
    script = REPOSITORY / "profiles/kubernetes/status.sh"
    done = subprocess.run(["sh", script, "a"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


class GenericWorkflow(Workflow):
    """A private copy of the suite whose runs go through a profile of cluster-generic."""

    def __init__(self, folder: Path, profile: str = "cluster-generic") -> None:
        super().__init__(folder)
        self.profile = ("--workflow-profile", f"profiles/{profile}")

    def command(self, *arguments: str) -> list[str]:
        command = super().command()
        del command[command.index("--cores") :]
        return [*command, *self.profile, "--seconds-between-status-checks", "1", *arguments]


def _commands(monkeypatch: pytest.MonkeyPatch, folder: Path, **scripts: str) -> None:
    """Put commands before all others on the PATH."""
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
