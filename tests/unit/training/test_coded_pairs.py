"""Picture pairs for lossy/lossless classifiers: labels, sampling, patches, weights, training."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import astronaut, chelsea

from jndlab.codecs.stills.base import JpegCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.jnd.pixel.maps import jnd_picture, pixel_jnd
from jndlab.media.patches import luma_of
from jndlab.models.model_files import build_network
from jndlab.quality.picture_ssim import picture_ssim
from jndlab.training.loop import train
from jndlab.training.recipe import LossTerm, Recipe
from jndlab.training.samplers.coded_pairs import (
    MOST_HELD_OUT,
    NEAR,
    LabelledPicture,
    PicturePairsJnd,
    accuracy,
    classification_scores,
    is_visible,
    sample_qualities,
)
from jndlab.training.samplers.pair_sampling import PairSampling

CODEC = JpegCodec()
PICTURES = [
    LabelledPicture("astronaut", np.ascontiguousarray(astronaut()[:80, 160:256]), 40),
    LabelledPicture("chelsea", np.ascontiguousarray(chelsea()[60:140, 100:200]), 55),
    LabelledPicture("held out", np.ascontiguousarray(astronaut()[200:280, 100:200]), 30),
]
SMALL = {"patches": 4, "pairs_per_picture": 8}


def test_labels_say_visible_up_to_and_at_the_pw_jnd():
    assert [is_visible(range(1, 101), 40, q) for q in (1, 40, 41, 100)] == [
        True,
        True,
        False,
        False,
    ]
    assert [is_visible(range(51, -1, -1), 30, q) for q in (51, 30, 29)] == [True, True, False]


@given(
    pw_jnd=st.integers(1, 100),
    count=st.integers(2, 191),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_qualities_are_balanced_and_half_of_them_near(pw_jnd, count, seed):
    drawn = sample_qualities(range(1, 101), pw_jnd, count, np.random.default_rng(seed))
    assert len(drawn) == count
    visible = [q for q in drawn if q <= pw_jnd]
    assert len(visible) == (count - count // 2 if pw_jnd < 100 else count)
    for side in (visible, [q for q in drawn if q > pw_jnd]):
        near = [q for q in side if pw_jnd - NEAR < q <= pw_jnd + NEAR]
        assert len(near) >= len(side) / 2
        # None twice before its part is used up: twice at most from 2 parts, then round by round.
        rounds = -(-len(side) // max(1, min(NEAR, len(set(side))))) + 2
        assert max(Counter(side).values(), default=0) <= 2 * rounds


def test_batches_follow_from_seed_epoch_and_index_only(tmp_path):
    first, again, other = (_data(tmp_path, seed=seed) for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256
    again.batch(0, 0, 3)  # what was asked before plays no part
    for a, b in zip(first.batch(2, 1, 3).inputs, again.batch(2, 1, 3).inputs, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.batch(2, 1, 3).inputs[0], first.batch(3, 1, 3).inputs[0])
    assert not torch.equal(first.batch(2, 1, 3).inputs[0], other.batch(2, 1, 3).inputs[0])


def test_an_epoch_visits_every_training_pair_once_and_validation_every_held_out_one(tmp_path):
    data = _data(tmp_path)
    assert data.steps_per_epoch(3) == 6
    batches = [data.batch(0, index, 3) for index in range(6)]
    assert [len(batch.inputs[0]) for batch in batches] == [3, 3, 3, 3, 3, 1]
    labels = torch.cat([batch.targets["output"] for batch in batches])
    assert labels.sum() == 8 and len(labels) == 16
    held_out = list(data.validation(5))
    assert [len(batch.inputs[0]) for batch in held_out] == [5, 3]
    for batch, same in zip(held_out, data.validation(5), strict=True):
        assert torch.equal(batch.inputs[1], same.inputs[1])


def test_patches_are_of_the_right_pictures_and_places(tmp_path):
    data = _data(tmp_path, crops="aligned", reference="source")
    batch = data.batch(0, 0, 6)
    assert [tuple(part.shape) for part in batch.inputs] == [(6, 4, 3, 32, 32)] * 3
    pairs = [data._pair(0, place) for place in range(6)]
    assert len({index for index, _ in pairs}) == 2
    for number, (index, quality) in enumerate(pairs):
        picture = PICTURES[index].picture
        top, left = _place(picture, batch.inputs[0][number, 2])
        coded = CODEC.decode(CODEC.encode(picture, quality))
        patch = coded[top : top + 32, left : left + 32].transpose(2, 0, 1)
        assert np.array_equal(_bytes(batch.inputs[1][number, 2]), patch)
        jnd = jnd_picture(pixel_jnd(luma_of(picture)))[top : top + 32, left : left + 32]
        assert np.array_equal(_bytes(batch.inputs[2][number, 2]), np.stack([jnd] * 3))
        assert batch.targets["output"][number] == (quality <= PICTURES[index].pw_jnd)


def test_independent_crops_move_the_jnd_patches_only(tmp_path):
    aligned, independent = (_data(tmp_path, crops=crops) for crops in ("aligned", "independent"))
    a, b = aligned.batch(0, 0, 4).inputs, independent.batch(0, 0, 4).inputs
    assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])
    assert not torch.equal(a[2], b[2])
    assert len(_data(tmp_path, with_jnd=False).batch(0, 0, 4).inputs) == 2


def test_pictures_that_do_not_fit_in_memory_give_the_same_batches(tmp_path):
    kept = _data(tmp_path)
    decoded = _data(tmp_path, ram_bytes=0)
    assert kept.kept and not decoded.kept
    assert torch.equal(kept.batch(0, 0, 8).inputs[1], decoded.batch(0, 0, 8).inputs[1])


def test_importance_weighs_versions_by_their_distance_from_the_one_at_the_pw_jnd(tmp_path):
    assert "output.weight" not in _data(tmp_path).batch(0, 0, 4).targets
    data = _data(tmp_path, importance=2.0)
    weights = data.batch(0, 0, 16).targets["output.weight"].tolist()
    pairs = [data._pair(0, place) for place in range(16)]
    for weight, (index, quality) in zip(weights, pairs, strict=True):
        picture, pw_jnd = PICTURES[index].picture, PICTURES[index].pw_jnd
        coded, at_jnd = (CODEC.decode(CODEC.encode(picture, q)) for q in (quality, pw_jnd))
        expected = 1 + 2 * (1 - picture_ssim(coded, at_jnd, k2=0.02))
        assert weight == pytest.approx(expected, abs=1e-5)
        assert weight == 1 if quality == pw_jnd else weight > 1


@pytest.mark.parametrize("k2", [0.02, 0.03])
def test_ssim_follows_its_definition(k2):
    picture = PICTURES[0].picture
    coded = CODEC.decode(CODEC.encode(picture, 30))
    x, y = luma_of(picture).astype(float), luma_of(coded).astype(float)

    def mean(plane):
        return cv2.GaussianBlur(plane, (11, 11), 1.5)[5:-5, 5:-5]

    c1, c2 = (0.01 * 255) ** 2, (k2 * 255) ** 2
    covariance = mean(x * y) - mean(x) * mean(y)
    variances = mean(x * x) - mean(x) ** 2 + mean(y * y) - mean(y) ** 2
    similar = (2 * mean(x) * mean(y) + c1) * (2 * covariance + c2)
    similar /= (mean(x) ** 2 + mean(y) ** 2 + c1) * (variances + c2)
    assert picture_ssim(picture, coded, k2=k2) == pytest.approx(similar.mean(), abs=1e-5)
    assert picture_ssim(picture, picture) == pytest.approx(1)


def test_scores():
    scores = classification_scores([True, True, True, False], [True, True, False, True])
    assert scores == (0.5, 2 / 3, 2 / 3)
    assert classification_scores([False, False], [False, True]) == (0.5, None, 0.0)
    with pytest.raises(UserError):
        classification_scores([True], [True, False])
    outputs = {"output": torch.tensor([2.0, -1.0, 0.5])}
    assert accuracy(outputs, {"output": torch.tensor([1.0, 1.0, 1.0])}) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("name", "epochs", "learning_rate"), [("vp_jnd", 20, 2e-3), ("liu_pw_jnd", 40, 1e-3)]
)
def test_the_loop_of_the_suite_learns_from_the_pairs(name, epochs, learning_rate, tmp_path):
    options = {"width": 0.125, "patch_size": 32, "dropout": 0.0, "start": "detail"}
    network = build_network(name, options, seed=1)
    easy = [picture._replace(pw_jnd=8) for picture in PICTURES]
    data = PicturePairsJnd(
        easy[:2],
        easy[2:],
        CODEC,
        StillStore(tmp_path),
        PairSampling(**SMALL, crops="aligned", importance=1.0),
        patch_size=32,
        with_jnd=network.uses_jnd,
    )
    recipe = Recipe(
        epochs=epochs,
        batch_size=8,
        losses=(LossTerm("bce"),),
        learning_rate=learning_rate,
        ema_decay=0.9,
        validate_every_epochs=epochs,
    )
    rows = []
    train(
        network, data, recipe, tmp_path / "run", device="cpu", threads=1,
        metrics={"accuracy": accuracy}, on_metrics=rows.append, show_progress=False,
        checkpoint_every_epochs=epochs,
    )  # fmt: skip
    losses = [row["train_loss"] for row in rows]
    assert np.mean(losses[-3:]) < 0.95 * np.mean(losses[:3])
    assert 0 <= rows[-1]["accuracy"] <= 1


def test_unusable_pictures_are_refused(tmp_path):
    store = StillStore(tmp_path)
    picture = PICTURES[0]
    cases = [
        ([], 32, "no labelled pictures"),
        ([picture._replace(pw_jnd=101)], 32, "found 101"),
        ([picture, picture], 32, "named twice"),
        ([picture], 96, "smaller than a patch"),
    ]
    sampling = PairSampling(**SMALL)
    for pictures, patch_size, word in cases:
        with pytest.raises(UserError, match=word):
            PicturePairsJnd(pictures, [], CODEC, store, sampling, patch_size=patch_size)
    for options in ({"crops": "random"}, {"pairs_per_picture": 1}, {"importance": -1.0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            PairSampling(**options)


def test_the_reference_is_the_picture_at_the_best_quality_and_so_is_its_jnd_map(tmp_path):
    data = _data(tmp_path, crops="aligned")  # the default
    picture = PICTURES[data._pair(0, 0)[0]].picture
    best = CODEC.decode(CODEC.encode(picture, 100))
    batch = data.batch(0, 0, 1)
    top, left = _place(best, batch.inputs[0][0, 0])
    jnd = jnd_picture(pixel_jnd(luma_of(best)))[top : top + 32, left : left + 32]
    assert np.array_equal(_bytes(batch.inputs[2][0, 0]), np.stack([jnd] * 3))
    assert data.sha256 != _data(tmp_path, crops="aligned", reference="source").sha256


def test_tiles_are_in_step_with_the_blocks_of_jpeg(tmp_path):
    data = _data(tmp_path, places="tiles", crops="aligned", patches=3)
    for index in range(4):
        batch = data.batch(0, index, 1)
        best = CODEC.decode(CODEC.encode(PICTURES[data._pair(0, index)[0]].picture, 100))
        places = {_place(best, patch) for patch in batch.inputs[0][0]}
        assert len(places) == 3 and all(top % 32 == left % 32 == 0 for top, left in places)
    every = _data(tmp_path, places="tiles", patches=99).batch(0, 0, 1).inputs[0]
    assert every.shape[1] == (80 // 32) * (96 // 32)


def test_an_epoch_of_so_many_steps_goes_on_in_the_pairs(tmp_path):
    data = _data(tmp_path, epoch_steps=3)
    assert data.steps_per_epoch(4) == 3
    drawn = [data.batch(epoch, index, 4) for epoch in range(2) for index in range(3)]
    assert [len(batch.inputs[0]) for batch in drawn] == [4] * 6
    # 24 pairs are one and a half passes over 16: the first sixteen are all of them.
    labels = torch.cat([batch.targets["output"] for batch in drawn])
    assert labels[:16].sum() == 8
    again = _data(tmp_path, epoch_steps=3).batch(1, 2, 4)
    assert torch.equal(again.inputs[1], drawn[5].inputs[1])


def test_ordinal_targets_are_distances_along_the_curve(tmp_path):
    curve = tuple(np.linspace(60, 99, 100))
    pictures = [picture._replace(curve=curve) for picture in PICTURES]
    sampling = PairSampling(**SMALL, softness=2.0)
    data = PicturePairsJnd(pictures, [], CODEC, StillStore(tmp_path), sampling, patch_size=32)
    batch = data.batch(0, 0, 24)
    for number, target in enumerate(batch.targets["output"].tolist()):
        index, quality = data._pair(0, number)
        label = PICTURES[index].pw_jnd
        edge = (curve[label - 1] + curve[label]) / 2
        assert target == pytest.approx(1 / (1 + np.exp((curve[quality - 1] - edge) / 2)), abs=1e-6)
        assert (target > 0.5) == (quality <= label)
    with pytest.raises(UserError, match="no curve"):
        PicturePairsJnd(PICTURES, [], CODEC, StillStore(tmp_path), sampling, patch_size=32)


def test_validation_of_many_pictures_takes_a_share_of_their_pairs(tmp_path):
    held_out = [PICTURES[2]._replace(name=f"h{number}") for number in range(3)]
    sampling = PairSampling(patches=1, pairs_per_picture=MOST_HELD_OUT // 2)
    data = PicturePairsJnd(
        PICTURES[:1], held_out, CODEC, StillStore(tmp_path), sampling, patch_size=32, ram_bytes=0
    )
    assert len(data.held_out_pairs) == 3 * MOST_HELD_OUT // 2 // 2
    assert {index for index, _ in data.held_out_pairs} == {1, 2, 3}


def _data(
    folder, ram_bytes=1 << 30, with_jnd=True, seed=0, epoch_steps=None, **options
) -> PicturePairsJnd:
    return PicturePairsJnd(
        PICTURES[:2], PICTURES[2:], CODEC, StillStore(folder), PairSampling(**SMALL | options),
        patch_size=32, with_jnd=with_jnd, ram_bytes=ram_bytes, seed=seed, epoch_steps=epoch_steps,
    )  # fmt: skip


def _place(picture: np.ndarray, patch: torch.Tensor) -> tuple[int, int]:
    wanted = _bytes(patch).transpose(1, 2, 0)
    windows = np.lib.stride_tricks.sliding_window_view(picture, (32, 32), axis=(0, 1))
    windows = windows.transpose(0, 1, 3, 4, 2)
    return tuple(int(i[0]) for i in np.nonzero((windows == wanted).all((2, 3, 4))))


def _bytes(patch: torch.Tensor) -> np.ndarray:
    return np.rint(patch.numpy() * 255).astype(np.uint8)
