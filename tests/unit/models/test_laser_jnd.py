"""LASeR-JND: sizes and costs as in the paper, Keras's padding, heads, memory, learning, export."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from jnd_network_checks import STARTS, errors_while_learning, onnx_difference
from jndlab.errors import UserError
from jndlab.models.iqnet.iqnet import IQNet
from jndlab.models.jnd_heads import JndHeads
from jndlab.models.jnd_onnx import JndSession, export_jnd_onnx
from jndlab.models.keras.layers import (
    DownConv,
    FlattenHwc,
    UpConv,
    he_normal_,
    keras_parameter_count,
    multiply_accumulates,
    trainable_parameter_count,
)
from jndlab.models.laser_jnd.autoencoder import LaserAutoencoder
from jndlab.models.laser_jnd.multi_level import MjLat, MjRec
from jndlab.models.laser_jnd.networks import E2eLat, E2eRec, Lat, Rec
from jndlab.models.model_files import build_network, load_model, parameter_count, save_model
from jndlab.models.mtjnd.channel_attention import ChannelAttention
from jndlab.models.onnx_runtime import export_onnx
from jndlab.models.picture_preparation import PicturePreparation

SMALL = {"input_size": [64, 96], "width": 0.125}
PREDICTORS = ["lat", "rec", "e2e_lat", "e2e_rec", "mj_lat", "mj_rec"]

# Keras total, trainable, torch parameters, GMAC: the specification's table.
PAPER = {
    "laser_autoencoder": (2_887_363, 2_887_363, 2_887_363, 16.58),
    "lat": (9_783_225, 8_337_145, 9_780_921, 8.78),
    "rec": (8_078_384, 5_189_031, 8_076_394, 90.56),
    "e2e_lat": (11_226_812, 11_224_508, 11_224_508, 17.07),
    "e2e_rec": (8_078_384, 8_076_394, 8_076_394, 90.56),
    "mj_lat": (26_070_091, 21_735_435, 26_066_763, 25.57),
    "mj_rec": (13_886_928, 5_220_789, 13_882_878, 129.95),
}


@pytest.mark.parametrize("name", PAPER)
def test_parameters_and_cost_at_the_papers_size(name):
    with torch.device("meta"):
        network = build_network(name)
    total, trainable, torch_total, giga = PAPER[name]
    assert network.input_size == (352, 640)
    assert keras_parameter_count(network) == total
    assert trainable_parameter_count(network) == trainable
    assert parameter_count(network) == torch_total
    macs = multiply_accumulates(network, network.example_inputs(device="meta"))
    assert macs / 1e9 == pytest.approx(giga, abs=0.006)


def test_end_to_end_network_for_use_is_as_large_as_lat():
    with torch.device("meta"):
        network = E2eLat().for_use()
    assert keras_parameter_count(network) == PAPER["lat"][0]
    assert set(network(*network.example_inputs(device="meta"))) == {"jnd1"}


def test_down_convolution_pads_one_before_and_two_after():
    layer = DownConv(1, 1)
    _fill(layer, torch.arange(25.0))
    picture = torch.rand(1, 1, 8, 6)
    output = layer(picture)
    assert output.shape == (1, 1, 4, 3)
    around = torch.zeros(11, 9)
    around[1:9, 1:7] = picture[0, 0]
    for row in range(4):
        for column in range(3):
            window = around[2 * row : 2 * row + 5, 2 * column : 2 * column + 5]
            expected = (window * torch.arange(25.0).view(5, 5)).sum()
            assert output[0, 0, row, column].item() == pytest.approx(expected.item(), rel=1e-5)


def test_up_convolution_is_the_transpose_of_the_down_convolution():
    up, down = UpConv(2, 3), DownConv(3, 2)
    torch.nn.init.zeros_(up.bias)
    torch.nn.init.zeros_(down.bias)
    down.weight.data = up.weight.data
    small, large = torch.rand(1, 2, 5, 7), torch.rand(1, 3, 10, 14)
    assert up(small).shape == large.shape
    product = (up(small) * large).sum()
    assert product.item() == pytest.approx((small * down(large)).sum().item(), rel=1e-4)


def test_flatten_runs_through_channels_first():
    features = torch.arange(24.0).view(1, 2, 3, 4)
    assert FlattenHwc()(features)[0, :4].tolist() == [0.0, 12.0, 1.0, 13.0]


def test_initial_weights_are_those_of_keras():
    network = build_network("lat", {"input_size": [64, 96]}, seed=0)
    for layer, fans in [(network.encoder[2], 25 * (128 + 128)), (network.heads.hidden[0][0], 768)]:
        limit = math.sqrt(6 / fans)  # Glorot uniform
        assert layer.weight.abs().max().item() == pytest.approx(limit, rel=1e-2)
        assert layer.weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.02)
        assert layer.bias.abs().max() == 0
    weight = torch.empty(400, 200)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        he_normal_(weight)
    assert weight.std().item() == pytest.approx(math.sqrt(2 / 200), rel=0.02)
    assert weight.abs().max().item() == pytest.approx(2 * 0.1 / 0.8796, rel=0.01)
    norm = network.trunk[0][1]
    assert (norm.eps, norm.momentum) == (1e-3, 0.01)
    assert build_network("lat", {**SMALL, "norm_momentum": 0.2}).norm.momentum == 0.2


def test_channel_attention_by_hand():
    layer = ChannelAttention(8)
    features = torch.randn(2, 8, 3, 5)
    pooled = [features.mean((2, 3)), features.amax((2, 3))]
    hidden = [torch.relu(p @ layer.squeeze.weight.T + layer.squeeze.bias) for p in pooled]
    gate = sum(h @ layer.excite.weight.T + layer.excite.bias for h in hidden)
    expected = features * torch.sigmoid(gate)[..., None, None]
    assert torch.allclose(layer(features), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["lat", "rec", "mj_lat", "mj_rec"])
def test_frozen_parts_neither_learn_nor_move(name):
    network = build_network(name, SMALL, seed=0).train()
    frozen = {n for n, p in network.named_parameters() if not p.requires_grad}
    assert {n.split(".")[0].rstrip("s") for n in frozen} <= {"encoder", "decoder"}
    assert not any(n.split(".")[0].startswith(("encoder", "decoder")) for n in _trained(network))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    errors_while_learning(network, 1, 1e-2)
    changed = {k for k, v in network.state_dict().items() if not torch.equal(v, before[k])}
    assert not changed & frozen
    assert any("running_mean" in k for k in changed)
    assert any("trunk" in k for k in changed)


def test_networks_start_from_autoencoders():
    sources = [build_network("laser_autoencoder", SMALL, seed=seed) for seed in (1, 2, 3)]
    multi = MjRec(**SMALL)
    multi.start_from(*sources)
    for source, encode, decode in zip(sources, multi.encoders, multi.decoders, strict=True):
        assert torch.equal(encode[6].weight, source.encoder[6].weight)
        assert torch.equal(decode[6].bias, source.decoder[6].bias)
        assert torch.equal(decode[6].weight, source.decoder[6].weight)
    single = Lat(**SMALL)
    single.start_from(sources[1])
    assert torch.equal(single.encoder[0].weight, sources[1].encoder[0].weight)
    for network in (E2eLat(**SMALL), E2eRec(**SMALL)):
        last = network.decoder[6].weight.clone()
        network.start_from(sources[2])
        assert torch.equal(network.decoder[4].weight, sources[2].decoder[4].weight)
        assert torch.equal(network.decoder[6].weight, last)  # the authors' starts at random
        assert all(p.requires_grad for p in network.parameters())
    with pytest.raises(UserError, match="starts from 3 autoencoders, 1 were given"):
        MjLat(**SMALL).start_from(sources[0])
    with pytest.raises(UserError, match=r"width 0\.25, found width 0\.125"):
        Lat(**{**SMALL, "width": 0.25}).start_from(sources[0])
    with pytest.raises(UserError, match="colour rgb, found colour bgr"):
        Lat(**SMALL, colour="rgb").start_from(sources[0])


def test_options_that_cannot_be():
    for options, message in [
        ({"input_size": [64, 100]}, "multiples of 16"),
        ({"input_size": [32, 64]}, "at least 64"),
        ({"width": 0}, "width is 0"),
        ({"colour": "yuv"}, "bgr or rgb"),
        ({"level": 4}, "no JND level 4"),
        ({"head": "softmax"}, "relu or linear_at_mean or linear_at_median"),
        ({"head": "linear_at_median"}, "no median label"),
        ({"order": "free"}, "does not take these options"),
    ]:
        with pytest.raises(UserError, match=message):
            build_network("lat", options)
    with pytest.raises(UserError, match="do not rise"):
        MjLat(
            **SMALL,
            head="linear_at_median",
            order="ordered",
            label_start=[(30, 1), (29, 1), (35, 1)],
        )
    with pytest.raises(UserError, match="expected: N x 3 x 64 x 96, found 1 x 3 x 96 x 64"):
        Lat(**SMALL)(torch.zeros(1, 3, 96, 64))


@pytest.mark.parametrize("order", ["free", "ordered"])
def test_linear_heads_start_at_the_label_medians(order):
    options = {"head": "linear_at_median", "order": order, "label_start": STARTS[3]}
    outputs = MjLat(**SMALL, **options)(torch.rand(2, 3, 64, 96))
    for level, (median, _) in enumerate(STARTS[3], 1):
        assert outputs[f"jnd{level}"].tolist() == pytest.approx([median, median], abs=1e-4)


def test_a_head_at_the_median_moves_in_deviations_of_its_labels():
    narrow, wide = (
        JndHeads(9, (), (1,), head="linear_at_median", label_start=[(20.0, deviation)])
        for deviation in (1.0, 4.0)
    )
    wide.load_state_dict(narrow.state_dict())
    features = torch.randn(5, 9)
    moved = [heads(features)["jnd1"] - 20 for heads in (narrow, wide)]
    assert torch.allclose(moved[1], 4 * moved[0], atol=1e-5) and moved[0].abs().min() > 0


@pytest.mark.parametrize("head", ["relu", "linear_at_median"])
def test_ordered_heads_never_cross_and_free_ones_can(head):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        crossed, starts = {}, [(1, 1), (2, 1), (3, 1)]
        for order in ("free", "ordered"):
            heads = JndHeads(9, (), (1, 2, 3), head=head, order=order, label_start=starts)
            for layer in heads.last:
                torch.nn.init.normal_(layer.weight, std=5)
            one, two, three = heads(torch.randn(500, 9)).values()
            crossed[order] = int(((two < one) | (three < two)).sum())
            assert (one.min() >= 0) == (head == "relu")
    assert crossed["ordered"] == 0 < crossed["free"]


def test_ordered_quality_factors_fall_from_their_medians():
    starts = [(60, 5), (40, 5), (30, 5)]
    heads = JndHeads(9, (), (1, 2, 3), head="linear_at_median", order="ordered",
                     label_start=starts, unit="QF")  # fmt: skip
    heads.start()
    found = [float(value[0].detach()) for value in heads(torch.randn(1, 9)).values()]
    assert found == pytest.approx([60, 40, 30], abs=1e-4)
    with pytest.raises(UserError, match="do not fall"):
        JndHeads(9, (), (1, 2), head="linear_at_median", order="ordered",
                 label_start=[(40, 5), (60, 5)], unit="QF")  # fmt: skip


def test_checkpointing_changes_no_gradient_and_no_statistic():
    plain = build_network("mj_rec", {**SMALL, "width": 0.25}, seed=0).train()
    saving = build_network(
        "mj_rec", {**SMALL, "width": 0.25, "checkpoint_blocks": True}, seed=0
    ).train()
    pictures = 255 * torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    for network in (plain, saving):  # 128 channels: two parts
        sum(output.sum() for output in network(pictures).values()).backward()
    gradients = dict(saving.named_parameters())
    for name, parameter in _trained(plain).items():
        scale = parameter.grad.abs().max().item() + 1e-6
        assert (parameter.grad - gradients[name].grad).abs().max() < 1e-4 * scale, name
    buffers = dict(saving.named_buffers())
    for name, buffer in plain.named_buffers():
        assert torch.allclose(buffer, buffers[name], atol=1e-5), name
    assert plain.firsts[0].norm.num_batches_tracked == 1
    with torch.inference_mode():
        for level, values in saving.eval()(pictures).items():
            assert torch.allclose(values, plain.eval()(pictures)[level], atol=1e-4)


def test_preparation_resizes_as_opencv_and_turns_colours():
    picture = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    preparation = PicturePreparation(64, 96)
    prepared = preparation([picture, picture[::-1]])
    expected = cv2.resize(picture[..., ::-1], (96, 64)).transpose(2, 0, 1)  # as cv2.imread: BGR
    assert prepared.shape == (2, 3, 64, 96)
    assert np.array_equal(prepared[0].numpy(), expected.astype(np.float32))
    back = preparation.as_pictures(prepared)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(back, preparation.resized(picture))
    # torch's bilinear interpolation is the same but for OpenCV's weights of 11 bits.
    planes = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float()
    torchs = functional.interpolate(planes, (64, 96), mode="bilinear", align_corners=False)
    difference = np.abs(torchs[0].flip(0).numpy() - expected)
    assert difference.max() <= 1.0
    assert difference.mean() < 0.3


@pytest.mark.parametrize("scale", ["raw", "unit", "imagenet"])
@pytest.mark.parametrize("colour", ["bgr", "rgb"])
def test_preparation_and_its_way_back(scale, colour):
    preparation = PicturePreparation(4, 5, colour, scale)
    picture = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    prepared = preparation([picture])
    assert np.array_equal(preparation.as_pictures(prepared)[0].permute(1, 2, 0).numpy(), picture)
    red = {"raw": 1.0, "unit": 1 / 255, "imagenet": 1 / (255 * 0.229)}[scale] * picture[..., 0]
    shift = 0.485 / 0.229 if scale == "imagenet" else 0
    assert np.allclose(prepared[0, 2 if colour == "bgr" else 0].numpy(), red - shift, atol=1e-5)


def test_preparation_refuses_other_pictures():
    for picture in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.uint16)):
        with pytest.raises(UserError, match="not of the kind"):
            PicturePreparation(4, 5)([picture])


@pytest.mark.parametrize(
    ("name", "steps", "learning_rate"),
    [
        ("lat", 30, 1e-2),
        ("rec", 60, 3e-3),
        ("e2e_lat", 45, 3e-3),
        ("e2e_rec", 70, 2e-3),
        ("mj_lat", 45, 5e-3),
        ("mj_rec", 60, 3e-3),
    ],
)
def test_network_learns_four_pictures_by_heart(name, steps, learning_rate):
    multi = name.startswith("mj")
    options = {"head": "linear_at_median", "label_start": STARTS[3 if multi else 1]}
    options |= {"input_size": [64, 64], "width": 0.0625 if name.endswith("rec") else 0.125}
    network = build_network(name, {**options, "norm_momentum": 0.3}, seed=0)
    before, after = errors_while_learning(network, steps, learning_rate)
    assert after < 0.5 * before


@pytest.mark.parametrize("name", ["laser_autoencoder", *PREDICTORS])
def test_onnx_export_agrees(name):
    # Decoders not yet trained, fed with 0..255, make pictures of some ten levels.
    options = SMALL if name == "laser_autoencoder" else {**SMALL, "norm_momentum": 1.0}
    assert onnx_difference(build_network(name, options, seed=0)) < 1e-4


def test_a_network_that_predicts_no_jnd_is_not_exported(tmp_path):
    with pytest.raises(UserError, match=r"cannot predict JNDs: IQNet(.|\n)*LASeR-JND"):
        export_jnd_onnx(IQNet(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_onnx_file_that_is_no_jnd_network(tmp_path):
    export_onnx(IQNet(), tmp_path / "luma.onnx")
    with pytest.raises(UserError, match=r"no ONNX export(.|\n)*outputs filtered"):
        JndSession(tmp_path / "luma.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(UserError, match="no ONNX export"):
        JndSession(tmp_path / "text.onnx")
    with pytest.raises(UserError, match="does not exist"):
        JndSession(tmp_path / "absent.onnx")


def test_model_file_keeps_options_and_preparation(tmp_path):
    options = {**SMALL, "level": 3, "colour": "rgb", "scale": "unit", "checkpoint_blocks": True}
    network = Rec(**options).eval()
    save_model(tmp_path / "rec.pt", network)
    again = load_model(tmp_path / "rec.pt", network="rec")
    assert again.preparation == PicturePreparation(64, 96, "rgb", "unit")
    pictures = torch.rand(1, 3, 64, 96)
    assert torch.equal(again(pictures)["jnd3"], network(pictures)["jnd3"])


def test_autoencoder_takes_any_width_and_size():
    network = LaserAutoencoder(input_size=[16, 48], width=0.25)
    assert network(torch.rand(2, 3, 16, 48))["reconstruction"].shape == (2, 3, 16, 48)


def _trained(network) -> dict[str, torch.nn.Parameter]:
    return {name: p for name, p in network.named_parameters() if p.requires_grad}


def _fill(layer, values) -> None:
    with torch.no_grad():
        layer.weight.copy_(values.view_as(layer.weight))
        layer.bias.zero_()
