"""LASeR-JND and MTJND on MCL-JCI, whose JNDs are qualities of JPEG that fall by level."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data.jnd_miniatures import mcl_jci
from jndlab.errors import UserError
from jndlab.models.network_jnd_predictor import NetworkJndPredictor
from workflow_runner import Workflow

SMALL = """
results_dir: results
data_dir: data
sequences: [bigbuckbunny_tiny]
frames: 1
qps: [22, 32]
mlflow: false
jnd_frames:
  sources: [SRC01, SRC02, SRC03, SRC04, SRC05, SRC06]
  split: {kind: grouped_folds, folds: 3}
  saliency: {model: centre}
laser_jnd:
  networks: [mj_lat]
  network:
    {input_size: [64, 64], width: 0.0625, head: linear_at_median, order: ordered}
  autoencoder: {epochs: 1}
  reconstruction: {epochs: 1}
  training: {epochs: 2, learning_rate: 0.003, keep: last}
  variants: {linear_at_median: {networks: [mj_lat], network: {order: free}}}
  jobs: {gpus: 0, threads: 1, memory_mb: 1000}
mtjnd:
  networks: [mt_3ljnd]
  network: {input_size: [64, 64], width: 0.0625, head: linear_at_median, freeze_early: false}
  training: {epochs: 2, learning_rate: 0.003, keep: last}
  variants: {linear_at_median: {networks: [mt_3ljnd], network: {order: ordered}}}
  jobs: {gpus: 0, threads: 1, memory_mb: 1000}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    workflow = Workflow(tmp_path_factory.mktemp("mcl jci"))
    mcl_jci(workflow.folder / "data/mcl_jci", sources=range(1, 7))
    workflow.write("small.yaml", SMALL)
    paper = "config/paper_mcl_jci.yaml"
    workflow.run("--configfile", paper, "small.yaml", "--", "laser_jnd", "mtjnd")
    return workflow.folder / "results"


@pytest.mark.parametrize("paper", ["laser_jnd", "mtjnd"])
def test_predictions_are_quality_factors_that_fall(results, paper):
    rows = pd.read_csv(results / paper / "predictions.csv")
    assert set(rows["unit"]) == {"QF"} and rows["source"].nunique() == 6
    labels = rows.groupby("level")["label"].mean()
    assert labels[1] > labels[2] > labels[3]
    ordered = "mj_lat" if paper == "laser_jnd" else "mt_3ljnd-linear_at_median"
    levels = rows[rows["name"] == ordered].pivot_table("predicted", "frame", "level")
    assert (levels[1] > levels[2]).all() and (levels[2] > levels[3]).all()
    compared = pd.read_csv(results / paper / "tables/errors_comparison.csv")
    assert not compared["verdict"].isin(["reproduced", "deviates"]).any()


def test_a_network_of_jpeg_qualities_codes_no_clip(results):
    model = results / "models/laser_jnd/mj_lat_fold01_seed0/model.onnx"
    with pytest.raises(UserError, match="predicts JNDs as QF, and clips are coded by QP"):
        NetworkJndPredictor(model=model)
