"""A codec class of one's own and AV1, at constant rate factors, from a clip to tables."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from codec_clips import cut_clip
from jndlab import results
from jndlab.errors import UserError
from workflow_runner import REPOSITORY, Workflow

CONFIG = """
own_sequences: {mine: {file: mine.mkv}}
configurations: [LDP]
rate: {crf: [22, 28, 34, 40]}
codecs: [own, svt]
own_codecs:
  own: {class: "my_codecs:Mine", options: {depth: 2}}
  svt: {adapter: svtav1, preset: 10, params: {enable-cdef: 0}}
mlflow: false
papers: []
methods:
  anchor: {kind: anchor}
  erjnd: {kind: prefilter, class: "jndlab.jnd.erjnd:ErjndPrefilter"}
"""
CODEC = """
from jndlab.codecs.x265 import X265Codec


class Mine(X265Codec):
    def __init__(self, depth=1, rate="qp"):
        super().__init__("ultrafast", params={"rd": depth}, rate=rate)
"""


def test_own_codecs_run_and_an_edit_encodes_again(tmp_path, monkeypatch):
    workflow = Workflow(tmp_path)
    cut_clip(tmp_path / "mine.mkv", 64, 48, 3)
    workflow.write("my_codecs.py", CODEC)
    workflow.write("mine.yaml", CONFIG)
    workflow.run("--configfile", "mine.yaml")
    points = pd.read_csv(tmp_path / "results/tables/rd_points.csv")
    assert len(points) == 16 and set(points["content"]) == {"own"}
    assert sorted(set(points["qp"])) == [22, 28, 34, 40]
    encoders = points.groupby("codec")["encoder"].first()
    assert encoders["own"].endswith(" CRF rd=2") and encoders["svt"].endswith(" CRF enable-cdef=0")
    figure = (tmp_path / "results/figures/rd_vmaf_mean_svt.svg").read_text()
    assert "codec svt; CRF 22, 28, 34, 40" in figure and "stand-in" not in figure
    saving = (tmp_path / "results/figures/saving_pct.svg").read_text()
    assert "at equal CRF" in saving and "CRF 22" in saving and "QP" not in saving
    assert (
        "at equal CRF, means over sequences and CRFs"
        in (tmp_path / "results/summary.md").read_text()
    )
    # The user's file is code like ours: an edit encodes what it coded again, and only that.
    workflow.write("my_codecs.py", CODEC + "\n# an edit\n")
    planned = workflow.planned("--configfile", "mine.yaml")
    assert planned["encode_clip"] == 8 and "prefilter_clip" not in planned
    # What is there is read as tables, and by the notebook of the documents.
    cells = json.loads((REPOSITORY / "docs/results.ipynb").read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)
    run = names["run"]
    assert len(run.points) == 16 and len(run.frames) == 16 * 3
    assert set(run.frames["frame"]) == {0, 1, 2} and run.frames["vmaf"].between(0, 100).all()
    assert set(run.summary["method"]) and set(run.same_qp["method"]) == {"erjnd"}
    with pytest.raises(UserError, match="lacks a table"):
        results.load(tmp_path / "none")
