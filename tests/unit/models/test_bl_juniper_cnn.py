"""The CNN of BL-JUNIPER: its size, its inputs with the authors' mistake or without, its export."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jnd_network_checks import errors_while_learning, onnx_difference
from jndlab.errors import UserError
from jndlab.models.bl_juniper.cnn import BlJuniperCnn, BlockPreparation
from jndlab.models.jnd_onnx import export_jnd_onnx
from jndlab.models.keras.layers import multiply_accumulates
from jndlab.models.model_files import build_network, load_model, parameter_count, save_model
from jndlab.models.onnx_costs import onnx_costs


def test_parameters_and_cost():
    with torch.device("meta"):
        network = build_network("bl_juniper_cnn")
    assert parameter_count(network) == 2_618_689
    macs = multiply_accumulates(network, network.example_inputs(device="meta"))
    convolutions = sum(
        9 * a * b * (64 >> i) ** 2
        for i, (a, b) in enumerate([(3, 32), (32, 64), (64, 128), (128, 256), (256, 512)])
    )
    assert macs == convolutions + 2049 * 512 + 512


def test_an_onnx_file_tells_parameters_and_cost(tmp_path):
    network = BlJuniperCnn(width=0.25)
    for number, parameter in enumerate(network.parameters()):  # exporters store equal ones once
        torch.nn.init.constant_(parameter, 0.01 * number)
    export_jnd_onnx(network, tmp_path / "model.onnx")
    macs = multiply_accumulates(network, network.example_inputs())
    assert onnx_costs(tmp_path / "model.onnx") == (parameter_count(network), macs)


def test_temporal_information_follows_the_features():
    network = BlJuniperCnn().eval()
    blocks = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        network.dense[0].weight.zero_()
        network.dense[0].weight[:, -1] = 1.0
        network.heads.last[0].weight.fill_(1.0)
        outputs = network(blocks, torch.tensor([0.0, 0.5]))["jnd1"]
    assert outputs.tolist() == pytest.approx([0.0, 0.5 * 512], rel=1e-5)


def test_preparation_standardises_as_fitted():
    generator = np.random.default_rng(0)
    blocks = generator.integers(0, 256, (9, 64, 64, 3), dtype=np.uint8)
    blocks[..., 2] //= 4
    ti = generator.random(9) * 30
    preparation = BlockPreparation.fitted(blocks, ti)
    planes, values = preparation(blocks, ti)
    assert planes.shape == (9, 3, 64, 64)
    assert planes.mean((0, 2, 3)).abs().max() < 1e-4
    assert planes.var((0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-4)
    assert values.mean().abs() < 1e-5
    assert preparation.pixel_mean[2] == pytest.approx(blocks[..., 2].mean())
    with pytest.raises(UserError, match="all equal"):
        BlockPreparation.fitted(blocks, np.ones(9))


def test_scrambled_blocks_are_planes_read_as_pixels():
    block = np.zeros((1, 64, 64, 3), np.uint8)
    block[0, 0, :, 0] = np.arange(64)  # the first row of red
    block[..., 1], block[..., 2] = 100, 200
    planes, _ = BlockPreparation(scrambled=True)(block, np.zeros(1))
    # Three neighbours of that row have become one pixel's colours; then come rows of zeros.
    assert planes[0, :, 0, 0].tolist() == [0, 1, 2]
    assert planes[0, :, 0, 20].tolist() == [60, 61, 62]
    # A third of the pixels further begins green, another third blue.
    assert planes[0, :, 22, 0].tolist() == [100, 100, 100]
    assert planes[0, :, 63, 63].tolist() == [200, 200, 200]
    straight, _ = BlockPreparation()(block, np.zeros(1))
    assert straight[0, :, 0, 7].tolist() == [7, 100, 200]


def test_model_file_keeps_the_preparation(tmp_path):
    blocks = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    fitted = BlockPreparation.fitted(blocks, np.arange(4.0), scrambled=True)
    network = build_network("bl_juniper_cnn", {"width": 0.25, "level": 2, **vars(fitted)}).eval()
    save_model(tmp_path / "cnn.pt", network)
    again = load_model(tmp_path / "cnn.pt", network="bl_juniper_cnn")
    assert again.preparation == fitted
    inputs = again.preparation(blocks, np.arange(4.0))
    assert torch.equal(again(*inputs)["jnd2"], network(*inputs)["jnd2"])
    with pytest.raises(UserError, match="does not take these options"):
        build_network("bl_juniper_cnn", {"pixel_means": [1, 2, 3]})


def test_network_learns_four_blocks_by_heart():
    options = {"width": 0.125, "head": "linear_at_mean", "label_means": [29.0]}
    before, after = errors_while_learning(
        build_network("bl_juniper_cnn", options, seed=0), 40, 3e-3
    )
    assert after < 0.5 * before


def test_onnx_export_agrees():
    assert onnx_difference(build_network("bl_juniper_cnn", {"width": 0.25}, seed=0)) < 1e-4
