"""Saliency models behind one interface, and importance 1-3 by the published thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from sklearn.decomposition import sparse_encode

from jndlab.errors import UserError
from jndlab.jnd.saliency import dsr as saliency_dsr
from jndlab.jnd.saliency.dsr import bayes_merged, dense_error, propagated, sparse_error
from jndlab.jnd.saliency.visual_importance import (
    SALIENCY_MODELS,
    block_importance,
    importance_maps,
    load_saliency,
)
from jndlab.media.clip import Frame

RNG = np.random.default_rng(11)
HEIGHT, WIDTH = 180, 240
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
OBJECT = (ROWS - 100) ** 2 + (COLUMNS - 150) ** 2 < 35**2


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A red disc off the middle of a bluish, noisy, shaded background."""
    shade = 60 + COLUMNS[..., None] * [0.1, 0.15, 0.3]
    picture = np.where(OBJECT[..., None], [200, 60, 40], shade)
    return np.clip(picture + RNG.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", SALIENCY_MODELS)
def test_every_model_gives_a_map_of_0_to_1_and_the_same_again(scene, name):
    before = scene.copy()
    options = {"segments": [50, 100]} if name == "dsr" else {}  # all eight scales take seconds
    found = load_saliency(name, options).saliency(scene)
    assert found.shape == (HEIGHT, WIDTH) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1 and np.ptp(found) > 0.5
    assert np.array_equal(found, load_saliency(name, options).saliency(scene))
    assert np.array_equal(scene, before)


@pytest.mark.parametrize("name", SALIENCY_MODELS)
def test_pictures_of_one_colour_and_odd_sizes(name):
    model = load_saliency(name)
    for shape in ((90, 65, 3), (16, 300, 3)):
        for value in (0, 117):
            assert np.isfinite(model.saliency(np.full(shape, value, np.uint8))).all()
        noise = RNG.integers(0, 255, shape, dtype=np.uint8)
        assert np.isfinite(model.saliency(noise)).all()
    if name != "centre":
        assert (model.saliency(np.full((64, 64, 3), 9, np.uint8)) == 0).all()


def test_reconstruction_finds_the_object_where_the_baselines_do_not(scene):
    contrast = {
        name: (lambda s: s[OBJECT].mean() - s[~OBJECT].mean())(load_saliency(name).saliency(scene))
        for name in SALIENCY_MODELS
    }
    for name in ("dsr", "dsr_small"):
        assert contrast[name] > 0.7
        assert contrast[name] > contrast["centre"] + 0.1
        assert contrast[name] > contrast["spectral_residual"] + 0.1
    assert contrast["spectral_residual"] > 0


def test_the_model_in_full_has_the_scales_of_its_authors():
    full, small = load_saliency("dsr"), load_saliency("dsr_small")
    assert full.segments == (50, 100, 150, 200, 250, 300, 350, 400) and full.longest_side is None
    assert small.segments == (50, 100, 200) and small.longest_side == 200


def test_reconstruction_finds_the_astronaut_and_the_cup():
    model = load_saliency("dsr_small")
    astronaut = model.saliency(data.astronaut())
    suit, wall = astronaut[300:450, 120:330], astronaut[20:150, 320:400]
    assert suit.mean() > 0.8 and wall.mean() < 0.2
    cup = model.saliency(data.coffee())
    assert cup[100:300, 200:400].mean() > 0.5 and cup[:40].mean() < 0.1


def test_what_the_templates_span_has_no_error():
    templates = RNG.normal(size=(30, 2)) @ RNG.normal(size=(2, 8)) + 0.3
    inside = templates[:5] * 0.5 + templates[5:10] * 0.5
    outside = inside + RNG.normal(size=(5, 8))
    errors = dense_error(np.vstack([inside, outside]), templates)
    assert errors[:5].max() < 0.1 * errors[5:].min()
    alone = dense_error(templates[:1].repeat(3, 0) + 1, templates[:1].repeat(4, 0))
    assert alone.max() == pytest.approx(8)


def test_sparse_error_is_that_of_the_lasso():
    # Few templates, so that much is left over; at a sparsity that leaves some of them out.
    templates, features = RNG.normal(size=(6, 8)), RNG.normal(size=(40, 8))
    codes = sparse_encode(features, templates, algorithm="lasso_lars", alpha=1.0)
    assert (codes == 0).any() and (codes != 0).any()
    expected = np.square(features - codes @ templates).sum(axis=1)
    np.testing.assert_allclose(sparse_error(features, templates, 1.0), expected, rtol=0.01)
    alone = templates[:1]  # a picture of one superpixel
    assert sparse_error(alone, alone, 1e-6)[0] < 1e-6


def test_propagation_by_hand():
    features = np.array([[0.0], [0.0], [1.0], [5.0]])
    errors, clusters = np.array([0.2, 0.8, 0.4, 0.3]), np.array([0, 0, 0, 1])
    found = propagated(features, errors, clusters, 0.5)
    near = np.exp(-1 / (2 * features.var()))
    third = 0.5 * 0.4 + 0.5 * 0.8
    first = 0.5 * 0.2 + 0.5 * (0.8 + near * third) / (1 + near)
    np.testing.assert_allclose(found, [first, 0.8, third, 0.3])
    np.testing.assert_allclose(propagated(features, errors, clusters, 0.0), errors)


def test_merging_agrees_where_both_maps_do():
    first = np.zeros((20, 20))
    first[5:12, 5:12] = 0.9
    second = np.roll(first, 3, axis=1)
    merged = bayes_merged(first, second)
    both, one, none = merged[5:12, 8:12], merged[5:12, 5:8], merged[15:]
    assert both.min() > one.max() > none.max() == 0


def test_thresholds_by_hand_and_partial_blocks():
    saliency = np.zeros((96, 200))
    saliency[:64, :64] = 1.0
    saliency[:64, 64:128] = 0.5
    saliency[:64, 128:192] = 0.0501
    saliency[:64, 192:] = 0.0499
    saliency[64:, 64:128] = 0.499  # of 32 lines that are there
    expected = [[3, 3, 2, 1], [1, 2, 1, 1]]
    found = block_importance(saliency)
    assert found.tolist() == expected and found.dtype == np.uint8
    assert block_importance(saliency, partial_blocks="drop").tolist() == [[3, 2, 1]]  # own range


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-5, 5))
def test_importance_depends_on_the_order_of_salience_only(seed, factor, shift):
    saliency = np.random.default_rng(seed).uniform(size=(40, 50)).round(3)
    before = block_importance(saliency, 16)
    assert before.max() == 3 and before.min() == 1  # the two ends of each frame's range
    scaled = block_importance(saliency * factor + shift, 16)
    assert (scaled != before).sum() <= 1  # only a block on a threshold may change by rounding
    means = saliency[:32, :48].reshape(2, 16, 3, 16).mean(axis=(1, 3)).ravel()
    ordered = before[:2, :3].ravel()[np.argsort(means)]
    assert (np.diff(ordered.astype(int)) >= 0).all()


def test_where_nothing_stands_out_nothing_is_unimportant():
    assert (block_importance(np.zeros((100, 100))) == 3).all()
    assert (block_importance(np.full((64, 64), 0.3)) == 3).all()


def test_importance_of_frames(scene):
    luma = scene[..., 1]
    frame = Frame(luma, luma[::2, ::2], luma[1::2, 1::2])
    maps = importance_maps([frame] * 5, load_saliency("centre"), every=2, provenance={"a": 1})
    assert maps.kind == "importance" and maps.values.shape == (3, 3, 4)
    assert maps.frames.tolist() == [0, 2, 4] and maps.provenance == {"a": 1}
    assert (maps.width, maps.height) == (WIDTH, HEIGHT)
    with pytest.raises(UserError, match="no pictures"):
        importance_maps([], load_saliency("centre"))


class Broken:
    def __init__(self, *, value: float = 2.0) -> None:
        self.value = value

    def saliency(self, rgb: np.ndarray) -> np.ndarray:
        return np.full(rgb.shape[:2], self.value)


@pytest.mark.parametrize("value", [2.0, float("nan"), -0.1])
def test_a_model_of_ones_own_is_checked(scene, value):
    model = load_saliency(f"{__name__}:Broken", {"value": value})
    with pytest.raises(UserError, match="Broken returned something that is no saliency map"):
        importance_maps([scene], model)


def test_unknown_models_and_options_are_named():
    with pytest.raises(UserError, match="no saliency model 'dsrr'"):
        load_saliency("dsrr")
    with pytest.raises(UserError, match="sizes"):
        load_saliency("dsr", {"sizes": 3})
    with pytest.raises(UserError, match="out of range"):
        saliency_dsr.DenseSparseReconstruction(segments=())
