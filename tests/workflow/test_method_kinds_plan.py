"""A user's own JND predictor and block-QP control go the whole way; so do encodes in segments."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from jndlab.files import sha256_of
from workflow_runner import Workflow

CONFIG = """
sequences: [bigbuckbunny_tiny]
frames: 4
configurations: [AI]
qps: [27, 37]
codecs: [x265-ultrafast]
mlflow: false
papers: []
methods:
  anchor: {kind: anchor}
  level:
    kind: jnd_predictor
    class: my_methods:Level
    options: {qp: 32.4, networks: [{luma: my_level}]}
  coarser:
    kind: block_qp
    class: my_methods:Coarser
    codecs: [kvazaar-ultrafast]
    options: {by: 3, files: {network: my_maps.net}}
"""

METHODS = """
import numpy as np

from jndlab.jnd.block.qp import grid


class Level:
    def __init__(self, *, qp, networks):
        self.qp = qp

    def predict(self, frames, clip):
        return [(index, (self.qp + index, 45)) for index, _ in enumerate(frames) if index < 1]


class Coarser:
    def __init__(self, *, by, files):
        self.by = by

    def qp_maps(self, frames, clip, qp):
        for _ in frames:
            yield np.full(grid(clip), qp + self.by)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Workflow:
    workflow = Workflow(tmp_path_factory.mktemp("kinds"))
    workflow.write("my_methods.py", METHODS)
    workflow.write("mine.yaml", CONFIG)
    workflow.write("my_level", "weights of a network\n")
    workflow.write("my_maps.net", "weights of another\n")
    workflow.run("--configfile", "mine.yaml")
    return workflow


def points(folder: Path, codec: str, method: str) -> dict[int, dict]:
    files = (folder / f"results/points/{codec}/AI/bigbuckbunny_tiny/{method}").glob("qp??.json")
    return {point["key"]["qp"]: point for point in (json.loads(f.read_text()) for f in files)}


def test_a_predictor_never_codes_finer_than_its_jnd(finished):
    coded = points(finished.folder, "x265-ultrafast", "level")
    anchor = points(finished.folder, "x265-ultrafast", "anchor")
    assert {qp: point["coded_qp"] for qp, point in coded.items()} == {27: 32, 37: 37}
    assert coded[27]["bits"] < anchor[27]["bits"]
    assert coded[37]["bits"] == anchor[37]["bits"]
    assert coded[37]["metrics"] == anchor[37]["metrics"]


def test_a_control_codes_blocks_with_its_qps(finished):
    coded = points(finished.folder, "kvazaar-ultrafast", "coarser")
    anchor = points(finished.folder, "kvazaar-ultrafast", "anchor")
    for qp in (27, 37):
        assert coded[qp]["bits"] < anchor[qp]["bits"]
        assert coded[qp]["metrics"]["vmaf_mean"] < anchor[qp]["metrics"]["vmaf_mean"]
        assert len(coded[qp]["recipe"]["codec"]["qp_map_sha256"]) == 64


def test_points_name_the_models_of_their_method_and_another_model_makes_them_again(finished):
    jobs = {
        "level": ("my_level", "x265-ultrafast", "predict_jnd", 1),
        "coarser": ("my_maps.net", "kvazaar-ultrafast", "map_block_qps", 2),
    }
    for method, (name, codec, rule, count) in jobs.items():
        file = finished.folder / name
        for point in points(finished.folder, codec, method).values():
            assert point["recipe"]["models_sha256"] == [sha256_of(file)]
        for point in points(finished.folder, codec, "anchor").values():
            assert point["recipe"]["models_sha256"] == []
        before = file.read_bytes()
        file.write_bytes(b"weights of a longer training\n")
        planned = finished.planned("--configfile", "mine.yaml")
        file.write_bytes(before)
        assert planned[rule] == count
        assert planned["encode_clip"] == planned["measure_point"] == 2
    assert finished.planned("--configfile", "mine.yaml") == {}


def test_every_method_is_in_the_tables(finished):
    with open(finished.folder / "results/tables/same_qp.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {(row["codec"], row["method"]) for row in rows}
    assert found == {("x265-ultrafast", "level"), ("kvazaar-ultrafast", "coarser")}
    saving = {(row["method"], row["qp"]): float(row["saving_pct"]) for row in rows}
    assert saving["level", "27"] > 5 and saving["level", "37"] == 0


def test_segments_change_no_number(finished, tmp_path):
    workflow = Workflow(tmp_path)
    workflow.write("my_methods.py", METHODS)
    workflow.write("mine.yaml", CONFIG + "ai_segment_frames: 2\n")
    workflow.write("my_level", "weights of a network\n")
    workflow.write("my_maps.net", "weights of another\n")
    planned = workflow.planned("--configfile", "mine.yaml")
    # Of x265's four encodes each is cut in two, as is kvazaar's anchor; maps are for whole clips.
    assert planned["encode_segment"] == 2 * 6
    assert planned["join_segments"] == 6 and planned["encode_clip"] == 2
    workflow.run("--configfile", "mine.yaml", "--", "tables")
    for method in ("anchor", "level"):
        whole = points(finished.folder, "x265-ultrafast", method)
        joined = points(tmp_path, "x265-ultrafast", method)
        for qp in (27, 37):
            assert joined[qp]["metrics"] == whole[qp]["metrics"]
            assert joined[qp]["recipe"]["models_sha256"] == whole[qp]["recipe"]["models_sha256"]
            assert abs(joined[qp]["bits"] - whole[qp]["bits"]) <= 8
    assert not list((tmp_path / "results/segments").rglob("*.265"))
