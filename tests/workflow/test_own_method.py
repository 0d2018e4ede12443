"""A user's own prefilter, named in the config, runs and shows up in every table."""

from __future__ import annotations

import csv
import re

from workflow_runner import REPOSITORY, Workflow

CONFIG = """
sequences: [bigbuckbunny_tiny]
frames: 2
configurations: [AI]
qps: [32, 37]
codecs: [x265-ultrafast]
mlflow: false
papers: []
bd_rate: {metrics: [vmaf_mean, psnr_hvs_y]}
methods:
  anchor: {kind: anchor}
  blur: {kind: prefilter, class: "my_filters:Blur", options: {radius: 1}}
"""


def own_filter_of_the_readme() -> str:
    """The example that the README shows, so that it cannot rot."""
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    return re.search(r"```python\n(# my_filters\.py.*?)```", readme, flags=re.DOTALL)[1]


def test_own_prefilter_runs_and_is_in_every_table(tmp_path):
    workflow = Workflow(tmp_path)
    workflow.write("my_filters.py", own_filter_of_the_readme())
    workflow.write("mine.yaml", CONFIG)
    said = workflow.run("--configfile", "mine.yaml").stdout
    assert said.index("`qps` has 2, and a BD-rate needs 4") < said.index(" jobs, 00:00 passed")
    for table in ("rd_points", "bd_rate", "same_qp"):
        with open(tmp_path / f"results/tables/{table}.csv", newline="") as stream:
            methods = {row["method"] for row in csv.DictReader(stream)}
        assert "blur" in methods, table
    with open(tmp_path / "results/tables/rd_points.csv", newline="") as stream:
        on_demand = [float(row["psnr_hvs_y"]) for row in csv.DictReader(stream)]
    assert on_demand[0] > on_demand[1] > 20  # the anchor at QP 32 and 37
    assert "PSNR-HVS-M [@ponomarenko2007hvsm]" in (tmp_path / "results/methods.md").read_text()
    assert "cambi" not in (tmp_path / "results/tables/rd_points.csv").read_text().lower()
    # It is code like ours: an edit of the user's file re-runs its method, and only that.
    workflow.write("my_filters.py", own_filter_of_the_readme() + "\n# an edit\n")
    planned = workflow.planned("--configfile", "mine.yaml")
    assert planned["prefilter_clip"] == 1
    assert planned["encode_clip"] == 2


def test_a_missing_module_is_told_before_anything_runs(tmp_path):
    workflow = Workflow(tmp_path)
    workflow.write("mine.yaml", CONFIG)
    done = workflow.run("--configfile", "mine.yaml", check=False)
    assert done.returncode != 0
    assert "my_filters" in done.stdout and "package.module:Class" in done.stdout
    assert "Traceback" not in done.stdout
