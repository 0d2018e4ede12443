"""The experiment: its arithmetic, masking against FFmpeg's, codings of a clip, tables."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from codec_clips import cut_clip
from jndlab.codecs import get_codec
from jndlab.jnd.block.grid import BlockGrid
from jndlab.jnd.block.masking import xpsnr_weights
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.papers.bl_juniper import experiment
from jndlab.papers.bl_juniper.experiment_codings import ANCHOR, Codings, encode_experiment
from jndlab.papers.bl_juniper.experiment_maps import ceiling_map, model_gain, table_maps
from jndlab.papers.bl_juniper.mcl_jcv import read_block_labels

SHARES = [(0.59, 0.28, 0.13), (0.49, 0.27, 0.24), (0.44, 0.44, 0.11)]  # of importance 1, 2, 3


def drawn(shares, shape=(4, 40, 40)) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.choice([1, 2, 3], p=np.array(shares) / sum(shares), size=shape).astype(float)


@pytest.mark.parametrize(
    ("shares", "gain"), [(SHARES[0], 0.41), (SHARES[1], 0.48), (SHARES[2], 0.35)]
)
def test_the_best_possible_map_gains_less_than_half_a_decibel(shares, gain):
    weights = drawn(shares)
    assert model_gain(-3 * np.log2(weights), weights) == pytest.approx(gain, abs=0.02)
    whole = ceiling_map(weights, 31.4)
    assert model_gain(whole, weights) == pytest.approx(gain, abs=0.02)
    assert whole.mean() == pytest.approx(31.4, abs=0.5)


def test_no_map_is_better_than_the_ceiling():
    weights, rng = drawn(SHARES[0]), np.random.default_rng(1)
    best = model_gain(-3 * np.log2(weights), weights)
    others = [-3 * np.log2(weights) + rng.normal(0, scale, weights.shape) for scale in (0.3, 1, 3)]
    others += [-5 * np.log2(weights), np.zeros_like(weights)]
    assert all(model_gain(qps, weights) < best for qps in others)
    assert model_gain(np.full_like(weights, 37), weights) == pytest.approx(0)


def test_the_authors_labels_lose_what_constant_ones_gain(shared_data):
    known = read_block_labels(shared_data / "bl_juniper_labels/blj_labels.npz")
    importance = drawn(SHARES[1], (30, 5, 16, 30))
    gains = {"labels": [], "labels_constant": []}
    for jnd, weights in zip(np.moveaxis(known.jnd, 1, -1).astype(float), importance, strict=True):
        maps = table_maps({"labels": jnd}, weights, 22)
        for name, values in gains.items():
            values.append(model_gain(maps[name], weights))
    assert np.mean(gains["labels"]) < 0.1 and np.mean(gains["labels_constant"]) > 0.2


def test_masking_is_that_of_the_filter_xpsnr(tmp_path):
    """FFmpeg's own XPSNR of two distortions differs from ours by one constant of each frame."""
    rng = np.random.default_rng(0)
    clip = ClipFormat(1920, 1080, Fraction(25), 3)
    ramp = np.add.outer(np.arange(1080), np.arange(1920)) / 15
    texture = rng.normal(0, 20, (1080, 1920)) * (np.arange(1920) > 900)
    first = np.clip(ramp + texture + 20, 0, 255).astype(np.uint8)
    lumas = [np.roll(first, shift, axis=1) for shift in (0, 3, 8)]
    grid = BlockGrid(1080, 1920)
    weights = xpsnr_weights(lumas, grid, 25)
    chroma = np.full((540, 960), 128, np.uint8)
    write_clip(tmp_path / "source.mkv", [Frame(y, chroma, chroma) for y in lumas], clip)
    differences = []
    for left, right in ((6, 1), (1, 6)):
        deviation = np.where(np.arange(1920) < 960, left, right)
        coded = [np.clip(y + rng.normal(0, 1, y.shape) * deviation, 0, 255) for y in lumas]
        coded = [y.round().astype(np.uint8) for y in coded]
        write_clip(tmp_path / "coded.mkv", [Frame(y, chroma, chroma) for y in coded], clip)
        errors = [
            grid.sums(np.square(a - b.astype(float))) for a, b in zip(coded, lumas, strict=True)
        ]
        ours = 10 * np.log10(255**2 * 1920 * 1080 / (weights * errors).sum(axis=(1, 2)))
        differences.append(filter_xpsnr(tmp_path) - ours)
    # The filter takes a black frame for the one before the first.
    assert np.allclose(differences[0][1:], differences[1][1:], atol=0.01)


def filter_xpsnr(folder) -> np.ndarray:
    """XPSNR of the luma of each frame, by FFmpeg."""
    paths = ["-i", str(folder / "source.mkv"), "-i", str(folder / "coded.mkv")]
    run = subprocess.run(
        [str(ffmpeg.ffmpeg_path()), "-v", "error", *paths,
         "-lavfi", "xpsnr=stats_file=-", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return np.array([float(value) for value in re.findall(r"XPSNR y: *([\d.]+)", run.stdout)[:3]])


def made_up(gain_of: dict[str, float]) -> Codings:
    """Codings on a straight line of quality over log rate; each map's is ``gain`` dB above it."""
    qps = np.arange(20, 46)
    names = (*[ANCHOR] * len(qps), *gain_of)
    rates = np.append(2000.0 * 2 ** (-(qps - 20) / 6), [900.0] * len(gain_of))
    quality = 30 + 6 * np.log2(rates / 900) + np.append(np.zeros(len(qps)), list(gain_of.values()))
    errors = 255**2 * 64**2 * 10 ** (-quality / 10)
    maps = np.full((len(names), 1, 1, 2), 30)
    maps[-1, ..., 0] = 32
    return Codings(
        names, np.append(qps, [22] * len(gain_of)), rates, np.ones(len(names)),
        np.broadcast_to(errors[:, None, None, None], (len(names), 1, 1, 2)), maps,
        {"importance": np.array([[[3.0, 1.0]]])}, np.full((1, 2), 64**2),
    )  # fmt: skip


def test_gains_are_at_equal_rate_and_shares_of_the_ceiling():
    gains = []
    for sequence, shift in zip("abcdefgh", np.linspace(-0.02, 0.02, 8), strict=True):
        codings = made_up({"ceiling: importance": 0.4 + shift, "mapped": 0.1 + shift})
        gains.append(experiment.gains_of(sequence, "AI", codings))
    table = experiment.gain_table(pd.concat(gains)).set_index("map")
    assert table.loc["mapped", "gain_db"] == pytest.approx(0.1, abs=1e-3)
    assert table.loc["mapped", "share_pct"] == pytest.approx(25, abs=0.5)
    assert table.loc["ceiling: importance", "share_pct"] == pytest.approx(100)
    answers = experiment.answers(pd.concat(gains), dict.fromkeys("abcdefgh", 34.0), "mapped")
    row = answers.set_index("map").loc["mapped"]
    assert row["above one QP"] == "yes" and row["clips"] == 8
    assert row["statement"].startswith("mapped beats one QP for all blocks")
    assert row["statement"].endswith("That is 25 % of the best possible gain.")
    at_higher_targets = experiment.answers(
        pd.concat(gains), dict.fromkeys("abcdefgh", 20.0), "mapped"
    )
    assert at_higher_targets.empty


def test_where_nothing_can_be_gained_there_is_no_share_of_it():
    gains = pd.concat(
        experiment.gains_of(name, "LDP", made_up({"ceiling: importance": -0.01, "mapped": -0.3}))
        for name in "ab"
    )
    table = experiment.gain_table(gains).set_index("map")
    assert np.isnan(table.loc["mapped", "share_pct"])
    answers = experiment.answers(gains, dict.fromkeys("ab", 34.0), "mapped").set_index("map")
    assert not answers["statement"].str.contains("best possible").any()


def test_maps_of_several_seeds_are_one_map_with_seeds():
    gains = []
    for sequence, shift in zip("abcdefgh", np.linspace(-0.02, 0.02, 8), strict=True):
        gain_of = {f"cnn_seed{seed}": 0.3 + shift + 0.01 * seed for seed in range(3)}
        gain_of |= {"ceiling: importance": 0.5 + shift, "mapped": 0.1 + shift}
        gains.append(experiment.gains_of(sequence, "AI", made_up(gain_of)))
    every = pd.concat(gains)
    table = experiment.gain_table(every).set_index("map")
    assert set(table.index) == {"cnn", "mapped", "ceiling: importance"}
    assert table.loc["cnn", "gain_db"] == pytest.approx(0.31, abs=1e-3)
    assert table.loc["cnn", "seeds"] == 3 and np.isnan(table.loc["mapped", "seeds"])
    assert table.loc["cnn", "deviation"] == pytest.approx(0.01, abs=1e-3)
    answers = experiment.answers(every, dict.fromkeys("abcdefgh", 34.0), "cnn").set_index("map")
    assert "3 of 3 seeds" in answers.loc["cnn", "statement"]
    assert "trained from 3 seeds" in experiment.answer_caption(every)
    once = every[every["seed"].isna() | (every["seed"] == 1)]
    assert "trained once (seed 1)" in experiment.answer_caption(once)
    alone = experiment.answers(once, dict.fromkeys("abcdefgh", 34.0), "cnn").set_index("map")
    assert "one training seed" in alone.loc["cnn", "statement"]
    assert "seeds" not in experiment.gain_table(once)


def test_a_clip_is_coded_by_all_maps(tmp_path):
    path = tmp_path / "bikes.mkv"
    clip = cut_clip(path, 192, 128, 2)
    rng = np.random.default_rng(0)
    jnd = np.sort(rng.integers(28, 38, (2, 2, 3, 3)), axis=-1).astype(float)
    importance = np.tile(np.array([[1, 3, 1], [2, 1, 1]], np.uint8), (2, 1, 1))
    codec = get_codec({"adapter": "kvazaar", "preset": "ultrafast"})
    adapting = get_codec({"adapter": "kvazaar", "preset": "ultrafast", "vaq": 5})
    codings = encode_experiment(
        path, clip, "AI", codec, {"vaq": adapting}, {"mapped": jnd}, importance,
        (24, 30, 36, 42), (22,), tmp_path / "work",
    )  # fmt: skip
    codings.write(tmp_path / "codings.npz")
    again = Codings.read(tmp_path / "codings.npz")
    assert again.names == codings.names and set(again.weights) == set(codings.weights)
    assert (np.diff(again.bits[:4]) < 0).all()
    assert (np.diff(again.errors[:4].sum(axis=(1, 2, 3))) > 0).all()
    plain = again.bits[again.names.index("vaq")]
    qp = round(float(again.maps[again.names.index("mapped")].mean()))
    assert plain != encode_plainly(codec, path, clip, qp, tmp_path)  # it does adapt
    gains = experiment.gains_of("bikes", "AI", again)
    best = gains[gains["map"] == "ceiling: importance"].set_index("weighting")["gain"]
    assert best["importance"] > best["uniform"]


def encode_plainly(codec, path, clip, qp, folder) -> int:
    from jndlab.codecs.base import EncodeJob

    return sum(
        codec.encode(EncodeJob(path, clip, "AI", qp, folder / "a.265", folder)).bits_per_frame
    )
