"""LASeR-JND and MTJND from pictures to tables at the smallest scale: all nine networks."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import h5py
import pytest

from consistency import disagreements
from jndlab.files import sha256_of
from jndlab.models.keras.weights import keras_weights
from jndlab.models.model_files import build_network, load_model
from jndlab.models.mtjnd.vgg16 import Vgg16
from workflow_runner import Workflow

CONFIG = """
results_dir: results
sequences: [bigbuckbunny_tiny]
frames: 2
configurations: [AI]
qps: [4, 32]
codecs: [x264-ultrafast]
papers: [laser_jnd, mtjnd]
mlflow: false
methods:
  anchor: {kind: anchor}
  mj_lat:
    kind: jnd_predictor
    class: jndlab.models.network_jnd_predictor:NetworkJndPredictor
    options:
      model: "{results}/models/laser_jnd/mj_lat_fold01_seed0/model.onnx"
      network: mj_lat
      threads: 1
jnd_frames:
  source: packaged
  sources: [astronaut, china, coffee, camera, chelsea, bigbuckbunny]
  size: [96, 64]
  frames_per_source: 2
  preset: ultrafast
  labels: {kind: vmaf_steps}
  split: {kind: grouped_folds, folds: 3, held_out: [bigbuckbunny]}
  saliency: {model: centre}
laser_jnd:
  seeds: [0, 1]
  predicted: [train, val, test]
  networks: [lat, rec, e2e_lat, mj_lat, mj_rec]
  levels: [1]
  network: {input_size: [64, 64], width: 0.0625, head: linear_at_median, norm_momentum: 0.5}
  autoencoder: {epochs: 1}
  reconstruction: {epochs: 1}
  training: {epochs: 2, learning_rate: 0.003, keep: last}
  variants: {authors: {networks: [mj_lat], network: {head: relu}}}
  weights: {lat_jnd1: LATJND1.h5}
  weights_input_size: [64, 64]
  jobs: {gpus: 0, threads: 1, memory_mb: 1000}
mtjnd:
  levels: [2]
  learning_curve: {networks: [mt_3ljnd], frames: [1, 2]}
  imagenet: VGG16.h5
  network: {input_size: [64, 64], width: 0.0625, head: linear_at_median}
  training: {epochs: 2, learning_rate: 0.003, keep: last}
  variants:
    curve: {networks: [mt_3ljnd], network: {head: vmaf_curve}}
    pretrained:
      networks: [mt_3ljnd]
      network: {backbone: efficientnet_lite0, colour: rgb, scale: unit}
  jobs: {gpus: 0, threads: 1, memory_mb: 1000}
"""
RUN = ("--configfile", "jnd.yaml")
PREDICTORS = {
    "laser_jnd": {"lat_jnd1", "rec_jnd1", "e2e_lat_jnd1", "mj_lat", "mj_rec"},
    "mtjnd": {"mt_3ljnd", "mt_1ljnd_va_jnd2", "mt_3ljnd_va"},
}
BASELINES = {"constant_mean", "constant_median", "linear_siti", "ridge_features"}


def write_keras(path: Path, network) -> None:
    """The weights of a network as Keras saves a model's, one group for each layer."""
    kinds = {
        "Linear": "dense",
        "BatchNorm2d": "batch_normalization",
        "UpConv": "conv2d_transpose",
    }
    with h5py.File(path, "w") as file:
        names = []
        for number, layer in enumerate(network.keras_layers()):
            name = f"{kinds.get(type(layer).__name__, 'conv2d')}_{number}"
            names.append(name.encode())
            group = file.create_group(name)
            weights = keras_weights(layer)
            group.attrs["weight_names"] = [f"{name}/{role}:0".encode() for role in weights]
            for role, values in weights.items():
                group[f"{name}/{role}:0"] = values
        file.attrs["layer_names"] = names


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Workflow:
    workflow = Workflow(tmp_path_factory.mktemp("jnd run"))
    workflow.write("jnd.yaml", CONFIG)
    write_keras(
        workflow.folder / "LATJND1.h5", build_network("lat", {"input_size": [64, 64]}, seed=3)
    )
    write_keras(workflow.folder / "VGG16.h5", Vgg16(0.0625))
    workflow.run(*RUN)
    return workflow


@pytest.fixture(scope="module")
def results(run) -> Path:
    return run.folder / "results"


def test_no_two_tables_of_the_run_disagree(results):
    assert not disagreements(results)


def test_networks_start_from_the_weights_that_are_given(run, results):
    summary = results / "models/mtjnd/mt_3ljnd_fold01_seed0/summary.json"
    given = sha256_of(run.folder / "VGG16.h5")
    assert json.loads(summary.read_text())["starts_from"]["imagenet"] == given
    pretrained = summary.parents[1] / "mt_3ljnd-pretrained_fold01_seed0/summary.json"
    assert json.loads(pretrained.read_text())["starts_from"]["imagenet"] != given


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("paper", PREDICTORS)
def test_every_network_is_in_the_tables_beside_the_baselines(results, paper):
    extra = {
        "laser_jnd": {"mj_lat-authors", "lat_jnd1-imported"},
        "mtjnd": {"mt_3ljnd-curve", "mt_3ljnd-pretrained"},
    }[paper]
    rows = rows_of(results / paper / "tables/errors.csv")
    assert {row["name"] for row in rows} == PREDICTORS[paper] | extra | BASELINES
    predicted = {"train", "val", "test"} if paper == "laser_jnd" else {"test"}
    assert {row["subset"] for row in rows} == predicted
    checks = rows_of(results / paper / "checks/networks.csv")
    assert {row["name"] for row in checks} == PREDICTORS[paper] | extra
    assert {row["verdict"] for row in checks} <= {"passed", "failed"}
    costs = rows_of(results / paper / "tables/costs.csv")
    assert {row["name"] for row in costs} == PREDICTORS[paper]


@pytest.mark.parametrize("paper", PREDICTORS)
def test_every_artefact_is_made(results, paper):
    figures = {path.stem for path in (results / paper / "figures").glob("*.png")}
    curve = {"learning_curve"} if paper == "mtjnd" else set()
    drawn = {"predicted_against_true", "error_histograms", "errors", "training_curves", "pictures"}
    assert figures == drawn | curve
    tables = {path.stem for path in (results / paper / "tables").glob("*.html")}
    wanted = {"errors", "skill", "errors_comparison", "multi_task", "costs"}
    assert tables == wanted | (
        {"variants", "coding", "reconstructions"} if paper == "laser_jnd" else {"variants", *curve}
    )


def test_learning_curve_learned_from_few_frames(results):
    rows = rows_of(results / "mtjnd/tables/learning_curve.csv")
    found = {(row["network"], row["frames"]) for row in rows}
    names = ("mt_3ljnd", "constant_median", "ridge_features")
    assert found == {(name, frames) for name in names for frames in ("1", "2", "")}
    summary = results / "models/mtjnd/mt_3ljnd-2frames_fold01_seed0/summary.json"
    assert json.loads(summary.read_text())["conditions"]["training_pictures"] == 2


def test_demo_is_never_called_reproduced(results):
    rows = rows_of(results / "laser_jnd/tables/errors_comparison.csv")
    assert {row["printed"] for row in rows} == {"", "1.57", "0.72"}
    assert all(row["verdict"] == "not comparable: stand-in content" for row in rows)


def test_networks_start_from_the_stage_before(results):
    models = results / "models/laser_jnd"
    run = "fold02_seed1"
    summary = json.loads((models / f"mj_rec_{run}/summary.json").read_text())
    starts = [f"jnd{level}_autoencoder_{run}" for level in (1, 2, 3)]
    assert list(summary["starts_from"]) == starts
    frozen = load_model(models / f"mj_rec_{run}/model.pt").encoders[1].state_dict()
    origin = load_model(models / starts[1] / "model.pt").encoder.state_dict()
    assert all(frozen[name].equal(values) for name, values in origin.items())


def test_clip_is_coded_no_finer_than_its_predicted_jnd(results):
    rows = {row["qp"]: row for row in rows_of(results / "laser_jnd/tables/coding.csv")}
    predicted = float(rows["4"]["predicted_jnd1"])
    assert int(rows["4"]["coded_qp"]) == max(4, int(predicted + 0.5))
    assert float(rows["4"]["saving_pct"]) > 0
    assert float(rows["32"]["saving_pct"]) == 0 or predicted > 32


def test_every_source_is_tested_once_from_every_seed_by_networks_that_never_saw_it(results):
    rows = rows_of(results / "laser_jnd/predictions.csv")
    lat = [row for row in rows if row["name"] == "lat_jnd1"]
    tested = sorted((r["frame"], r["seed"]) for r in lat if r["subset"] == "test")
    assert tested == sorted({(r["frame"], r["seed"]) for r in lat})
    subsets: dict[tuple[str, str], set[str]] = {}
    for row in lat:
        subsets.setdefault((row["fold"], row["source"]), set()).add(row["subset"])
    assert all(len(found) == 1 for found in subsets.values())
    assert subsets["fold01", "bigbuckbunny"] == {"test"}  # coded by fold01's network
    skill = rows_of(results / "laser_jnd/tables/skill.csv")
    assert {row["second"] for row in skill} == {"constant_median", "ridge_features"}
    ours = [row for row in skill if row["first"] == "lat_jnd1"]
    assert all(row["seeds"] == "2" and row["sources"] == "6" for row in ours)


def test_a_lost_model_is_trained_with_the_others_of_its_fold(run, results):
    lost = results / "models/laser_jnd/mj_rec_fold03_seed1/model.onnx"
    away = lost.rename(lost.with_suffix(".away"))
    planned = run.planned(*RUN, "--", str(lost.relative_to(run.folder)))
    away.rename(lost)
    assert planned == {"train_laser_jnd": 1}


def test_a_finished_run_has_nothing_to_do(run):
    assert run.planned(*RUN) == {}


def test_imported_weights_alone_need_no_training(run):
    """Everything of a paper from weights that are given: nothing is trained."""
    networks = "networks: [lat, rec, e2e_lat, mj_lat, mj_rec]"
    alone = CONFIG.replace(networks, "networks: []").replace("[laser_jnd, mtjnd]", "[laser_jnd]")
    alone = alone[: alone.index("  variants: {authors")] + alone[alone.index("  weights: {lat") :]
    head, _, tail = alone.partition("  mj_lat:\n")
    alone = head + tail[tail.index("jnd_frames:") :]
    run.write("imported.yaml", alone.replace("results_dir: results", "results_dir: imported"))
    planned = run.planned("--configfile", "imported.yaml", "--", "laser_jnd")
    assert planned["import_jnd_weights"] == planned["tabulate_laser_jnd"] == 1
    assert not any(name.startswith("train_") for name in planned)


def test_networks_start_from_autoencoders_that_are_given(run, tmp_path):
    there = run.moved(tmp_path)  # the frames are made
    shutil.rmtree(there.folder / "results/models/laser_jnd")
    options = {"input_size": [64, 64], "width": 0.0625, "scale": "raw"}
    given = build_network("laser_autoencoder", options, seed=5)
    write_keras(there.folder / "JND1Reconstruction.h5", given)
    networks = "networks: [lat, rec, e2e_lat, mj_lat, mj_rec]"
    started = CONFIG.replace(networks, "networks: [lat]").replace("[laser_jnd, mtjnd]", "[]")
    started = started.replace("  weights: {lat_jnd1: LATJND1.h5}\n", "")
    split = "split: {fractions: {train: 0.5, val: 0.25, test: 0.25}}"
    started = re.sub("split: .*", split, started)
    started = started.replace(
        "  variants: {authors: {networks: [mj_lat], network: {head: relu}}}",
        "  backbones: {jnd1_autoencoder: JND1Reconstruction.h5}",
    )
    head, _, tail = started.partition("  mj_lat:\n")
    started = head + tail[tail.index("jnd_frames:") :]
    there.write("started.yaml", started.replace("seeds: [0, 1]", "seeds: [0]"))
    home = "results/models/laser_jnd/lat_jnd1_fractions_seed0"
    wanted = "results/laser_jnd/tables/reconstructions.csv"
    there.run("--configfile", "started.yaml", "--", wanted)
    summary = json.loads((there.folder / home / "summary.json").read_text())
    assert list(summary["starts_from"]) == ["jnd1_autoencoder"]
    assert not list((there.folder / "results/models/laser_jnd").glob("image_autoencoder*"))
    encoder = load_model(there.folder / home / "model.pt").encoder.state_dict()
    assert all(encoder[k].equal(v) for k, v in given.encoder.state_dict().items())
    made = rows_of(there.folder / wanted)
    assert [row["name"] for row in made] == ["jnd1_autoencoder"] and made[0]["seeds"] == "0"


def test_unknown_network_in_the_configuration(run):
    run.write("wrong.yaml", CONFIG.replace("weights: {lat_jnd1", "weights: {lat_jnd9"))
    done = run.run("--dry-run", "--configfile", "wrong.yaml", check=False)
    assert done.returncode != 0 and "there is no network 'lat_jnd9'" in done.stdout
    assert "Traceback" not in done.stdout
