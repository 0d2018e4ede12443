"""BL-JUNIPER's networks from labelled blocks to files: training, and the authors' weights."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import torch

from jndlab.datasets.mcl_jcv import SOURCES as SOURCES_OF_MCL_JCV
from jndlab.errors import UserError
from jndlab.files import read_json
from jndlab.models.bl_juniper.onnx import BlockJndPredictor
from jndlab.models.keras.weights import keras_weights
from jndlab.models.model_files import build_network, load_model
from jndlab.papers.bl_juniper import training
from jndlab.papers.bl_juniper.config import BlJuniper
from jndlab.papers.bl_juniper.training import import_bl_juniper, start_seed, train_bl_juniper
from jndlab.training.samplers.block_files import BlockFile, write_blocks
from jndlab.training.samplers.blocks import LabelledBlocks, split_by_source
from jndlab.yaml_files import load_yaml

DATA = {"fractions": {"train": 0.5, "val": 0.25, "test": 0.25}, "seed": 3}
CNN = {
    "width": 0.125, "head": "linear_at_mean", "scrambled": False, "epochs": 2, "batch_size": 4,
    "learning_rate": 1e-3,
}  # fmt: skip
SOURCES = ["a", "b", "c", "d"]


@pytest.fixture
def block_file(tmp_path):
    """Blocks of four sources, each brighter than the one before."""
    rng = np.random.default_rng(0)
    names = np.repeat(SOURCES, 3)
    pixels = rng.integers(0, 60, (12, 64, 64, 3), dtype=np.uint8)
    pixels += (40 * np.arange(4, dtype=np.uint8)).repeat(3)[:, None, None, None]
    jnd = rng.integers(25, 40, (12, 3)).astype(np.float32)
    blocks = LabelledBlocks(pixels, (9 * rng.random(12)).astype(np.float32), jnd, names)
    content = BlockFile(blocks, jnd - 1, "vmaf_steps", "published")
    write_blocks(tmp_path / "blocks.npz", content)
    return tmp_path / "blocks.npz", blocks


def training_blocks(blocks):
    split = split_by_source(SOURCES, **DATA)
    return np.array([split[str(name)] == "train" for name in blocks.sources])


def test_training_leaves_a_network_of_its_level(block_file, tmp_path):
    path, blocks = block_file
    first, second = tmp_path / "first", tmp_path / "second"
    train_bl_juniper([path], 2, CNN, DATA, first, 0, threads=1)
    network = load_model(first / "model.pt", network="bl_juniper_cnn")
    expected = blocks.jnd[training_blocks(blocks), 1].mean()
    assert network.options["label_means"] == [pytest.approx(expected, abs=1e-4)]
    summary = read_json(first / "summary.json")
    assert network.levels == (2,) and summary["epochs"] == 2
    assert network.options["form"] == "published"  # the temporal information it learned from
    assert summary["recipe"]["adam_epsilon"] == 1e-7 and not summary["recipe"]["mixed_precision"]
    train_bl_juniper([path], 2, CNN, DATA, second, 0, threads=1)
    again = load_model(second / "model.pt").state_dict()
    assert all(torch.equal(again[name], values) for name, values in network.state_dict().items())


def test_the_papers_configuration_codes_no_clip_that_was_learned_from(repository):
    config = load_yaml(repository / "config/paper_bl_juniper.yaml")
    defaults = BlJuniper().training_data
    split = split_by_source(SOURCES_OF_MCL_JCV, dict(defaults.split.fractions), defaults.seed)
    clips = [name.removeprefix("M_") for name in config["sequences"] if name.startswith("M_")]
    assert clips == [name for name in sorted(split) if split[name] == "test"]


def test_levels_start_from_different_weights():
    seeds = {
        start_seed(seed, level, n) for seed in (0, 1) for level in (1, 2, 3) for n in range(10)
    }
    assert len(seeds) == 60


def test_a_network_that_starts_dead_is_given_other_weights(block_file, tmp_path):
    path, blocks = block_file
    cnn = {**CNN, "head": "relu", "learning_rate": 1e-5, "epochs": 1}
    made = tmp_path / "made"
    train_bl_juniper([path], 3, cnn, DATA, made, 0, threads=1)
    network = load_model(made / "model.pt")
    chosen = training_blocks(blocks)
    inputs = network.preparation(blocks.pixels[chosen], blocks.temporal_information[chosen])
    with torch.inference_mode():
        assert (network(*inputs)["jnd3"] > 0).float().mean() >= 0.5
    seed = read_json(made / "summary.json")["recipe"]["seed"]
    dead = build_network("bl_juniper_cnn", network.options, seed=start_seed(0, 3)).eval()
    with torch.inference_mode():
        first = dead(*inputs)["jnd3"]
    assert seed > start_seed(0, 3) and (first > 0).float().mean() < 0.5  # the first start is dead


def test_a_network_that_stays_dead_stops_with_a_message(block_file, tmp_path, monkeypatch):
    built = training.build_network

    def below_zero(*given, **options):
        network = built(*given, **options)
        torch.nn.init.constant_(network.heads.last[0].bias, -50.0)
        return network

    monkeypatch.setattr(training, "build_network", below_zero)
    cnn = {**CNN, "head": "relu", "learning_rate": 1e-5}
    with pytest.raises(UserError, match=r"(?s)predicts 0 for most blocks.*linear_at_mean"):
        train_bl_juniper([block_file[0]], 1, cnn, DATA, tmp_path / "made", 0, threads=1)


def test_the_authors_weights_are_standardised_to_the_training_blocks(block_file, tmp_path):
    path, blocks = block_file
    networks = {level: build_network("bl_juniper_cnn", seed=level) for level in (1, 2, 3)}
    models = {}
    for level, network in networks.items():
        write_keras(tmp_path / f"JND{level}.h5", network)
        made = tmp_path / f"jnd{level}"
        cnn = {**CNN, "scrambled": True}
        import_bl_juniper(tmp_path / f"JND{level}.h5", [path], level, cnn, DATA, made)
        models[level] = made / "model.onnx"
    found = load_model(tmp_path / "jnd3/model.pt", network="bl_juniper_cnn")
    chosen = training_blocks(blocks)
    assert found.preparation.scrambled and found.levels == (3,)
    assert found.preparation.ti_mean == pytest.approx(
        blocks.temporal_information[chosen].mean(), rel=1e-5
    )
    assert np.mean(found.preparation.pixel_mean) == pytest.approx(blocks.pixels[chosen].mean())
    predicted = BlockJndPredictor(models, threads=1).of_blocks(
        blocks.pixels, blocks.temporal_information
    )
    for level, network in networks.items():
        inputs = found.preparation(blocks.pixels, blocks.temporal_information)
        with torch.inference_mode():
            expected = network(*inputs)["jnd1"].clip(0, 51).numpy()
        assert np.allclose(predicted[:, level - 1], expected, atol=2e-3)


def write_keras(path, network):
    """A file of weights as Keras saves it, layers in the authors' order."""
    with h5py.File(path, "w") as file:
        layers = {f"layer_{i}": layer for i, layer in enumerate(network.keras_layers())}
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, layer in layers.items():
            group = file.create_group(name)
            weights = keras_weights(layer)
            group.attrs["weight_names"] = [f"{name}/{key}:0".encode() for key in weights]
            for key, values in weights.items():
                group[f"{name}/{key}:0"] = values
