"""How jobs and runs end: whole, or with one message, and nothing left behind that counts."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from snakemake.exceptions import WorkflowError

from jndlab.errors import UserError, limit_reached
from jndlab.jnd.block.qp import checked_qp_maps
from jndlab.jnd.jnd_predictor import FrameJnd, predict_clip
from jndlab.jnd.prefilter import apply_prefilter
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.media.ffmpeg import ToolError, run_tool
from jndops.ends import at_work
from jndops.ends.at_work import JOB, RUN, start_run, was_cut_off
from jndops.ends.failures import FAILED
from jndops.workflow.snakemake_patches import _naming_limits
from workflow_runner import REPOSITORY, TINY, Workflow

CLIP = ClipFormat(64, 64, Fraction(25), 2)
FRAME = Frame(np.zeros((64, 64), np.uint8), *[np.zeros((32, 32), np.uint8)] * 2)
# A job of one rule, as Snakemake starts it.
JOB_CODE = """
import sys, tempfile, threading, time
from pathlib import Path
from types import SimpleNamespace
from jndlab.files import atomic_path
from jndlab.media.ffmpeg import run_tool, tool_pool
from jndops import adapter

folder = Path(sys.argv[1])
snakemake = SimpleNamespace(
    log=[str(folder / "logs/a/b.log")], scriptdir={scripts!r}, output=[],
    resources=SimpleNamespace(tmpdir=str(folder / "tmp")),
)

def main(snakemake):
    {main}

adapter.PATIENCE = 0.3
adapter.run(main, snakemake)
"""
AT_WORK = """
    with adapter.scratch(snakemake), atomic_path(folder / "points/x.json") as part:
        part.write_text("half")
        run_tool(["sh", "-c", f"echo $$ > {folder}/tool; exec sleep 60"])
"""
IN_POOL = """
    with adapter.scratch(snakemake), tool_pool(2) as pool:
        first = ["sh", "-c", f"echo $$ > {folder}/tool; exec sleep 60"]
        list(pool.map(run_tool, [first, *[["sleep", "60"]] * 2]))
"""


def start_job(folder: Path, main: str) -> subprocess.Popen[str]:
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    scripts = str(REPOSITORY / "workflow_scripts/coding")
    code = JOB_CODE.replace("{scripts!r}", repr(scripts)).replace("{main}", main.strip())
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow_scripts")},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored behind a "&"
    )  # fmt: skip


def job_in_the_middle(folder: Path, work: str = AT_WORK) -> tuple[subprocess.Popen[str], int]:
    """A job that writes an output by a tool, and the number of the tool's process."""
    job = start_job(folder, work)
    deadline = time.monotonic() + 30
    while not ((folder / "tool").is_file() and (folder / "tool").read_text().endswith("\n")):
        assert time.monotonic() < deadline and job.poll() is None
        time.sleep(0.02)
    return job, int((folder / "tool").read_text())


def lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_tools_of_threads(tmp_path, number):
    job, tool = job_in_the_middle(tmp_path, IN_POOL)
    job.send_signal(number)
    _, said = job.communicate(timeout=30)
    assert job.returncode == 1 and number.name in said and "Traceback" not in said
    assert not lives(tool) and list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_unwinds_a_job(tmp_path, number):
    job, tool = job_in_the_middle(tmp_path)
    job.send_signal(number)
    _, said = job.communicate(timeout=30)
    assert job.returncode == 1 and number.name in said and "Traceback" not in said
    assert not lives(tool)
    assert list((tmp_path / "points").iterdir()) == list((tmp_path / "tmp").iterdir()) == []
    log = tmp_path / "logs/a/b.log"
    assert sorted(log.parent.iterdir()) == [log, Path(f"{log}{FAILED}")]
    assert number.name in log.read_text()


def test_jobs_of_a_killed_run_are_named_and_what_they_leave_goes(tmp_path):
    job, tool = job_in_the_middle(tmp_path)
    try:
        with pytest.raises(UserError, match="1 job of a run that was killed") as error:
            start_run(tmp_path)
        assert f"kill {job.pid}" in str(error.value) and "logs/a/b.log" in str(error.value)
        exit_process()
        job.kill()
        job.communicate()
    finally:
        os.kill(tool, signal.SIGKILL)
    assert list((tmp_path / "points").glob(".part-*")) and list((tmp_path / "tmp").iterdir())
    other = tmp_path / "smoke/points/.part-y.json"  # of another run, which may be at work
    other.parent.mkdir(parents=True)
    other.touch()
    (tmp_path / "smoke" / RUN).touch()
    (tmp_path / "viewer").mkdir()
    (tmp_path / "viewer/.part-z").mkdir()
    start_run(tmp_path)
    assert not list((tmp_path / "points").iterdir()) and not list((tmp_path / "tmp").iterdir())
    assert not list((tmp_path / "viewer").iterdir()) and other.exists()
    assert not list(tmp_path.rglob(f"*{JOB}"))


def test_what_may_belong_to_another_machine_stays(tmp_path):
    note = tmp_path / f"logs/a.log{JOB}"
    note.parent.mkdir()
    note.write_text(json.dumps({"pid": 1, "host": "another", "scratch": str(tmp_path / "jndlab-")}))
    (tmp_path / "jndlab-").mkdir()
    (tmp_path / ".part-x").touch()
    start_run(tmp_path)
    assert note.exists() and (tmp_path / "jndlab-").exists() and (tmp_path / ".part-x").exists()


@pytest.mark.parametrize("scratch", ["/", "", "precious", "jndlab-x/../precious", 5, None])
def test_a_note_removes_nothing_but_scratch(tmp_path, scratch):
    (tmp_path / "precious/x").mkdir(parents=True)
    said = {"pid": 1, "host": at_work.socket.gethostname()}
    scratch = str(tmp_path / scratch) if scratch not in ("/", "", 5, None) else scratch
    note = tmp_path / f"logs/a.log{JOB}"
    note.parent.mkdir()
    note.write_text(json.dumps(said | {"scratch": scratch}))
    start_run(tmp_path)
    assert (tmp_path / "precious/x").exists() and not note.exists()


@pytest.fixture(autouse=True)
def let_go():
    yield
    exit_process()


def exit_process() -> None:
    """Let go of the locks of this process, as the system does."""
    for name in list(at_work._notes):
        at_work._notes.pop(name).close()


@pytest.fixture
def other_run(tmp_path):
    """Another process that runs in the folder ``results``."""
    code = (
        "import sys, time; from jndops.ends.at_work import start_run\n"
        "start_run(sys.argv[1]); print('ready', flush=True); time.sleep(120)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "results")], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow_scripts")},
    )  # fmt: skip
    assert run.stdout.readline() == "ready\n"
    yield run
    run.kill()
    run.wait()


def test_two_runs_in_one_folder_are_refused(tmp_path, other_run, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for results in (tmp_path / "results", Path("../results")):
        with pytest.raises(UserError, match="another run is at work") as error:
            start_run(results)
        assert f"process {other_run.pid} on" in str(error.value)
    assert not was_cut_off(tmp_path / "results")
    other_run.kill()
    other_run.wait()
    assert was_cut_off(tmp_path / "results")
    start_run(tmp_path / "results")
    at_work.end_run()
    exit_process()
    assert not was_cut_off(tmp_path / "results") and not was_cut_off(tmp_path / "absent")


def test_a_folder_that_may_not_be_written_is_no_reason_to_fail(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(at_work, "open_lock", refuse)
    (tmp_path / ".part-x").touch()
    start_run(tmp_path)
    at_work.end_run()
    assert (tmp_path / ".part-x").exists()


@pytest.mark.parametrize(
    ("main", "said"),
    [
        ("open('/dev/full', 'w').write('x' * 10**6)", "the disk is full"),
        ("raise MemoryError", "memory ran out"),
        ('raise RuntimeError("can\'t start new thread")', "memory ran out"),
        ("raise ValueError('x') from OSError(27, 'File too large')", "beyond the limit"),
        ("raise SystemExit(0)", "ended its process"),
        ("threading.Thread(target=time.sleep, args=(60,)).start()", "left threads"),
    ],
)
def test_a_job_ends_with_one_message(tmp_path, main, said):
    job = start_job(tmp_path, main)
    _, shown = job.communicate(timeout=30)
    log = tmp_path / "logs/a/b.log"
    assert job.returncode == 1 and said in shown and said in log.read_text()
    assert Path(f"{log}{FAILED}").is_file()
    assert ("Traceback" in shown) == (said == "ended its process")


def test_a_job_whose_log_cannot_be_written_says_so_once(tmp_path):
    (tmp_path / "logs").write_text("a file in the way")
    job = start_job(tmp_path, "pass")
    _, shown = job.communicate(timeout=30)
    assert job.returncode == 1 and shown.count("Traceback") <= 1


def test_limits_that_tools_meet_have_a_remedy(tmp_path):
    big = f"ulimit -f 1; exec head -c 100000 /dev/zero > '{tmp_path}/x'"
    for script, said in (
        (big, "a file would grow beyond the limit"),
        ("echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1", "is full"),
        ("kill -9 $$", "memory ran out"),
    ):
        with pytest.raises(ToolError, match=said) as error:
            run_tool(["bash", "-c", script])
        assert "run the same command again" in error.value.remedy
    with pytest.raises(ToolError) as error:
        run_tool(["bash", "-c", "echo other >&2; exit 3"])
    assert "exit status 3" in error.value.what and not error.value.remedy
    assert limit_reached(ValueError("other")) is None


def test_limits_that_snakemake_itself_meets_have_a_remedy():
    """Its metadata, its logs: one message with what to do, and no traceback for the same again."""
    told = _naming_limits(lambda error: f"Traceback ...\n{type(error).__name__}: {error}\n File x")
    full = OSError(errno.ENOSPC, "No space left on device")
    first, again = told(full), told(WorkflowError(f"Error recording metadata ({full})"))
    assert "the disk is full" in first and "what to do: free some space" in first
    assert "Traceback" not in first and " File x" not in first
    assert again == "Again: the disk is full, or its quota is used up."
    assert "memory ran out" in told(MemoryError("Unable to allocate"))
    assert told(ValueError("other")).startswith("Traceback")


class Endless:
    """A method of each kind that never stops."""

    def filter_frames(self, frames, clip, qp):
        while True:
            yield FRAME

    def qp_maps(self, frames, clip, qp):
        while True:
            yield np.full((1, 1), 30)

    def predict(self, frames, clip):
        while True:
            yield FrameJnd(0, (30.0,))


def test_methods_without_end_are_stopped(tmp_path):
    calls = (
        lambda: list(apply_prefilter(Endless(), [FRAME] * 2, CLIP)),
        lambda: write_clip(tmp_path / "x.mkv", Endless().filter_frames(None, CLIP, 0), CLIP),
        lambda: checked_qp_maps(Endless(), [FRAME] * 2, CLIP, 30),
        lambda: predict_clip(Endless(), [FRAME] * 2, CLIP),
    )
    for call in calls:
        with pytest.raises(UserError, match="frames"):
            call()
    assert not list(tmp_path.iterdir())


def test_a_run_that_was_killed_after_its_last_job_is_summarised_by_the_next(tmp_path, other_run):
    workflow = Workflow(tmp_path)
    workflow.write("tiny.yaml", TINY)
    done = workflow.run("--configfile", "tiny.yaml", check=False)
    assert done.returncode and f"process {other_run.pid} on" in done.stdout
    assert "Traceback" not in done.stdout
    other_run.kill()
    other_run.wait()
    first = workflow.run("--configfile", "tiny.yaml").stdout
    assert "Results in results" in first
    assert "Nothing to be done" in workflow.run("--configfile", "tiny.yaml").stdout
    results = workflow.folder / "results"
    tables = (results / "tables/rd_points.csv").stat().st_mtime_ns
    (results / RUN).write_text(json.dumps({"pid": 1, "host": "x", "ended": False}))
    (results / "timings.json").unlink()
    second = workflow.run("--configfile", "tiny.yaml").stdout
    assert "Results in results" in second and (results / "timings.json").is_file()
    assert (results / "tables/rd_points.csv").stat().st_mtime_ns == tables
    assert workflow.planned("--configfile", "tiny.yaml") == {}


@pytest.mark.parametrize("in_memory", [True, False])
def test_what_a_tool_reports_is_kept_whole(monkeypatch, in_memory):
    """In order, however long, and from the programs that it starts too."""
    if not in_memory:  # as outside of Linux
        monkeypatch.delattr(os, "memfd_create", raising=False)
    script = "for i in $(seq 20000); do echo line $i >&2; done; sh -c 'echo out; echo last >&2'"
    done = run_tool(["bash", "-c", script])
    assert done.stderr.splitlines() == [*(f"line {i + 1}" for i in range(20000)), "last"]
    assert done.stdout == b"out\n"


UNREAD = """
import sys
sys.path.insert(0, {scripts!r})
from jndops.workflow import snakemake_patches
snakemake_patches.apply()
rule fails:
    output: "fails"
    shell: "sleep 2; exit 1"
"""


def test_a_run_ends_when_nobody_reads_any_more(tmp_path):
    """The program that read it was killed; Snakemake waited for its failed job for ever."""
    (tmp_path / "Snakefile").write_text(UNREAD.format(scripts=str(REPOSITORY / "workflow_scripts")))
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True)
    while "rule fails" not in run.stderr.readline().decode():
        assert run.poll() is None
    run.stderr.close()
    try:
        assert run.wait(60) == 1
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        raise
    [log] = (tmp_path / ".snakemake/log").iterdir()
    assert "Error in rule fails" in log.read_text()
