"""IQNet: its size, its start as the identity, its residual form, its export to ONNX."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from jndlab.errors import UserError
from jndlab.models.iqnet.iqnet import IQNet
from jndlab.models.model_files import (
    architecture_of,
    build_network,
    load_model,
    parameter_count,
    save_model,
)
from jndlab.models.onnx_runtime import LumaSession, export_onnx

WIDE = {"channels": 32, "block_3x3": False}


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 3_297), (WIDE, 2_977), ({"channels": 32}, 12_225), ({"channels": 8}, 945)],
)
def test_parameter_counts(options, count):
    assert parameter_count(IQNet(**options)) == count


@pytest.mark.parametrize(("options", "reach"), [({}, 3), (WIDE, 2)])
def test_receptive_field(options, reach):
    network = _scrambled(**options)
    picture = torch.rand(1, 1, 17, 17)
    touched = picture.clone()
    touched[0, 0, 8, 8] += 0.5
    changed = (network(touched) - network(picture)).abs()[0, 0] > 0
    rows, columns = torch.nonzero(changed, as_tuple=True)
    assert (rows.min(), rows.max()) == (8 - reach, 8 + reach)
    assert (columns.min(), columns.max()) == (8 - reach, 8 + reach)


def test_untrained_network_changes_nothing():
    picture = torch.rand(2, 1, 31, 45)
    for options in ({}, WIDE):
        assert torch.equal(IQNet(**options)(picture), picture)


def test_untrained_features_ignore_brightness():
    dark, bright = (IQNet().head(torch.full((1, 1, 9, 9), level)) for level in (0.1, 0.9))
    assert dark[0, :, 4, 4].abs().max() < 1e-5
    assert bright[0, :, 4, 4].abs().max() < 1e-5


def test_at_use_is_clipped_and_forward_is_not():
    network = IQNet()
    torch.nn.init.constant_(network.tail.bias, 0.7)
    picture = torch.rand(1, 1, 8, 8) * 0.5 + 0.5
    assert network(picture).max() > 1.0
    assert network.at_use(picture).max() == 1.0


def test_initial_weights_follow_the_seed_only():
    first, again, other = (build_network("iqnet", seed=seed) for seed in (3, 3, 4))
    torch.rand(5)
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_building_leaves_torch_random_numbers_alone():
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    build_network("iqnet", seed=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("options", "count"), [({}, 875), (WIDE, 1_947)])
def test_folded_network_is_the_same_function(options, count):
    network = _scrambled(**options)
    for parameter in network.parameters():  # no zero bias may hide a mistake
        torch.nn.init.normal_(parameter, std=0.2)
    folded = network.for_use()
    for size in [(40, 56), (3, 2)]:  # zero padding: the borders must agree as well
        picture = torch.rand(1, 1, *size)
        difference = (folded(picture) - network(picture)).abs().max()
        assert difference < 2e-5 * network(picture).abs().max()
    assert parameter_count(folded) == count


def test_unknown_options_and_network():
    with pytest.raises(UserError, match="iqnet, cnn_jnqd"):
        build_network("iqnetwork")
    with pytest.raises(UserError, match="does not take these options"):
        build_network("iqnet", {"config": "A"})


def test_model_file_gives_the_same_network_back(tmp_path):
    network = _scrambled(**WIDE)
    save_model(tmp_path / "model.pt", network)
    again = load_model(tmp_path / "model.pt", network="iqnet")
    picture = torch.rand(1, 1, 12, 9)
    assert architecture_of(again)["options"] == WIDE
    assert torch.equal(again(picture), network(picture))


def test_model_file_that_is_none(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_model(tmp_path / "absent.pt")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(UserError, match="no model file"):
        load_model(tmp_path / "text.pt")
    save_model(tmp_path / "whole.pt", IQNet())
    data = (tmp_path / "whole.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match="no model file"):
        load_model(tmp_path / "cut.pt")
    torch.save({"weights": {}}, tmp_path / "other.pt")
    with pytest.raises(UserError, match="no model file"):
        load_model(tmp_path / "other.pt")


def test_onnx_export_takes_any_size_and_agrees(tmp_path):
    network = _scrambled()
    export_onnx(network, tmp_path / "iqnet.onnx")
    session = LumaSession(tmp_path / "iqnet.onnx", threads=1, network="iqnet")
    for height, width in [(64, 64), (37, 101), (1, 1), (240, 416)]:
        luma = np.random.default_rng(height).random((height, width), dtype=np.float32)
        with torch.inference_mode():
            expected = network.at_use(torch.from_numpy(luma)[None, None])[0, 0].numpy()
        found = session(luma)
        assert found.shape == luma.shape
        assert np.abs(found - luma).max() > 0.01  # the network does something
        assert np.abs(found - expected).max() < 1e-5


def test_onnx_file_says_what_it_is(tmp_path):
    export_onnx(IQNet(**WIDE), tmp_path / "b.onnx")
    assert LumaSession(tmp_path / "b.onnx").architecture == architecture_of(IQNet(**WIDE))
    with pytest.raises(UserError, match="cnn_jnqd, found iqnet"):
        LumaSession(tmp_path / "b.onnx", network="cnn_jnqd")


def test_onnx_files_that_cannot_be_used(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        LumaSession(tmp_path / "absent.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(UserError, match="no ONNX model"):
        LumaSession(tmp_path / "text.onnx")
    _write_identity(tmp_path / "rgb.onnx", [1, 3, "h", "w"])
    with pytest.raises(UserError, match="no luma filter"):
        LumaSession(tmp_path / "rgb.onnx")
    _write_identity(tmp_path / "fixed.onnx", [1, 1, 64, 64])
    with pytest.raises(UserError, match="free height"):
        LumaSession(tmp_path / "fixed.onnx")


def _scrambled(**options) -> IQNet:
    torch.manual_seed(0)
    network = IQNet(**options)
    torch.nn.init.normal_(network.tail.weight, std=0.2)
    return network.eval()


def _write_identity(path, shape) -> None:
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name in ("luma", "filtered")
    ]
    node = onnx.helper.make_node("Identity", ["luma"], ["filtered"])
    graph = onnx.helper.make_graph([node], "identity", values[:1], values[1:])
    opsets = [onnx.helper.make_opsetid("", 17)]
    path.write_bytes(
        onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    )
