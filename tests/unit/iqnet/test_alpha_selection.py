"""Selection of IQNet's training patches: hand-made tables, and what holds for any scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jndlab.errors import UserError
from jndlab.papers.iqnet.alpha_selection import (
    Reason,
    assemble_training_picture,
    select_alphas,
)
from jndlab.papers.iqnet.config import SelectionOptions

NO_SMOOTH = {"smooth_quantile": 0.0}


def choose(scores, reference=5.0, mae=None, **options):
    """Index and reason of one patch (a column of scores)."""
    column = np.array(scores, float)[:, np.newaxis]
    errors = np.ones_like(column) if mae is None else np.array(mae, float)[:, np.newaxis]
    selection = select_alphas(column, np.array([reference]), errors, SelectionOptions(**options))
    return int(selection.choice[0]), selection.reasons[0]


@pytest.mark.parametrize(
    ("scores", "closest", "largest"),
    [
        ([5.3, 5.1, 5.2, 4.9], (1, Reason.SCORE), (2, Reason.SCORE)),
        ([5.1, 5.3, 5.1, 5.1], (3, Reason.SCORE), (3, Reason.SCORE)),  # a tie: larger alpha
        ([5.1, 5.1 + 5e-4, 5.2, 4.0], (1, Reason.SCORE), (2, Reason.SCORE)),  # a near tie
        ([5.1, 5.1 + 5e-3, 5.2, 4.0], (0, Reason.SCORE), (2, Reason.SCORE)),  # no tie
        ([5.0, 4.99, 4.9, 4.9], (0, Reason.SCORE), (0, Reason.SCORE)),  # not lower beats near
        ([4.96, 4.98, 4.97, 4.0], (1, Reason.TOLERANCE), (2, Reason.TOLERANCE)),
        ([4.0, 4.1, 4.94, 4.9], (0, Reason.FALLBACK), (0, Reason.FALLBACK)),
    ],
)
def test_score_rule(scores, closest, largest):
    assert choose(scores, tie_mode="closest", **NO_SMOOTH) == closest
    assert choose(scores, **NO_SMOOTH) == largest


def test_tolerance_is_an_option():
    scores = [4.0, 4.0, 4.8, 4.7]
    assert choose(scores, tolerance=0.05, **NO_SMOOTH) == (0, Reason.FALLBACK)
    assert choose(scores, tolerance=0.25, **NO_SMOOTH) == (2, Reason.TOLERANCE)
    assert choose(scores, tolerance=0.35, tie_mode="largest", **NO_SMOOTH)[0] == 3


def test_a_smooth_patch_loses_the_alphas_above_the_mae_bound():
    mae = [1.0, 1.2, 1.21, 1.1]
    options = {"smooth_absolute": 1.0, "tie_mode": "largest"}
    assert choose([5.2] * 4, mae=mae, **options) == (3, Reason.SCORE)
    assert choose([5.2, 5.2, 5.2, 4.0], mae=mae, **options) == (1, Reason.SMOOTH_LIMITED)
    assert choose([5.2, 5.1, 5.2, 4.0], mae=mae, **options)[0] == 1
    assert choose([5.2, 4.0, 5.1, 4.0], mae=mae, **options) == (0, Reason.SMOOTH_LIMITED)
    assert choose([5.2, 4.0, 5.1, 4.0], mae=mae, smooth_absolute=0.9) == (2, Reason.SCORE)
    assert choose([5.2, 5.2, 5.2, 4.0], mae=mae, mae_ratio=1.3, **options) == (2, Reason.SCORE)
    # Nothing tolerable under the bound
    assert choose([4.0, 4.0, 5.1, 4.0], mae=mae, **options) == (0, Reason.SMOOTH_LIMITED)


def test_smooth_patches_are_a_share_of_all():
    mae = np.tile(np.arange(1.0, 101.0), (4, 1))
    scores = np.full((4, 100), 5.0)
    for share, count in ((0.0, 0), (0.25, 25), (1.0, 100)):
        options = SelectionOptions(smooth_quantile=share)
        smooth = select_alphas(scores, scores[0], mae, options).smooth
        assert smooth.sum() == count and smooth[:count].all()


def test_nothing_acceptable_gives_the_smallest_alpha():
    assert choose([4.0] * 4, **NO_SMOOTH) == (0, Reason.FALLBACK)


# Eighths and sixteenths: exact in binary, so that the checks below round as the code does.
SCORES = st.integers(32, 48).map(lambda eighths: eighths / 8)


@st.composite
def tables_of_patches(draw):
    """Scores, reference scores and MAE of 1 to 6 alphas and 1 to 8 patches."""
    count, patches = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    return (
        draw(arrays(np.float64, (count, patches), elements=SCORES)),
        draw(arrays(np.float64, (patches,), elements=SCORES)),
        draw(arrays(np.float64, (count, patches), elements=st.floats(0, 3))),
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    tables_of_patches(),
    st.sampled_from(["closest", "largest"]),
    st.floats(0, 1),
    st.integers(0, 16).map(lambda sixteenths: sixteenths / 16),
)
def test_any_choice_is_admissible_and_none_better_is_left(tables, tie_mode, share, tolerance):
    scores, reference, mae = tables
    options = SelectionOptions(tie_mode=tie_mode, smooth_quantile=share, tolerance=tolerance)
    choice, reasons, smooth = select_alphas(scores, reference, mae, options)
    assert len(reasons) == len(choice) == len(reference)
    for patch, (taken, reason) in enumerate(zip(choice, reasons, strict=True)):
        bound = 1.2 * mae[0, patch] if smooth[patch] else np.inf
        admissible = [a for a in range(len(scores)) if mae[a, patch] <= bound]
        assert taken in admissible
        score, target = scores[taken, patch], reference[patch]
        good = [a for a in admissible if scores[a, patch] >= target]
        fair = [a for a in admissible if scores[a, patch] >= target - tolerance]
        if good:
            assert score >= target
        elif fair:
            assert score >= target - tolerance
        else:
            assert taken == 0
        pool = good or fair
        if pool and tie_mode == "closest":
            nearest = min(abs(scores[a, patch] - target) for a in pool)
            pool = [a for a in pool if abs(scores[a, patch] - target) <= nearest + 1e-9]
        if pool:
            assert taken == max(pool)  # the largest alpha among equals
        if reason is Reason.SMOOTH_LIMITED:
            assert smooth[patch] and len(admissible) < len(scores)
        else:
            expected = Reason.SCORE if good else Reason.TOLERANCE if fair else Reason.FALLBACK
            assert reason is expected


@settings(max_examples=50, deadline=None, derandomize=True)
@given(tables_of_patches())
def test_patches_are_chosen_independently_of_each_other(tables):
    scores, reference, mae = tables
    options = SelectionOptions(smooth_absolute=1.0)
    together = select_alphas(scores, reference, mae, options)
    for patch in range(len(reference)):
        one = slice(patch, patch + 1)
        alone = select_alphas(scores[:, one], reference[one], mae[:, one], options)
        assert alone.choice[0] == together.choice[patch]
        assert alone.reasons[0] is together.reasons[patch]


def test_picture_is_put_together_from_the_chosen_patches():
    rng = np.random.default_rng(0)
    candidates = rng.integers(0, 256, (3, 256, 448)).astype(np.uint8)
    choice = rng.integers(0, 3, (4, 7))
    picture = assemble_training_picture(candidates, choice)
    assert picture.shape == (256, 448) and picture.dtype == np.uint8
    for row in range(4):
        for column in range(7):
            where = (slice(64 * row, 64 * row + 64), slice(64 * column, 64 * column + 64))
            np.testing.assert_array_equal(picture[where], candidates[choice[row, column]][where])


def test_what_is_no_whole_patch_is_left_out():
    candidates = np.zeros((2, 70, 130), np.uint16)
    assert assemble_training_picture(candidates, np.zeros((1, 2), int)).shape == (64, 128)
    with pytest.raises(ValueError, match="does not fit"):
        assemble_training_picture(candidates, np.zeros((2, 2), int))
    with pytest.raises(ValueError, match="does not fit"):
        assemble_training_picture(candidates[:, :10], np.zeros((0, 2), int))


@pytest.mark.parametrize(
    "options",
    [
        {"smooth_quantile": 1.5},
        {"smooth_absolute": -1},
        {"mae_ratio": 0.9},
        {"mae_ratio": float("nan")},
        {"tolerance": -0.1},
        {"mae_kind": "decoded"},
        {"tie_mode": "smallest"},
    ],
)
def test_wrong_options_are_named(options):
    (key,) = options
    with pytest.raises(ValueError, match=key):
        SelectionOptions(**options)


@pytest.mark.parametrize("values", ["scores", "reference", "mae"])
def test_nan_is_refused_with_its_patch(values):
    tables = {"scores": np.ones((4, 3)), "reference": np.ones(3), "mae": np.ones((4, 3))}
    tables[values][..., 2] = np.nan
    with pytest.raises(UserError, match=r"of 1 patches(.|\n)*patches 2"):
        select_alphas(tables["scores"], tables["reference"], tables["mae"])


def test_no_patches_give_no_choices():
    choice, reasons, _ = select_alphas(np.ones((4, 0)), np.ones(0), np.ones((4, 0)))
    assert choice.shape == (0,) and reasons == []
