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
from jndlab.models.vmaf_curve import BEND, CURVE, QPS, WHOLE, CurveHeads, bent, crossing
from jndlab.quality.vmaf_steps import StepRule, step_levels

START = np.linspace(0.01, 5, QPS).tolist()


@given(st.lists(st.floats(0.01, 0.5), min_size=QPS, max_size=QPS))
def test_a_level_is_the_first_whole_qp_at_or_after_its_crossing(falls):
    curve = np.cumsum(falls)
    rule = StepRule(step=1.0)
    labels = step_levels(range(1, QPS + 1), (100 - curve).tolist(), 100.0, rule)
    for level, label in enumerate(labels, 1):
        found = crossing(torch.tensor(curve)[None], level).item() - WHOLE
        if label is None:
            assert found == pytest.approx(QPS)
        else:
            assert label - 1 - 1e-6 <= found <= label + 1e-6


def test_heads_start_at_the_given_curve_and_never_rise():
    heads = CurveHeads(8, [4], (1, 2, 3), START)
    heads.start()
    outputs = heads(torch.randn(3, 8))
    expected = bent(torch.tensor(START))
    assert torch.allclose(outputs[CURVE], expected.expand(3, QPS), atol=1e-5)
    torch.nn.init.normal_(heads.last.weight, std=30)
    outputs = heads(torch.randn(3, 8))
    assert (outputs[CURVE].diff(dim=1) >= 0).all() and outputs[CURVE].max() <= BEND
    assert (outputs["jnd1"] <= outputs["jnd2"]).all() and (outputs["jnd2"] <= outputs["jnd3"]).all()


def test_a_start_of_another_length_is_refused():
    with pytest.raises(UserError, match="a curve of 50 values"):
        CurveHeads(8, [], (1,), START[1:])


@pytest.mark.parametrize("name", ["mt_3ljnd", "mj_lat", "lat"])
def test_onnx_export_agrees(name):
    options = {"input_size": [64, 96], "width": 0.125, "head": CURVE, "label_start": [START]}
    network = build_network(name, options, seed=0).eval()
    torch.nn.init.normal_(network.heads.last.weight, std=2)
    inputs = example_batch(network)
    found = JndSession(jnd_onnx_bytes(network), threads=1)(*(one.numpy() for one in inputs))
    with torch.inference_mode():
        expected = network(*inputs)
    for key, values in expected.items():
        assert np.abs(found[key] - values.numpy()).max() < 1e-3
    assert expected["jnd1"].std() > 0.01  # it sees its input
