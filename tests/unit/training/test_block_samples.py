"""Blocks, temporal information and labels as training data: cutting, splits, standardisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jndlab.errors import UserError
from jndlab.models.bl_juniper.cnn import BlJuniperCnn
from jndlab.training.loop import train
from jndlab.training.recipe import LossTerm, Recipe
from jndlab.training.samplers.blocks import (
    BlockSamples,
    LabelledBlocks,
    labelled_blocks,
    split_by_source,
)

SPLIT = {"a": "train", "b": "train", "c": "val", "d": "test"}


def frame_of(source: str, seed: int, height: int = 150, width: int = 200) -> LabelledBlocks:
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 40 * (seed + 2), (height, width, 3), dtype=np.uint8)
    jnd = np.sort(rng.integers(27, 44, (2, 3, 3)), axis=-1)
    return labelled_blocks(rgb, rng.uniform(0, 30, (2, 3)), jnd, source)


@pytest.fixture(scope="module")
def blocks() -> LabelledBlocks:
    return LabelledBlocks.joined([frame_of(name, seed) for seed, name in enumerate("aabcd")])


def test_blocks_keep_their_pixels_labels_and_order():
    rgb = np.random.default_rng(0).integers(0, 255, (150, 200, 3), dtype=np.uint8)
    tpi, jnd = np.arange(12.0).reshape(3, 4), np.arange(1, 37).reshape(3, 4, 3)
    found = labelled_blocks(rgb, tpi, jnd, "a")
    assert found.pixels.shape == (6, 64, 64, 3)
    assert np.array_equal(found.pixels[5], rgb[64:128, 128:192])
    assert found.temporal_information.tolist() == [0, 1, 2, 4, 5, 6]
    assert np.array_equal(found.jnd[3], jnd[1, 0]) and set(found.sources) == {"a"}
    whole_only = labelled_blocks(rgb, tpi[:2, :3], jnd[:2, :3], "a")
    for one, other in zip(found, whole_only, strict=True):
        assert np.array_equal(one, other)


def test_unlabelled_blocks_are_left_out():
    rgb, jnd = np.zeros((128, 128, 3), np.uint8), np.full((2, 2, 3), 30)
    jnd[0, 1, 2] = 0
    found = labelled_blocks(rgb, np.arange(4.0).reshape(2, 2), jnd, "a")
    assert found.temporal_information.tolist() == [0, 2, 3] and len(found.pixels) == 3


@pytest.mark.parametrize("wrong", ["labels", "temporal"])
def test_labels_of_another_grid_are_refused(wrong):
    rgb = np.zeros((150, 200, 3), np.uint8)
    jnd = np.ones((2, 4 if wrong == "labels" else 3, 3))
    tpi = np.ones((3, 3 if wrong == "temporal" else 4))
    with pytest.raises(UserError, match="does not fit its picture's blocks") as error:
        labelled_blocks(rgb, tpi, jnd, "clip7")
    assert "clip7" in str(error.value)


def test_splits_hold_whole_sources():
    names = [f"SRC{i:02}" for i in range(1, 31)]
    split = split_by_source([*names, *names])
    counts = [list(split.values()).count(kind) for kind in ("train", "val", "test")]
    assert counts == [24, 3, 3] and set(split) == set(names)
    assert split == split_by_source(reversed(names)) != split_by_source(names, seed=1)
    few = split_by_source(["x", "y", "z"])
    assert sorted(few.values()) == ["test", "train", "val"]
    assert set(split_by_source(["x", "y"], {"train": 0.5, "val": 0.5, "test": 0}).values()) == {
        "train",
        "val",
    }
    with pytest.raises(UserError, match="2 sources cannot be split"):
        split_by_source(["x", "y"])


def test_standardised_by_the_training_blocks_alone(blocks):
    samples = BlockSamples(blocks, SPLIT)
    inputs, targets = samples.batch(0, 0, 100)
    pixels, ti = inputs
    assert pixels.shape == (18, 3, 64, 64) and ti.shape == (18,) and pixels.dtype == torch.float32
    assert pixels.mean(dim=(0, 2, 3)).abs().max() < 1e-4
    assert (pixels.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-3
    assert abs(ti.mean()) < 1e-5 and abs(ti.std(unbiased=False) - 1) < 1e-5
    assert set(targets) == {"jnd1"} and targets["jnd1"].shape == (18,)
    held = next(samples.validation(100)).inputs[0]
    assert held.mean() > 0.3  # brighter than what it was standardised by


def test_a_batch_is_the_same_again_and_epochs_differ(blocks):
    samples = BlockSamples(blocks, SPLIT, level=2, seed=4)
    parts = [samples.batch(1, index, 7) for index in range(samples.steps_per_epoch(7))]
    assert [len(part.inputs[1]) for part in parts] == [7, 7, 4]
    labels = torch.cat([part.targets["jnd2"] for part in parts])
    expected = np.sort(blocks.jnd[samples.members["train"], 1])
    assert np.array_equal(np.sort(labels.numpy()), expected)
    first = samples.batch(0, 0, 18).inputs[1]
    again = BlockSamples(blocks, SPLIT, level=2, seed=4).batch(1, 0, 7)
    assert torch.equal(again.inputs[0], parts[0].inputs[0])
    assert not torch.equal(first, torch.cat([part.inputs[1] for part in parts]))


def test_pixels_stay_with_their_labels(blocks):
    samples = BlockSamples(blocks, SPLIT)
    inputs, targets = samples.batch(3, 1, 5)
    mean, deviation = samples.preparation.pixel_mean, samples.preparation.pixel_deviation
    for pixels, label in zip(inputs[0], targets["jnd1"], strict=True):
        block = pixels.numpy().transpose(1, 2, 0) * deviation + np.array(mean)
        index = np.abs(blocks.pixels - block).max(axis=(1, 2, 3)).argmin()
        assert np.abs(blocks.pixels[index] - block).max() < 0.01
        assert blocks.jnd[index, 0] == label


def test_scrambled_pixels_are_the_authors(blocks):
    samples = BlockSamples(blocks, SPLIT, scrambled=True)
    found = next(samples.test(1)).inputs[0][0].numpy()
    block = blocks.pixels[samples.members["test"][0]]
    written = [block[i, j, c] for c in range(3) for i in range(64) for j in range(64)]
    read = np.array(written, float).reshape(64, 64, 3)
    mean, deviation = samples.preparation.pixel_mean, samples.preparation.pixel_deviation
    np.testing.assert_allclose(found.transpose(1, 2, 0), (read - mean) / deviation, atol=1e-4)
    assert np.ptp(mean) < np.ptp(BlockSamples(blocks, SPLIT).preparation.pixel_mean) + 1


def test_temporal_information_at_test_as_the_authors_left_it(blocks):
    samples = BlockSamples(blocks, SPLIT)
    raw = torch.cat([batch.inputs[1] for batch in samples.test(4, standardised_ti=False)])
    assert np.array_equal(raw.numpy(), blocks.temporal_information[samples.members["test"]])
    sane = torch.cat([batch.inputs[1] for batch in samples.test(4)])
    preparation = samples.preparation
    expected = (raw - preparation.ti_mean) / preparation.ti_deviation
    np.testing.assert_allclose(sane, expected, atol=1e-6)


def test_the_hash_follows_content_split_and_options(blocks):
    hashes = {
        BlockSamples(blocks, SPLIT, **options).sha256
        for options in ({}, {"level": 2}, {"scrambled": True}, {"seed": 1})
    }
    changed = blocks._replace(jnd=blocks.jnd + 1)
    hashes |= {BlockSamples(changed, SPLIT).sha256}
    hashes |= {BlockSamples(blocks, {**SPLIT, "c": "test"}).sha256}
    assert len(hashes) == 6 and BlockSamples(blocks, SPLIT).sha256 in hashes


def test_bad_samples_are_named(blocks):
    with pytest.raises(UserError, match="no labels of JND level 4"):
        BlockSamples(blocks, SPLIT, level=4)
    with pytest.raises(UserError, match="no split: c, d"):
        BlockSamples(blocks, {"a": "train", "b": "train"})
    with pytest.raises(UserError, match="no labelled blocks"):
        BlockSamples(blocks, dict.fromkeys("abcd", "test"))
    with pytest.raises(UserError, match="no labelled blocks"):
        LabelledBlocks.joined([])


def test_the_network_trains_on_them(blocks, tmp_path):
    samples = BlockSamples(blocks, SPLIT)
    network = BlJuniperCnn(width=0.02, head="linear_at_mean", label_means=[20.0])
    recipe = Recipe(
        epochs=2, batch_size=9, losses=(LossTerm("mae", output="jnd1"),), learning_rate=1e-2
    )
    summary = train(network, samples, recipe, tmp_path, threads=1, show_progress=False)
    losses = [
        float(line.split(",")[2]) for line in (tmp_path / "metrics.csv").open().readlines()[1:]
    ]
    assert losses[-1] < losses[0] and summary.val_loss is not None
