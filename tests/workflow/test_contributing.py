"""The checklists of CONTRIBUTING.md, each tried in a copy of the suite."""

from __future__ import annotations

import csv
from pathlib import Path

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
        VmafFeature("float_psnr"),
        {"float_psnr": "float_psnr"},
        (PooledColumn("float_psnr", pooling.mean, "float_psnr", "PSNR by libvmaf", bd_rate=6),),
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
    msad, float_psnr = ([float(row[name]) for row in anchor] for name in ("msad_y", "float_psnr"))
    assert msad == sorted(msad) and 0 < msad[0] < msad[-1] < 1
    assert (
        float_psnr == sorted(float_psnr, reverse=True) and 20 < float_psnr[-1] < float_psnr[0] < 60
    )

    bd_rates = {row["metric"]: row for row in rows(workflow, "bd_rate")}
    assert list(bd_rates)[-2:] == ["msad_y", "float_psnr"]
    for name, label in (("msad_y", "MSAD Y"), ("float_psnr", "PSNR by libvmaf")):
        assert bd_rates[name]["bd_rate_pct"], bd_rates[name]
        figure = (tmp_path / f"results/figures/rd_{name}.svg").read_text("utf-8")
        assert label in figure


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, f"{path.name} has no {old!r}"
    path.write_text(text.replace(old, new, 1), "utf-8")


METHOD = """from jndlab.jnd.jnd_predictor import FrameJnd


class Constant:
    def __init__(self, qp):
        self.qp = qp

    def predict(self, frames, clip):
        return [FrameJnd(0, (self.qp,))]
"""


CODEC = '''"""x264 with its baseline profile: a codec of the checklist."""

from jndlab.codecs.x264 import X264Codec


class BaselineCodec(X264Codec):
    adapter = "baseline"

    def parameters(self, configuration, qp):
        return {**super().parameters(configuration, qp), "cabac": "0", "ref": "1"}


def from_spec(spec):
    return BaselineCodec(preset=spec["preset"])
'''
CODEC_KEYS = '''class Baseline(Section):
    """H.264 by x264 with the tools of the baseline profile."""

    adapter: Literal["baseline"]
    """The adapter."""
    preset: Preset
    """x264's trade of speed for compression."""


CodecName ='''


def test_a_codec_is_a_module_its_keys_and_an_entry_and_a_method_is_a_class(tmp_path):
    workflow = Workflow(tmp_path)
    codecs = tmp_path / "workflow_scripts/jndlab/codecs"
    (codecs / "baseline.py").write_text(CODEC, "utf-8")
    adapter = '"x264": "jndlab.codecs.x264",'
    replaced(codecs / "__init__.py", adapter, adapter + '\n"baseline": "jndlab.codecs.baseline",')
    replaced(codecs / "config.py", "CodecName =", CODEC_KEYS)
    replaced(codecs / "config.py", "| Vtm,", "| Vtm | Baseline,")
    with (tmp_path / "config/codecs.yaml").open("a") as stream:
        stream.write("baseline-ultrafast: {adapter: baseline, preset: ultrafast}\n")
    chosen = CONFIG.replace("[x265-ultrafast]", "[baseline-ultrafast]").split("  erjnd:")[0]
    mine = '  mine: {kind: jnd_predictor, class: "my_methods:Constant", options: {qp: 40}}\n'
    workflow.write("my_methods.py", METHOD)
    workflow.write("mine.yaml", chosen.replace("[22, 27, 32, 37]", "[32]") + mine)
    workflow.run("--configfile", "mine.yaml", "--", "tabulate_points", "compare_methods")
    points = {row["method"]: row for row in rows(workflow, "rd_points")}
    assert {row["codec"] for row in points.values()} == {"baseline-ultrafast"}
    assert int(points["mine"]["bits"]) < int(points["anchor"]["bits"])  # coded at QP 40
    assert {row["method"] for row in rows(workflow, "same_qp")} == {"mine"}


DATA_SET = """
my_clips:
  title: Clips of the checklist
  access: open
  licence: CC0
  citation: {text: "none"}
  manual: ["Put flat.yuv into the folder of this set."]
  present: [{glob: "*.yuv"}]
  needed_by: []
"""


def test_a_data_set_is_an_entry_and_its_sequences_are_rows(tmp_path):
    workflow = Workflow(tmp_path)
    with (tmp_path / "config/datasets.yaml").open("a") as stream:
        stream.write(DATA_SET)
    sheet = tmp_path / "config/sequences.tsv"
    header = sheet.read_text("utf-8").split("\n")[0].split("\t")
    row = {
        "id": "flat", "name": "flat", "class": "demo", "width": "64", "height": "64",
        "fps": "25/1", "frames": "2",
        "bit_depth": "8", "file": "flat.yuv", "dataset": "my_clips", "content": "demo",
        "start": "0",
    }  # fmt: skip
    with sheet.open("a") as stream:
        stream.write("\t".join(row.get(name, "") for name in header) + "\n")
    workflow.write("mine.yaml", CONFIG.replace("[bigbuckbunny_tiny]", "[flat]"))
    missing = workflow.run("--configfile", "mine.yaml", "--", "check_data", check=False)
    assert missing.returncode != 0
    assert "Put flat.yuv into the folder" in missing.stdout
    (tmp_path / "data/my_clips").mkdir(parents=True)
    (tmp_path / "data/my_clips/flat.yuv").write_bytes(bytes([128]) * (64 * 64 * 3 // 2 * 2))
    workflow.run("--configfile", "mine.yaml", "--", "check_data")
    workflow.run("--configfile", "mine.yaml", "--", "results/sequences/flat.mkv")


RULES = '''"""A paper of the checklist."""


rule tabulate_tiny:
    """Tabulate the points of the tiny paper."""
    input:
        points=rules.tabulate_points.input.points,
    output:
        **outputs_of("tiny", "tabulate_tiny"),
    conda:
        "../../envs/tables.yaml"
    script:
        "../../workflow_scripts/tiny/tabulate_tiny.py"


rule tiny:
    """Everything of the tiny paper."""
    input:
        rules.tabulate_tiny.output,
'''
ADAPTER = '''"""RD points in; their number as a table out."""

from jndlab.papers.tiny.tables import count_table
from jndlab.quality.points import read_points
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    points = read_points(snakemake.input.points)
    write_table(count_table(len(points)), stems(snakemake.output)["points"])


run(main, snakemake)
'''
SCIENCE = '''"""Tables of the tiny paper."""

import pandas as pd


def count_table(points: int) -> pd.DataFrame:
    return pd.DataFrame({"points": [points]})
'''
ARTEFACTS = """title: "Tiny"
printed: "nothing"
target: "`tiny`"
needs: ""
config: papers
document: docs/papers/tiny.md
category: Tiny
rules:
  tabulate_tiny:
    tiny/tables/points:
      title: number of points
      shows: number of points
"""


def test_a_paper_is_its_folders_and_two_lines(tmp_path):
    workflow = Workflow(tmp_path)
    for name, text in {
        "rules/tiny/all.smk": RULES,
        "workflow_scripts/tiny/tabulate_tiny.py": ADAPTER,
        "workflow_scripts/jndlab/papers/tiny/__init__.py": '"""Tiny."""\n',
        "workflow_scripts/jndlab/papers/tiny/tables.py": SCIENCE,
        "report/tiny/artefacts.yaml": ARTEFACTS,
        "report/tiny/tables.rst": "Number of points.\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        workflow.write(name, text)
    tracking = 'include: "rules/tracking.smk"'
    replaced(tmp_path / "Snakefile", tracking, f'include: "rules/tiny/all.smk"\n{tracking}')
    experiment = tmp_path / "workflow_scripts/jndops/experiment.py"
    replaced(experiment, '"vp_jnd", "bl_juniper"]]', '"vp_jnd", "bl_juniper", "tiny"]]')
    chosen = CONFIG.replace("papers: []", "papers: [tiny]")
    workflow.write("mine.yaml", chosen.replace("[22, 27, 32, 37]", "[32]"))
    assert workflow.planned("--configfile", "mine.yaml")["tabulate_tiny"] == 1  # by `rule all`
    workflow.run("--configfile", "mine.yaml", "--", "tiny")
    table = (tmp_path / "results/tiny/tables/points.csv").read_text("utf-8")
    assert table == "points\n2\n"
