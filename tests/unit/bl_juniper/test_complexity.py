"""What the stages cost, and encoding with a map over without."""

from __future__ import annotations

import time
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.saliency.visual_importance import load_saliency
from jndlab.media.clip import ClipFormat, Frame
from jndlab.models.bl_juniper.cnn import BlJuniperCnn, BlockPreparation
from jndlab.models.jnd_onnx import export_jnd_onnx
from jndlab.papers.bl_juniper import complexity


def test_stages_of_a_frame(tmp_path):
    clip = ClipFormat(136, 72, Fraction(25), 2)  # 2 x 3 blocks
    rng = np.random.default_rng(0)
    flat = np.full((36, 68), 128, np.uint8)
    pair = [Frame(rng.integers(16, 236, (72, 136)).astype(np.uint8), flat, flat) for _ in range(2)]
    models = []
    for level in (1, 2, 3):
        models.append(tmp_path / f"{level}.onnx")
        network = BlJuniperCnn(level=level, width=0.125, **asdict(BlockPreparation()))
        export_jnd_onnx(network, models[-1])
    saliency = {"spectral": load_saliency("spectral_residual")}
    frame = complexity.KeyFrame(pair, 1, [26, 31, 34], clip)
    rows = complexity.stage_rows(frame, models, saliency, BlockMappingOptions())
    table = complexity.stage_table([*rows, *rows], every=8).set_index("what")
    assert table["stage"].tolist() == ["1", "2", "3", "4"] and set(table["clips"]) == {2}
    parameters, work = complexity.onnx_costs(models[0])
    assert table.loc["three CNNs", "parameters"] == 3 * parameters
    assert table.loc["three CNNs", "gmac"] == pytest.approx(3 * 6 * work / 1e9)
    codings = len({*range(26, 32), *range(31, 37), *range(34, 40)})
    taps = 18 + 22 * (2 + 3 * codings)
    assert table.loc["JND mapping", "gmac"] == pytest.approx(taps * 136 * 72 / 1e9)
    assert np.isnan(table.loc["importance, spectral", "gmac"])
    assert (table["cpu_ms"] > 0).all()
    assert table["cpu_ms_per_frame"].tolist() == pytest.approx((table["cpu_ms"] / 8).tolist())
    without = complexity.stage_rows(frame, [], {}, BlockMappingOptions())
    assert [row["stage"] for row in without] == ["1", "4"]


def test_time_is_that_of_the_fastest_run():
    spent = iter([0.3, 0.05, 0.2])

    def work() -> None:
        end = time.process_time() + next(spent)
        while time.process_time() < end:
            pass

    assert complexity.least_seconds(work) == pytest.approx(0.05, abs=0.04)


def test_encoding_is_held_against_the_anchor_at_equal_qp():
    rows = [
        (sequence, "AI", "kvazaar", method, qp, seconds, 10, seed)
        for sequence, anchor in (("a", 1.0), ("b", 4.0), ("c", 2.0))
        for qp, factor in ((22, 1.0), (27, 0.5))
        for method, seconds, seed in (
            ("anchor", anchor * factor, None),
            ("mine", 1.1 * anchor * factor, 0),
            ("mine", 1.3 * anchor * factor, 1),
        )
    ]
    names = ["sequence", "configuration", "codec", "method", "qp", "encode_cpu_s", "frames", "seed"]
    points = pd.DataFrame(rows, columns=names)
    (row,) = complexity.encoding_table(points, "anchor").to_dict("records")
    assert row["over_anchor_pct"] == pytest.approx(20) and row["points"] == 12
    assert row["anchor_ms_per_frame"] == pytest.approx(1000 * (7 / 3) * 0.75 / 10)
    assert row["clips"] == 3 and row["over_low"] < 20 < row["over_high"]  # seeds differ
