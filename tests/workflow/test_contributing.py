"""The checklists of CONTRIBUTING.md, each tried in a copy of the suite."""

from __future__ import annotations

import csv

from workflow_runner import Workflow

CONFIG = """
sequences: [bigbuckbunny_tiny]
frames: 2
configurations: [AI]
qps: [22, 27, 32, 37]
codecs: [x265-ultrafast]
mlflow: false
papers: []
methods:
  anchor: {kind: anchor}
  erjnd: {kind: prefilter, class: "jndlab.jnd.erjnd:ErjndPrefilter"}
"""


def rows(workflow: Workflow, table: str) -> list[dict[str, str]]:
    with open(workflow.folder / f"results/tables/{table}.csv", newline="") as stream:
        return list(csv.DictReader(stream))


METRICS_ADDED = """
METRICS += (
    Metric(
        FfmpegFilter("msad", "{distorted}{reference}msad=shortest=1:repeatlast=0"),
        {"msad_y": "msad.msad.Y"},
        (
            PooledColumn(
                "msad_y", pooling.mean, "msad_y", "MSAD Y", bd_rate=5, higher_is_better=False
            ),
        ),
    ),
    Metric(
        VmafFeature("psnr_hvs"),
        {"psnr_hvs": "psnr_hvs"},
        (PooledColumn("psnr_hvs", pooling.mean, "psnr_hvs", "PSNR-HVS (dB)", bd_rate=6),),
    ),
)
"""


def test_a_metric_is_one_entry_of_the_registry(tmp_path):
    workflow = Workflow(tmp_path)
    registry = tmp_path / "workflow_scripts/jndlab/quality/metrics.py"
    before, after = registry.read_text("utf-8").split("\n\ndef pooled_columns", 1)
    registry.write_text(f"{before}{METRICS_ADDED}\n\ndef pooled_columns{after}", "utf-8")
    workflow.write("mine.yaml", CONFIG)
    workflow.run("--configfile", "mine.yaml")

    points = rows(workflow, "rd_points")
    assert len(points) == 8
    anchor = [row for row in points if row["method"] == "anchor"]  # in the order of QP
    msad, psnr_hvs = ([float(row[name]) for row in anchor] for name in ("msad_y", "psnr_hvs"))
    assert msad == sorted(msad) and 0 < msad[0] < msad[-1] < 1
    assert psnr_hvs == sorted(psnr_hvs, reverse=True) and 20 < psnr_hvs[-1] < psnr_hvs[0] < 60

    bd_rates = {row["metric"]: row for row in rows(workflow, "bd_rate")}
    assert list(bd_rates)[-2:] == ["msad_y", "psnr_hvs"]
    for name, label in (("msad_y", "MSAD Y"), ("psnr_hvs", "PSNR-HVS (dB)")):
        assert bd_rates[name]["bd_rate_pct"], bd_rates[name]
        figure = (tmp_path / f"results/figures/rd_{name}.svg").read_text("utf-8")
        assert label in figure
