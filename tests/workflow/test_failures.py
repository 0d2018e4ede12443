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
