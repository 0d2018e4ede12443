"""CNN-JNQD: its size, its border, its training on 14x14 crops, its export."""

from __future__ import annotations

import numpy as np
import torch

from jndlab.models.iqnet.cnn_jnqd import CnnJnqd
from jndlab.models.model_files import build_network, parameter_count
from jndlab.models.onnx_runtime import LumaSession, onnx_bytes


def test_parameter_count():
    assert parameter_count(CnnJnqd()) == 38_145


def test_forward_cuts_the_border_and_at_use_makes_it_up():
    network = build_network("cnn_jnqd", seed=0)
    picture = torch.rand(2, 1, 14, 14)
    assert network(picture).shape == (2, 1, 8, 8)
    assert network.at_use(picture).shape == picture.shape
    inner = network.at_use(picture)[:, :, 3:-3, 3:-3]
    assert torch.allclose(inner, network(picture).clamp(0, 1), atol=1e-7)


def test_there_is_no_skip():
    network = build_network("cnn_jnqd", seed=0)
    assert network(torch.full((1, 1, 9, 9), 0.8)).abs().max() < 0.05


def test_border_repeats_the_edge():
    network = _bright(seed=1)
    flat = torch.full((1, 1, 5, 6), 0.5)
    filtered = network.at_use(flat)
    assert torch.allclose(filtered, filtered[0, 0, 2, 2].expand_as(filtered), atol=1e-6)


def test_onnx_has_the_border_inside():
    network = _bright(seed=2)
    session = LumaSession(onnx_bytes(network), threads=1)
    for height, width in [(14, 14), (33, 50), (2, 1)]:
        luma = np.random.default_rng(width).random((height, width), dtype=np.float32)
        with torch.inference_mode():
            expected = network.at_use(torch.from_numpy(luma)[None, None])[0, 0].numpy()
        assert session(luma).shape == luma.shape
        assert np.abs(session(luma) - expected).max() < 1e-5


def _bright(seed: int) -> CnnJnqd:
    """Weights large enough for outputs that are neither 0 nor clipped."""
    network = build_network("cnn_jnqd", seed=seed)
    with torch.no_grad():
        for layer in network.layers[:3:2]:
            layer.weight.mul_(6)
        network.layers[4].bias.fill_(0.5)
    return network.eval()
