"""Heads that learn VMAF over QP: the levels read off are those of the rule, and curves fall."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jnd_network_checks import example_batch
from jndlab.errors import UserError
from jndlab.models.jnd_onnx import JndSession, jnd_onnx_bytes
from jndlab.models.model_files import build_network
from jndlab.models.vmaf_curve import CURVE, FALLS, QPS, WHOLE, CurveHeads, qps_at_falls
from jndlab.quality.vmaf_steps import StepRule, step_levels

START = [(20 + 4 * FALLS).tolist(), [5.0] * len(FALLS)]


@given(st.lists(st.floats(-0.2, 0.5), min_size=len(QPS), max_size=len(QPS)))
def test_a_level_is_the_first_whole_qp_at_or_after_its_crossing(falls):
    curve = np.cumsum(falls)
    labels = step_levels(QPS.tolist(), (100 - curve).tolist(), 100.0, StepRule(step=1.0))
    found = qps_at_falls([curve])[0]
    for level, label in enumerate(labels, 1):
        crossing = found[FALLS.tolist().index(level)]
        if label is None:
            assert crossing == QPS[-1]
        else:
            assert label - 1 - 1e-4 <= crossing <= label + 1e-4


def test_heads_start_at_the_median_curve_and_levels_are_its_points():
    heads = CurveHeads(8, [4], (1, 3), START)
    heads.start()
    outputs = heads(torch.randn(3, 8))
    assert torch.allclose(outputs[CURVE], torch.tensor(START[0]).expand(3, -1))
    assert torch.allclose(outputs["jnd3"], torch.full((3,), 20 + 4 * 3 + WHOLE))
    assert set(outputs) == {"jnd1", "jnd3", CURVE}


def test_a_start_of_another_length_is_refused():
    for start in ([], START[:1], [START[0][1:], START[1]]):
        with pytest.raises(UserError, match="has no start"):
            CurveHeads(8, [], (1,), start)


@pytest.mark.parametrize("name", ["mt_3ljnd", "mj_lat", "lat"])
def test_onnx_export_agrees(name):
    options = {"input_size": [64, 96], "width": 0.125, "head": CURVE, "label_start": START}
    network = build_network(name, options, seed=0).eval()
    inputs, last = example_batch(network), network.heads.last
    with torch.inference_mode():
        torch.nn.init.normal_(last.weight, generator=torch.Generator().manual_seed(0))
        spread = network(*inputs)["jnd1"]
        last.weight.mul_(10 / (spread.max() - spread.min()))  # QP
    found = JndSession(jnd_onnx_bytes(network), threads=1)(*(one.numpy() for one in inputs))
    with torch.inference_mode():
        expected = network(*inputs)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values.numpy(), rtol=1e-3, atol=1e-2)
    assert expected["jnd1"].std() > 1  # it sees its input
