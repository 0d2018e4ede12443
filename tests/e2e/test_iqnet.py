"""IQNet from pictures to tables at the smallest scale: data, training of all networks, figures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from consistency import disagreements
from jndlab.papers.iqnet.ablations import ABLATIONS, FRAME
from jndlab.report.conditions import (
    first_failure,
    found_in_models,
    printed_conditions,
    training_records,
)
from workflow_runner import Workflow

CONFIG = """
results_dir: results
sequences: [bigbuckbunny_tiny]
frames: 2
configurations: [AI, LDP]
qps: [32, 37]
codecs: [x265-ultrafast]
mlflow: false
methods:
  anchor: {kind: anchor}
  lr_jnqd: {kind: prefilter, class: "jndlab.jnd.lr_jnqd:LrJnqdPrefilter", per_qp: true}
  cnn_jnqd:
    kind: prefilter
    class: jndlab.models.network_prefilter:PerQpNetworkPrefilter
    per_qp: true
    options:
      network: cnn_jnqd
      models:
        32: "{results}/models/iqnet/cnn_jnqd_qp32_seed{seed}/model.onnx"
        37: "{results}/models/iqnet/cnn_jnqd_qp37_seed{seed}/model.onnx"
  iqnet:
    kind: prefilter
    class: jndlab.models.network_prefilter:NetworkPrefilter
    options: {network: iqnet, model: "{results}/models/iqnet/iqnet_seed{seed}/model.onnx"}
iqnet:
  training_data:
    source: packaged
    pictures: 3
    crop: [128, 128]
    jobs: 2
    codec: x265-ultrafast
    alphas: [0.1, 0.5, 1.0]
    scorer: piqe
    selection: {tolerance: 0.5}
  training: {epochs: 2, batch_size: 8, crops_per_picture: 8, halve_every_epochs: 1}
  cnn_jnqd: {epochs: 1, crops_per_picture: 16, batch_size: 16, optimizer: adam}
  pictures: {ablations: 1}
"""
RUN = ("--configfile", "iqnet.yaml")
CLIP = "bigbuckbunny (tiny)"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Workflow:
    workflow = Workflow(tmp_path_factory.mktemp("iqnet run"))
    sheet = workflow.folder / "config/sequences.tsv"  # Fig. 10 shows a frame of BQMall
    workflow.write("config/sequences.tsv", sheet.read_text().replace(CLIP, "BQMall"))
    workflow.write("iqnet.yaml", CONFIG)
    workflow.run(*RUN)
    return workflow


@pytest.fixture(scope="module")
def results(run) -> Path:
    return run.folder / "results"


def test_no_two_tables_of_the_run_disagree(results):
    assert not disagreements(results)


def test_every_method_is_in_the_tables(results):
    with open(results / "iqnet/tables/table3.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["method"] for row in rows} == {"anchor", "lr_jnqd", "cnn_jnqd", "iqnet"}
    assert len(rows) == 4 * 2 * 2


def test_every_artefact_of_the_paper_is_made(results):
    names = [path.name for path in (results / "iqnet/figures").glob("*.png")]
    for figure in (
        "fig04",
        "fig07",
        "fig08",
        "fig09",
        "fig10",
        "fig11",
        "fig12",
        "fig15",
        "fig16",
        "fig17",
    ):
        assert any(name.startswith(figure) for name in names), figure
    assert sum(name.startswith("frames_") for name in names) == 2  # Fig. 13, 14, 18: AI and LDP
    tables = {path.stem for path in (results / "iqnet/tables").glob("*.csv")}
    wanted = "table1 table2 table3 table4 headline audit ablations equal_quality"
    wanted += " bd_saving selection_readings"
    assert set(wanted.split()) <= tables


def test_fig10_shows_the_printed_sequence_which_no_table_counts(results):
    with open(results / "iqnet/tables/ablation_pictures.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    shown = {row["variant"] for row in rows if row["picture"] == FRAME}
    assert shown == {"source", *ABLATIONS["fig10_erjnd"].variants}
    scenes = json.loads((results / "iqnet/pictures/ablations.scenes.json").read_text())["scenes"]
    assert [name for name, scene in scenes.items() if scene["picture"] == FRAME] == ["fig10_erjnd"]
    with open(results / "iqnet/tables/ablations.csv", newline="") as stream:
        assert {row["pictures"] for row in csv.DictReader(stream)} == {"1"}


def test_networks_are_those_of_the_papers(results):
    parameters = {
        path.relative_to(results / "models").as_posix(): json.loads(path.read_text())["parameters"]
        for path in (results / "models").rglob("summary.json")
        if "runs" not in path.parts
    }
    assert parameters == {
        "iqnet/iqnet_seed0/summary.json": 3297,
        "iqnet/cnn_jnqd_qp32_seed0/summary.json": 38145,
        "iqnet/cnn_jnqd_qp37_seed0/summary.json": 38145,
    }


def test_points_name_the_model_that_filtered(results):
    point = json.loads(
        (results / "points/x265-ultrafast/AI/bigbuckbunny_tiny/iqnet/qp32.json").read_text()
    )
    [model] = point["recipe"]["models_sha256"]
    records = training_records((results / "models/iqnet").glob("*/summary.json"))
    asked = {name: value for name, value in printed_conditions("iqnet", "iqnet").items()
             if name == "weights" or name in records[model]}  # fmt: skip
    reason = first_failure(asked, found_in_models([model], records))
    assert reason == "training source: packaged instead of vimeo90k"
    assert records[model]["training_pictures"] == 3 and records[model]["training_codec"] == "x265"
    assert point["prefilter_metrics"]["vmaf_mean"] > 50


def test_another_choice_of_alphas_neither_codes_nor_scores_again(run):
    run.write("other.yaml", CONFIG.replace("tolerance: 0.5", "tolerance: 0.5, tie_mode: closest"))
    planned = run.planned("--configfile", "other.yaml")
    assert planned["select_iqnet_alphas"] == planned["train_iqnet"] == 1
    assert not {"make_iqnet_candidates", "score_iqnet_patches"} & set(planned)


def test_a_finished_run_has_nothing_to_do(run):
    assert run.planned(*RUN) == {}
