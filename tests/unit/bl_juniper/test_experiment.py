"""The experiment: its arithmetic, masking against FFmpeg's, codings of a clip, tables."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pandas as pd
import pytest

from codec_clips import cut_clip
from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.jnd.block.grid import BlockGrid
from jndlab.jnd.block.masking import xpsnr_weights
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.papers.bl_juniper import experiment
from jndlab.papers.bl_juniper.crop_figure import crop_figure, crop_places
from jndlab.papers.bl_juniper.crops import Crops
from jndlab.papers.bl_juniper.experiment_codings import (
    ANCHOR,
    Codings,
    Competitor,
    encode_experiment,
)
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
    scores = np.stack([quality, quality / 2], axis=1)  # VMAF of two crops
    return Codings(
        names, (ANCHOR,) * len(names), np.append(qps, [22] * len(gain_of)), rates,
        np.ones(len(names)), np.broadcast_to(errors[:, None, None, None], (len(names), 1, 1, 2)),
        maps, {name: np.array([[[w, 1.0]]]) for name, w in (("importance", 3.0), ("uniform", 1.0))},
        np.full((1, 2), 64**2), scores, np.array([3.0, 1.0]), {}, 0, np.array([0, 1, 2]),
    )  # fmt: skip


def by_map(table: pd.DataFrame, quality: str = experiment.PSNR) -> pd.DataFrame:
    """Rows of a quality by importance."""
    return table[(table["quality"] == quality) & (table["weighting"] == "importance")].set_index(
        "map"
    )


def test_gains_are_at_equal_rate_and_shares_of_the_ceiling():
    gains = []
    for sequence, shift in zip("abcdefgh", np.linspace(-0.02, 0.02, 8), strict=True):
        codings = made_up({"ceiling: importance": 0.4 + shift, "mapped": 0.1 + shift})
        gains.append(experiment.gains_of(sequence, "AI", codings))
    table = by_map(experiment.gain_table(pd.concat(gains)))
    assert table.loc["mapped", "gain"] == pytest.approx(0.1, abs=1e-3)
    assert table.loc["mapped", "share_pct"] == pytest.approx(25, abs=0.5)
    assert table.loc["ceiling: importance", "share_pct"] == pytest.approx(100)
    low, high = table.loc["mapped", ["share_low", "share_high"]]
    assert 22 < low < 24.5 and 25.5 < high < 28  # shares of the clips are 21 to 28 %
    answers = experiment.answers(pd.concat(gains), dict.fromkeys("abcdefgh", 34.0), "mapped")
    row = by_map(answers).loc["mapped"]
    assert row["above one QP"] == "yes" and row["clips"] == 8
    assert row["statement"].startswith("mapped beats one QP for all blocks")
    assert row["statement"].endswith("That is 25 % of the best possible gain.")
    losing = [
        experiment.gains_of(name, "AI", made_up({"ceiling: importance": 0.4, "mapped": -0.1}))
        for name in "abcdefgh"
    ]
    answers = experiment.answers(pd.concat(losing), dict.fromkeys("abcdefgh", 34.0), "mapped")
    assert not by_map(answers).loc["mapped", "statement"].endswith("best possible gain.")
    at_higher_targets = experiment.answers(
        pd.concat(gains), dict.fromkeys("abcdefgh", 20.0), "mapped"
    )
    assert at_higher_targets.empty


def test_vmaf_of_crops_stands_next_to_weighted_psnr():
    """Scores of the made-up crops are the PSNR and half of it; the first weighs 3, the other 1."""
    gains = pd.concat(
        experiment.gains_of(name, "AI", made_up({"ceiling: importance": 0.4, "mapped": 0.1}))
        for name in "abcdefgh"
    )
    table = by_map(experiment.gain_table(gains), experiment.VMAF)
    assert table.loc["mapped", "gain"] == pytest.approx(0.1 * (3 + 0.5) / 4, abs=1e-3)
    assert set(table["unit"]) == {"VMAF"}
    assert table["share_pct"].isna().all()  # the ceiling is one of squared error
    found = experiment.answers(gains, dict.fromkeys("abcdefgh", 34.0), "mapped")
    sentence = by_map(found, experiment.VMAF).loc["mapped", "statement"]
    assert "VMAF NEG of crops by importance at equal rate" in sentence and "dB" not in sentence


def test_a_competitor_gains_over_one_qp_of_its_own_encoder():
    """Its own encoder costs twice the rate at every QP, and so does the competitor."""
    ours = made_up({"mapped": 0.1, "x265_aq": 0.2})
    anchor = np.flatnonzero(np.array(ours.names) == ANCHOR)
    places = np.append(np.arange(len(ours.names)), anchor)
    theirs = {
        name: np.asarray(getattr(ours, name))[places]
        for name in ("qps", "bits", "seconds", "errors", "maps", "crop_scores")
    }
    theirs["bits"][len(ours.names) :] *= 2
    theirs["bits"][ours.names.index("x265_aq")] *= 2
    names = (*ours.names, *["anchor of x265_aq"] * len(anchor))
    anchors = tuple(
        "anchor of x265_aq" if "x265_aq" in name else against
        for name, against in zip(names, (*ours.anchors, *[""] * len(anchor)), strict=True)
    )
    both = replace(ours, names=names, anchors=anchors, **theirs)
    gains = pd.concat(experiment.gains_of(name, "AI", both) for name in "abcdefgh")
    table = by_map(experiment.gain_table(gains))
    assert table["gain"].to_dict() == pytest.approx({"mapped": 0.1, "x265_aq": 0.2}, abs=1e-3)
    assert table["over"].to_dict() == {"mapped": "anchor", "x265_aq": "anchor of x265_aq"}
    assert table.loc["x265_aq", "acts"] == "the encoder itself"
    found = by_map(experiment.answers(gains, dict.fromkeys("abcdefgh", 34.0), "mapped"))
    sentence = found.loc["x265_aq", "statement"]
    assert sentence.startswith("x265_aq beats one QP for all blocks by the same encoder")


def test_crops_are_of_all_ranks_of_importance():
    clip = ClipFormat(768, 448, Fraction(25), 20)
    importance = np.ones((20, 7, 12))
    importance[:, :3, :3], importance[:, :3, 3:6] = 3, 2
    crops = Crops.chosen(clip, importance)
    assert (crops.clip.width, crops.clip.height) == (192, 192)
    assert sorted({place[0] for place in crops.places}) == [1, 5, 8, 11, 15, 18]
    assert sorted(crops.weights[:6]) == [1, 1, 1, 1, 2, 3]
    assert crops.places[5][1:] == (0, 0)  # the most important one
    whole = Crops.chosen(ClipFormat(176, 144, Fraction(25), 2), np.ones((2, 3, 3)))
    assert whole.places == ((0, 0, 0), (1, 0, 0)) and whole.clip.height == 144


def test_scores_of_crops_are_those_of_their_places(tmp_path):
    rng = np.random.default_rng(0)
    clip = ClipFormat(384, 192, Fraction(25), 1)
    importance = np.repeat([3, 1], 3)[None, None].repeat(3, axis=1)
    crops = Crops.chosen(clip, importance)
    luma = cv2.GaussianBlur(rng.integers(0, 256, (192, 384)).astype(np.uint8), (0, 0), 2)
    noisy = luma.copy()
    noisy[:, :192] ^= 31  # the left half alone, which is important
    flat = np.full((96, 192), 128, np.uint8)
    source, coded = (crops.cut(0, Frame(plane, flat, flat)) for plane in (luma, noisy))
    (tmp_path / "coded.yuv").write_bytes(source + coded)
    scores = crops.scores(source, tmp_path / "coded.yuv", 2, tmp_path)
    important = int(np.argmax(crops.weights))
    assert scores[0] == pytest.approx(97.4, abs=0.5)
    assert scores[1, important] < 60 and scores[1, 1 - important] == scores[0, 1 - important]


def test_a_loss_is_no_share_of_what_can_be_gained():
    gains = pd.concat(
        experiment.gains_of(name, "LDP", made_up({"ceiling: importance": 0.4, "mapped": -0.3}))
        for name in "ab"
    )
    answers = experiment.answers(gains, dict.fromkeys("ab", 34.0), "mapped")
    for table in (experiment.gain_table(gains), answers):
        lost = by_map(table).loc["mapped"]
        assert lost["gain"] < 0 and lost[["share_pct", "share_low", "share_high"]].isna().all()
    assert not answers.set_index("map").loc["mapped", "statement"].str.contains("best").any()


def test_where_nothing_can_be_gained_there_is_no_share_of_it():
    gains = pd.concat(
        experiment.gains_of(name, "LDP", made_up({"ceiling: importance": -0.01, "mapped": -0.3}))
        for name in "ab"
    )
    table = by_map(experiment.gain_table(gains))
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
    table = by_map(experiment.gain_table(every))
    assert set(table.index) == {"cnn", "mapped", "ceiling: importance"}
    assert table.loc["cnn", "gain"] == pytest.approx(0.31, abs=1e-3)
    assert table.loc["cnn", "seeds"] == 3 and np.isnan(table.loc["mapped", "seeds"])
    assert table.loc["cnn", "deviation"] == pytest.approx(0.01, abs=1e-3)
    answers = by_map(experiment.answers(every, dict.fromkeys("abcdefgh", 34.0), "cnn"))
    assert "3 of 3 seeds" in answers.loc["cnn", "statement"]
    assert "trained from 3 seeds" in experiment.answer_caption(every)
    once = every[every["seed"].isna() | (every["seed"] == 1)]
    assert "trained once (seed 1)" in experiment.answer_caption(once)
    alone = by_map(experiment.answers(once, dict.fromkeys("abcdefgh", 34.0), "cnn"))
    assert "one training seed" in alone.loc["cnn", "statement"]
    assert "seeds" not in experiment.gain_table(once)


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_a_clip_is_coded_by_all_maps(tmp_path, configuration):
    path = tmp_path / "bikes.mkv"
    clip = cut_clip(path, 192, 128, 2)
    rng = np.random.default_rng(0)
    jnd = np.sort(rng.integers(28, 38, (2, 2, 3, 3)), axis=-1).astype(float)
    importance = np.tile(np.array([[1, 3, 1], [2, 1, 1]], np.uint8), (2, 1, 1))
    codec = get_codec({"adapter": "kvazaar", "preset": "ultrafast"})
    competitors = {
        "vaq": Competitor(get_codec({"adapter": "kvazaar", "preset": "ultrafast", "vaq": 5}), None),
        "aq": Competitor(
            *(get_codec({"adapter": "x265", "preset": "ultrafast", "aq_mode": m}) for m in (2, 0))
        ),
    }
    codings = encode_experiment(
        path, clip, configuration, codec, competitors, {"mapped": jnd}, importance,
        (24, 30, 36, 42), (22,), tmp_path / "work", frame=7,
    )  # fmt: skip
    codings.write(tmp_path / "codings.npz")
    again = Codings.read(tmp_path / "codings.npz")
    assert again.names == codings.names and set(again.weights) == set(codings.weights)
    assert (np.diff(again.bits[:4]) < 0).all()
    assert (np.diff(again.errors[:4].sum(axis=(1, 2, 3))) > 0).all()
    plain = again.bits[again.names.index("vaq")]
    qp = round(float(again.maps[again.names.index("mapped")].mean()))
    assert plain != encode_plainly(codec, path, clip, configuration, qp, tmp_path)  # it does adapt
    gains = experiment.gains_of("bikes", configuration, again)
    best = gains[(gains["map"] == "ceiling: importance") & (gains["quality"] == experiment.PSNR)]
    best = best.set_index("weighting")["gain"]
    assert best["importance"] > best["uniform"]
    assert gains["gain"].notna().all()  # the rates of x265's anchor reach those with adaptation
    assert [again.names[place] for place in again.shown] == [ANCHOR, "mapped", ANCHOR]
    assert again.frame == 1 and again.pictures["y"].shape == (4, 128, 192)
    target, controlled, nearest = again.bits[again.shown]
    assert target > 1.2 * controlled and abs(np.log(nearest / controlled)) < 0.5
    luma = again.pictures["y"].astype(float)
    errors = [np.square(luma[n] - luma[0]).sum() for n in (1, 2)]
    assert errors == pytest.approx(again.errors[again.shown[:2], 1].sum(axis=(1, 2)))


def test_crops_are_shown_where_the_map_differs_most(tmp_path):
    difference = np.zeros((4, 6))
    difference[1:3, 1:3], difference[2:, 4:] = -4, 5
    finer, coarser = crop_places(difference, 250, 384)
    assert finer[1:] == (64, 64, 128, 128)
    assert coarser[1:] == (122, 256, 128, 128)  # whole, though the last blocks are cut
    assert crop_places(difference[:3], 144, 384)[0][1:] == (64, 64, 64, 64)  # of a small picture
    rng = np.random.default_rng(0)
    source = rng.integers(50, 200, (250, 384)).astype(np.uint8)
    controlled = source.copy()
    controlled[64:192, 64:192] += 1  # 48.13 dB
    lumas = np.stack([source, source, controlled, source + 2])
    chroma = np.full((4, 125, 192), 128, np.uint8)
    codings = made_up({"mapped": 0.1})
    maps = np.full((len(codings.names), 1, 4, 6), 30)
    maps[-1, 0] += difference.astype(int)
    shown = np.array([2, len(codings.names) - 1, 10])
    pictures = {"y": lumas, "u": chroma, "v": chroma}
    codings = replace(codings, maps=maps, pictures=pictures, shown=shown)
    crop_figure(codings, "clip", tmp_path / "crops")
    table = pd.read_csv(tmp_path / "crops.csv", dtype={"qp": str})
    assert table["qp"].tolist() == ["22", "30", "26", "22", "30", "30 to 35"]
    assert table["crop_psnr_y"].tolist()[1:3] == pytest.approx([42.11, 48.13], abs=0.01)
    text = (tmp_path / "crops.svg").read_text()
    assert "one QP, 22 (equal target)" in text and "controlled, QP 30 to 35" in text


def encode_plainly(codec, path, clip, configuration, qp, folder) -> int:
    job = EncodeJob(path, clip, configuration, qp, folder / "a.265", folder)
    return sum(codec.encode(job).bits_per_frame)
