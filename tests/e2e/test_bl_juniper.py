"""BL-JUNIPER from pictures to tables at the smallest scale: labels, networks, maps, coding."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from codec_clips import decoded_qps
from consistency import disagreements
from jndlab.files import read_json
from jndlab.media.clip import ClipFormat
from workflow_runner import Workflow

CONFIG = """
results_dir: results
sequences: [bikes_tiny, bigbuckbunny_tiny]
frames: 6
configurations: [LDP]
qps: [22, 27, 32, 37]
codecs: [kvazaar-ultrafast]
papers: [bl_juniper]
mlflow: false
methods:
  anchor: {kind: anchor}
  bl_juniper:
    kind: block_qp
    class: jndlab.jnd.block.qp_control:BlockJndControl
    options:
      jnd: "{results}/bl_juniper/block_jnd/cnn_seed{seed}/{sequence}.npz"
      importance: "{results}/bl_juniper/importance/dsr_small/{sequence}.npz"
      max_delta: 25
bl_juniper:
  key_frames_every: 4
  clip_labels: {codec: x264-ultrafast, frames: 5}
  training_data:
    source: panned_pictures
    pictures: 5
    crops_per_picture: 1
    crop: [192, 128]
    codec: x264-ultrafast
    split: {fractions: {train: 0.6, val: 0.2, test: 0.2}}
  cnn: {width: 0.125, head: linear_at_mean, epochs: 2, batch_size: 8, learning_rate: 1.0e-3}
  compare: {plain_qps: [], every: 3}
  experiment:
    codec: kvazaar-ultrafast
    frames: 2
    anchor_qps: [20, 45]
    targets: [22]
    competitors:
      kvazaar_vaq: {codec: kvazaar-ultrafast-vaq}
      x265_aq: {codec: x265-ultrafast-aq, anchor: x265-ultrafast-no-aq}
  importance: {dsr_small: {model: dsr_small}, spectral_residual: {model: spectral_residual}}
"""
BY_X264 = (
    CONFIG.replace("kvazaar-ultrafast", "x264-ultrafast")
    .replace("cnn_seed{seed}", "mapped")
    .replace("      kvazaar_vaq: {codec: x264-ultrafast-vaq}\n", "")
)
RUN = ("--configfile", "bl_juniper.yaml", "--", "bl_juniper")
SEQUENCES = {"bikes_tiny": (2, 3), "bigbuckbunny_tiny": (2, 2)}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Workflow:
    workflow = Workflow(tmp_path_factory.mktemp("bl juniper run"))
    workflow.write("bl_juniper.yaml", CONFIG)
    workflow.run(*RUN)
    return workflow


@pytest.fixture(scope="module")
def results(run) -> Path:
    return run.folder / "results"


def test_no_two_tables_of_the_run_disagree(results):
    assert not disagreements(results)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_streams_are_smaller_at_every_target_below_jnd3(results):
    savings = rows(results / "bl_juniper/tables/savings.csv")
    assert len(savings) == 2 * 4
    below = [row for row in savings if row["below_jnd3"] == "True"]
    assert below and all(row["smaller"] == "True" for row in below)
    assert all(float(row["vmaf_drop"]) > 0 for row in below)
    sizes = {
        (row["sequence"], row["configuration"], row["method"], int(row["qp"])): row
        for row in savings
    }
    path = results / "points/kvazaar-ultrafast/LDP/bikes_tiny/bl_juniper/qp22.json"
    point = json.loads(path.read_text())
    saved = float(sizes["bikes_tiny", "LDP", "bl_juniper", 22]["saving_pct"])
    anchor = json.loads(Path(str(path).replace("bl_juniper/qp", "anchor/qp")).read_text())
    assert saved == pytest.approx(100 * (1 - point["bits"] / anchor["bits"]), abs=1e-4)
    assert "qp_map_sha256" in point["recipe"]["codec"]


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_qps_follow_the_stages_that_were_handed_over(results, sequence):
    folder = results / "bl_juniper"
    with np.load(folder / f"block_jnd/cnn_seed0/{sequence}.npz") as file:
        jnd, frames = np.sort(file["values"], axis=-1), file["frames"]
    with np.load(folder / f"importance/dsr_small/{sequence}.npz") as file:
        importance = file["values"]
    with np.load(results / f"qp_maps/{sequence}/bl_juniper/qp22.npz") as file:
        qps = file["qp"]
    assert frames.tolist() == [0, 4] and qps.shape == (6, *SEQUENCES[sequence])
    assert (qps >= 22).all()
    level = 3 - importance[1].astype(int)
    expected = np.take_along_axis(jnd[1], level[..., None], axis=-1)[..., 0]
    above = jnd[1].min(axis=-1) >= 22  # the first row of the table
    assert np.array_equal(qps[5][above], np.floor(expected + 0.5)[above]) and above.any()


def test_mapped_labels_reach_five_above_their_video(results):
    for sequence in SEQUENCES:
        levels = [
            float(row["value"]) for row in rows(results / f"bl_juniper/video_jnd/{sequence}.csv")
        ]
        with np.load(results / f"bl_juniper/block_jnd/mapped/{sequence}.npz") as file:
            offsets = file["values"] - np.array(levels)
        assert offsets.min() >= 0 and offsets.max() <= 5


def test_every_artefact_of_the_paper_is_made(results):
    tables = {path.stem for path in (results / "bl_juniper/tables").glob("*.csv")}
    wanted = "savings headline headline_comparison bd_rate equal_rate plain_qp_increase block_qps"
    wanted += " answers block_jnd_error label_tension experiment experiment_answers"
    wanted += " complexity encoding_time"
    assert tables == set(wanted.split())
    assert {row["check"] for row in rows(results / "bl_juniper/checks/networks.csv")} == {"alive"}
    figures = {path.stem for path in (results / "bl_juniper/figures").glob("*.png")}
    assert figures == {
        "rd_vmaf_mean", "rd_psnr_y_framemean", "saving_over_target_qp", "gain_wpsnr", "gain_wssim",
        "maps_bikes_tiny", "maps_bigbuckbunny_tiny", "crops_bikes_tiny", "crops_bigbuckbunny_tiny",
    }  # fmt: skip


def test_the_method_codes_by_x264_too(run, tmp_path):
    """H.264, in whose QPs the JNDs are: offsets of blocks, as the decoder reads them."""
    workflow = run.moved(tmp_path)
    workflow.write("bl_juniper.yaml", BY_X264)
    workflow.run(*RUN)
    results = workflow.folder / "results"
    savings = rows(results / "bl_juniper/tables/savings.csv")
    assert {row["codec"] for row in savings} == {"x264-ultrafast"}
    below = [row for row in savings if row["below_jnd3"] == "True"]
    assert below and all(float(row["saving_pct"]) > 0 for row in below)
    experiment = rows(results / "bl_juniper/tables/experiment.csv")
    assert {row["map"] for row in experiment} >= {"mapped", "ceiling: importance", "x265_aq"}
    for sequence in SEQUENCES:
        place = f"x264-ultrafast/LDP/{sequence}/bl_juniper/qp22"
        point = json.loads((results / f"points/{place}.json").read_text())
        assert "qp_map_sha256" in point["recipe"]["codec"]
        with np.load(results / f"qp_maps/{sequence}/bl_juniper/qp22.npz") as file:
            qps = file["qp"]
        clip = read_json(results / f"sequences/{sequence}.json")
        size = ClipFormat(clip["width"], clip["height"], Fraction(25), len(qps))
        decoded = decoded_qps(results / f"streams/{place}.264", size)
        wide = qps.repeat(4, axis=1).repeat(4, axis=2)[:, : decoded.shape[1], : decoded.shape[2]]
        # A step of one is not coded, and a macroblock without residual has the QP before it.
        assert (np.abs(decoded - wide) <= 1).mean() > 0.7
        assert np.corrcoef(decoded.ravel(), wide.ravel())[0, 1] > 0.7


def test_stand_ins_keep_their_names(results):
    folder = results / "bl_juniper/tables"
    assert all(
        row["verdict"].startswith("not comparable")
        for row in rows(folder / "headline_comparison.csv")
    )
    found = rows(folder / "block_jnd_error.csv")
    assert {row["labels"] for row in found} == {"vmaf_steps"}
    assert {row["predictor"] for row in found} == {
        "cnn", "mean", "ti_regression", "video_jnd + mean offset",
    }  # fmt: skip
    assert {row["test_set"] for row in found} == {"panned_pictures, test", "coded sequences"}


def test_networks_are_trained_for_each_level(results):
    for level in (1, 2, 3):
        summary = json.loads(
            (results / f"models/bl_juniper/jnd{level}_seed0/summary.json").read_text()
        )
        assert summary["architecture"]["options"]["level"] == level and summary["epochs"] == 2


def test_the_two_questions_are_answered_from_the_tables(results):
    answers = rows(results / "bl_juniper/tables/answers.csv")
    smaller = [row for row in answers if row["question"].startswith("smaller")]
    assert [row["answer"] for row in smaller] == ["yes"]
    better = {row["judge"]: row for row in answers if row["question"].startswith("more wpsnr")}
    assert set(better) == {"uniform", "dsr_small", "spectral_residual"}
    for row in better.values():
        assert 0 < int(row["points"]) <= 8 and row["unit"] == "dB"
        assert row["answer"] == "not shown" and "too few sources" in row["statement"]


def test_the_experiment_holds_the_method_against_the_best_possible_map(results):
    table = rows(results / "bl_juniper/tables/experiment.csv")
    assert {row["quality"] for row in table} == {"weighted PSNR", "VMAF NEG of crops"}
    table = [row for row in table if row["weighting"] == "importance"]
    gains = {row["map"]: float(row["gain"]) for row in table if row["unit"] == "dB"}
    assert {"cnn", "cnn_constant", "cnn_jnd_only", "mapped", "kvazaar_vaq"} <= set(gains)
    over = {row["map"]: row["over"] for row in table}
    assert over["x265_aq"] == "anchor of x265_aq" and over["kvazaar_vaq"] == "anchor"
    assert gains["ceiling: importance"] == max(gains.values()) > 0
    answers = rows(results / "bl_juniper/tables/experiment_answers.csv")
    assert all("too few sources" in row["statement"] for row in answers)


def test_stages_and_encoding_have_their_costs(results):
    stages = rows(results / "bl_juniper/tables/complexity.csv")
    assert {row["what"] for row in stages} == {
        "JND mapping", "three CNNs", "importance, dsr_small", "importance, spectral_residual",
        "decision table",
    }  # fmt: skip
    assert all(float(row["cpu_ms"]) > 0 for row in stages)
    encoding = rows(results / "bl_juniper/tables/encoding_time.csv")
    assert [(row["method"], row["points"]) for row in encoding] == [("bl_juniper", "8")]


def test_the_authors_labels_have_rows_and_a_check(run, tmp_path):
    there = run.moved(tmp_path)
    rng = np.random.default_rng(0)
    jnd = rng.integers(30, 36, (30, 3, 5, 16, 30), dtype=np.uint8)
    np.savez(there.folder / "labels.npz", jnd=jnd, ti=rng.random((30, 5, 16, 30), dtype=np.float32))
    there.write("labelled.yaml", CONFIG + "  labels: labels.npz\n")
    paper = there.folder / "results/bl_juniper"
    made = (paper / "tables/label_tension.csv", paper / "checks/label_statistics.csv")
    wanted = (f"results/bl_juniper/{p.parent.name}/{p.name}" for p in made)
    there.run("--configfile", "labelled.yaml", "--", *wanted)
    tension, statistics = (rows(path) for path in made)
    of_authors = [row for row in tension if row["labels"] == "authors"]
    assert len(of_authors) == 4 * 3 and float(of_authors[0]["blocks"]) == 72_000
    assert {row["verdict"] for row in statistics} >= {"deviates"}  # these are not theirs
    errors = rows(paper / "tables/block_jnd_error.csv")
    assert {row["predictor"] for row in errors if row["labels"].startswith("mapped")} == {
        "mean", "ti_regression", "video_jnd + mean offset",
    }  # fmt: skip


def test_another_importance_model_predicts_no_jnd_again(run):
    other = CONFIG.replace("dsr_small", "centre")
    run.write("other.yaml", other)
    planned = run.planned("--configfile", "other.yaml", "--", "bl_juniper")
    assert planned["map_importance"] == 2 and planned["map_block_qps"] == 8
    assert not {"predict_block_jnd", "train_bl_juniper", "map_block_jnd"} & set(planned)


def test_the_authors_weights_take_the_place_of_the_training(run):
    names = [f"JND{level}.h5" for level in (1, 2, 3)]
    for name in names:
        run.write(name, "weights")
    other = CONFIG.replace("cnn: {", f"cnn: {{scrambled: true, weights: [{', '.join(names)}], ")
    run.write("authors.yaml", other)
    planned = run.planned("--configfile", "authors.yaml", "--", "bl_juniper")
    assert planned["import_bl_juniper"] == 3 and planned["predict_block_jnd"] == 2
    assert "train_bl_juniper" not in planned


def test_a_finished_run_has_nothing_to_do(run):
    assert run.planned(*RUN) == {}


def test_a_codec_that_is_no_entry_is_told_without_a_traceback(run):
    run.write("wrong.yaml", CONFIG.replace("codec: x264-ultrafast, frames", "codec: x26, frames"))
    done = run.run("--dry-run", "--configfile", "wrong.yaml", "--", "bl_juniper", check=False)
    assert done.returncode and "clip_labels.codec: 'x26'" in done.stdout
    assert "Traceback" not in done.stdout
