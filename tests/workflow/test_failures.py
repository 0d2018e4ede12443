"""What the terminal shows when a job fails: the message, the log, how many failed; no traceback."""

from __future__ import annotations

from workflow_runner import TINY, Workflow

SURLY = """
from jndlab.errors import UserError


class Surly:
    def filter_luma(self, luma, bit_depth, qp):
        raise UserError(
            "this filter takes no such picture.", where="my_filters.py", remedy="choose another."
        )
"""
METHODS = '{anchor: {kind: anchor}, surly: {kind: prefilter, class: "my_filters:Surly"}}'


def test_a_users_mistake_in_a_job_is_shown_with_its_log(tmp_path):
    workflow = Workflow(tmp_path)
    workflow.write("my_filters.py", SURLY)
    workflow.write("mine.yaml", TINY.partition("methods:")[0] + f"methods: {METHODS}\n")
    done = workflow.run(
        "--configfile", "mine.yaml", "--", "results/prefiltered/bigbuckbunny_tiny/surly/all.mkv",
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    shown = done.stdout.partition("Logfile results/logs/prefilter_clip/")[2]
    assert "ERROR: this filter takes no such picture." in shown
    assert "what to do: choose another." in shown
    assert "1 job failed: see the messages and logs above." in shown
    assert "Traceback" not in done.stdout


OWN_SOURCE = TINY.replace("bigbuckbunny_tiny", "own_clip").replace("qps: [32, 37]", "qps: [37]")
ROW = "own_clip\tOwn\tT\t64\t64\t25/1\t2\t8\town.yuv\ttrial\tdemo\t0\n"
POINT = "results/points/x265-ultrafast/AI/own_clip/erjnd/qp37.json"


def test_a_failed_job_fails_again_until_its_cause_is_gone(tmp_path):
    """Its outputs are gone, but the tables of the run before are there."""
    workflow = Workflow(tmp_path)
    sheet = tmp_path / "config/sequences.tsv"
    sheet.write_text(sheet.read_text("utf-8") + ROW, encoding="utf-8")
    workflow.write("mine.yaml", OWN_SOURCE)
    whole = bytes(range(256)) * (64 * 64 * 3 // 256)
    source = tmp_path / "data/trial/own.yuv"
    source.parent.mkdir(parents=True)
    source.write_bytes(whole)
    command = ("--configfile", "mine.yaml", "--", "tables")
    workflow.run(*command)

    source.write_bytes(whole[:-100])  # as a transfer that broke off leaves it
    for _ in range(3):
        done = workflow.run(*command, check=False)
        assert done.returncode != 0 and "own.yuv" in done.stdout
        assert "1 job failed" in done.stdout
        assert workflow.planned(*command)["prepare_sequence"] == 1

    source.write_bytes(whole)
    workflow.run(*command)
    assert workflow.planned(*command) == {}

    (tmp_path / POINT).unlink()
    stream = tmp_path / POINT.replace("points", "streams").replace(".json", ".265")
    good = stream.read_bytes()
    stream.write_bytes(good[:50])
    for _ in range(2):
        assert workflow.run(*command, check=False).returncode != 0
    stream.write_bytes(good)
    workflow.run(*command)
    assert (tmp_path / POINT).is_file()
    assert workflow.planned(*command) == {}


def test_a_job_that_is_killed_or_leaves_without_outputs_is_noted(tmp_path):
    workflow = Workflow(tmp_path)
    workflow.write("mine.yaml", TINY.partition("methods:")[0] + f"methods: {METHODS}\n")
    command = ("--configfile", "mine.yaml", "--", "tables")
    filters = "class Surly:\n    def filter_luma(self, luma, bit_depth, qp):\n        {}\n"
    workflow.write("my_filters.py", filters.format("return luma"))
    workflow.run(*command)
    for end in ("import os; os.kill(os.getpid(), 9)", "import os; os._exit(0)"):
        workflow.write("my_filters.py", filters.format(end))
        done = workflow.run(*command, check=False)
        assert done.returncode != 0 and "1 job failed" in done.stdout
        assert workflow.run(*command, check=False).returncode != 0
    workflow.write("my_filters.py", filters.format("return luma"))
    workflow.run(*command)
    assert workflow.planned(*command) == {}


def test_the_anchor_alone_is_a_run(tmp_path):
    """Two QPs, one sequence, no paper, no method to compare: all that the schema allows."""
    workflow = Workflow(tmp_path)
    workflow.write(
        "mine.yaml", TINY.partition("methods:")[0] + "methods: {anchor: {kind: anchor}}\n"
    )
    assert "a BD-rate needs" not in workflow.run("--configfile", "mine.yaml").stdout
    assert workflow.planned("--configfile", "mine.yaml") == {}
    figures = {path.stem for path in (tmp_path / "results/figures").glob("*.svg")}
    assert {"saving_pct", "vmaf_drop", "overview"} <= figures
