"""NIMA with MobileNet: published scores, a second implementation, files that are not it."""

from __future__ import annotations

import json
from itertools import pairwise

import h5py
import numpy as np
import pytest
from PIL import Image

from jndlab.errors import UserError
from jndlab.models.nima_mobilenet import NimaScorer, open_scorer

RNG = np.random.default_rng(11)
PUBLISHED = "nima_mobilenet/weights_mobilenet_aesthetic_0.07.hdf5"
WIDTHS = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
HALVED = (2, 4, 6, 12)  # numbers of the blocks of stride 2, from 1


@pytest.mark.parametrize("name", ["42039.jpg", "42040.jpg", "42041.jpg"])
def test_published_scores(name, shared_data):
    folder = shared_data / "nima_mobilenet"
    golden = json.loads((folder / "golden.json").read_text())
    expected = golden["independent_torch_forward_pass"][name]
    scorer = open_scorer(
        "nima_mobilenet",
        nima={"weights": shared_data / PUBLISHED, "resampling": "nearest"},
        device="cpu",
    )
    with Image.open(folder / name) as picture:
        pixels = np.asarray(picture.convert("RGB"))[np.newaxis]
    assert scorer.score(pixels)[0] == pytest.approx(expected["mean_score"], abs=1e-4)
    np.testing.assert_allclose(scorer.distributions(pixels)[0], expected["predictions"], atol=1e-4)
    if name in golden["published"]:
        published = golden["published"][name]["mean_score"]
        assert scorer.score(pixels)[0] == pytest.approx(published, abs=1e-4)


def layers_of_mobilenet():
    """Made-up weights of every layer by the names and in the axes that Keras gives them."""
    layers = {"conv1": {"kernel": RNG.normal(0, 0.3, (3, 3, 3, WIDTHS[0]))}}
    layers["conv1_bn"] = norm(WIDTHS[0])
    for number, (inputs, outputs) in enumerate(pairwise(WIDTHS), start=1):
        kernel = RNG.normal(0, 0.5, (3, 3, inputs, 1))
        layers[f"conv_dw_{number}"] = {"depthwise_kernel": kernel}
        layers[f"conv_dw_{number}_bn"] = norm(inputs)
        kernel = RNG.normal(0, 2 / np.sqrt(inputs), (1, 1, inputs, outputs))
        layers[f"conv_pw_{number}"] = {"kernel": kernel}
        layers[f"conv_pw_{number}_bn"] = norm(outputs)
    kernel, bias = RNG.normal(0, 0.05, (WIDTHS[-1], 10)), RNG.normal(0, 1, 10)
    layers["dense_1"] = {"kernel": kernel, "bias": bias}
    return layers


def norm(channels):
    gamma, beta = RNG.uniform(0.5, 1.5, channels), RNG.normal(0.3, 0.3, channels)
    moments = {
        "moving_mean": RNG.normal(0, 0.2, channels),
        "moving_variance": RNG.uniform(0.5, 2.0, channels),
    }
    return {"gamma": gamma, "beta": beta, **moments}


def write(path, layers):
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name in ["input_1", *layers]]
        file.create_group("input_1").attrs["weight_names"] = []
        for layer, weights in layers.items():
            group = file.create_group(layer)
            names = [f"{layer}/{name}:0" for name in weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, values in zip(names, weights.values(), strict=True):
                group[name] = values.astype(np.float32)


def by_definition(layers, pixels):
    """The network in NumPy, rows x columns x channels, one picture at a time."""
    features = pixels / 127.5 - 1

    def windows(values, stride):
        pads = (0, 1) if stride == 2 else (1, 1)
        padded = np.pad(values, (pads, pads, (0, 0)))
        return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (0, 1))[::stride, ::stride]

    def finished(values, name):
        own = layers[f"{name}_bn"]
        scale = own["gamma"] / np.sqrt(own["moving_variance"] + 1e-3)
        return ((values - own["moving_mean"]) * scale + own["beta"]).clip(0, 6)

    kernel = layers["conv1"]["kernel"]
    features = finished(np.einsum("yxcij,ijco->yxo", windows(features, 2), kernel), "conv1")
    for number in range(1, 14):
        name, stride = f"conv_dw_{number}", 2 if number in HALVED else 1
        kernel = layers[name]["depthwise_kernel"][..., 0]
        features = finished(np.einsum("yxcij,ijc->yxc", windows(features, stride), kernel), name)
        name = f"conv_pw_{number}"
        features = finished(features @ layers[name]["kernel"][0, 0], name)
    dense = layers["dense_1"]
    powers = np.exp(features.mean(axis=(0, 1)) @ dense["kernel"] + dense["bias"])
    return powers / powers.sum()


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """Layers, and the file that holds them."""
    layers = layers_of_mobilenet()
    path = tmp_path_factory.mktemp("nima") / "weights.hdf5"
    write(path, layers)
    return layers, path


def test_scores_are_those_of_the_definition(made_up):
    layers, path = made_up
    pixels = RNG.integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    pixels[1] //= 4
    scorer = NimaScorer(weights=path, size=None, device="cpu")
    expected = np.stack([by_definition(layers, picture) for picture in pixels])
    assert np.ptp(expected, axis=0).max() > 0.01  # the pictures differ, and so do their scores
    np.testing.assert_allclose(scorer.distributions(pixels), expected, atol=1e-4)
    means = expected @ np.arange(1, 11)
    np.testing.assert_allclose(scorer.score(pixels), means, atol=1e-3)
    np.testing.assert_allclose(scorer.score(pixels[1:2]), means[1:2], atol=1e-3)


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "bicubic"])
def test_patches_are_enlarged_as_told(made_up, resampling):
    layers, path = made_up
    pixels = RNG.integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    scorer = NimaScorer(weights=path, size=48, resampling=resampling, device="cpu")
    kernel = Image.Resampling[resampling.upper()]
    large = np.asarray(Image.fromarray(pixels[0]).resize((48, 48), kernel))
    np.testing.assert_allclose(
        scorer.distributions(pixels)[0], by_definition(layers, large), atol=1e-4
    )
    assert scorer.metadata["resampling"] == resampling and scorer.metadata["size"] == 48


def test_grey_is_three_equal_channels_and_nothing_has_no_scores(made_up):
    scorer = NimaScorer(weights=made_up[1], size=32, device="cpu")
    grey = RNG.integers(0, 256, (2, 20, 20), dtype=np.uint8)
    tripled = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    assert (scorer.score(grey) == scorer.score(tripled)).all()
    assert scorer.score(grey[:0]).shape == (0,)


def test_files_and_options_that_are_not_it(made_up, tmp_path):
    layers, path = made_up
    with pytest.raises(UserError, match=r"not here(.|\n)*absent.hdf5(.|\n)*--fetch"):
        NimaScorer(weights=tmp_path / "absent.hdf5")
    with pytest.raises(UserError, match=r"no resampling 'area'(.|\n)*bilinear"):
        NimaScorer(weights=path, resampling="area")
    other = {**layers, "dense_1": {"kernel": np.ones((1024, 5)), "bias": np.ones(5)}}
    write(tmp_path / "other.hdf5", other)
    with pytest.raises(UserError, match=r"do not fit NimaMobilenet(.|\n)*1024 x 10(.|\n)*1024 x 5"):
        NimaScorer(weights=tmp_path / "other.hdf5")
    (tmp_path / "text.hdf5").write_text("no weights")
    with pytest.raises(UserError, match="cannot be read"):
        NimaScorer(weights=tmp_path / "text.hdf5")
