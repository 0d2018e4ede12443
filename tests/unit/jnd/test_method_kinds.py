"""JND predictors and block-QP controls: what is taken from a user's class, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.jnd.block.qp import checked_qp_maps, grid, load_block_qp_control
from jndlab.jnd.jnd_predictor import (
    FrameJnd,
    load_jnd_predictor,
    predict_clip,
    qp_not_below_jnd,
)
from jndlab.jnd.method_class import expanded_options
from jndlab.media.clip import ClipFormat

CLIP = ClipFormat(width=130, height=64, fps=Fraction(25), frames=2)


class Fixed:
    """A predictor and a control that return what they are given."""

    def __init__(self, *, answer=()):
        self.answer = answer

    def predict(self, frames, clip):
        return self.answer

    def qp_maps(self, frames, clip, qp):
        return iter(self.answer)


def test_a_clip_takes_the_median_of_its_frames():
    predictor = Fixed(answer=[FrameJnd(0, (20, 30)), FrameJnd(4, (26, 31)), (8, [22, 39])])
    predicted = predict_clip(predictor, [], replace(CLIP, frames=9))
    assert predicted["jnd"] == [22, 31]
    assert predicted["frames"][1] == {"frame": 4, "jnd": [26.0, 31.0]}


@pytest.mark.parametrize(
    "answer", [[], [FrameJnd(0, ())], [(0, (1, 2)), (1, (1,))], [(0, (float("nan"),))]]
)
def test_no_usable_prediction_is_refused(answer):
    with pytest.raises(UserError, match="no usable prediction"):
        predict_clip(Fixed(answer=answer), [], CLIP)


@given(st.integers(0, 51), st.floats(0, 51))
def test_coding_is_never_finer_than_the_jnd_nor_than_the_target(target, jnd):
    qp = qp_not_below_jnd(target, {"jnd": [jnd]})
    assert qp >= target and qp >= jnd - 0.5
    assert qp in (target, int(np.floor(jnd + 0.5)))


def test_blocks_cut_by_the_border_have_a_qp_too():
    assert grid(CLIP) == (1, 3)
    maps = checked_qp_maps(Fixed(answer=[np.full((1, 3), 30.0)] * 2), [], CLIP, 22)
    assert maps.shape == (2, 1, 3) and maps.dtype == np.int16


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([np.full((1, 3), 30)], "number of maps"),
        ([np.full((1, 2), 30)] * 2, "another grid"),
        ([np.full((1, 3), 30.5)] * 2, "no QPs"),
        ([np.full((1, 3), 64)] * 2, "no QPs"),
        ([np.full((1, 3), np.nan)] * 2, "no QPs"),
    ],
)
def test_unfit_maps_are_refused(answer, message):
    with pytest.raises(UserError, match=message):
        checked_qp_maps(Fixed(answer=answer), [], CLIP, 22)


def test_loading_says_what_kind_is_wanted():
    with pytest.raises(UserError, match="is no JND predictor"):
        load_jnd_predictor("jndlab.jnd.erjnd:ErjndPrefilter")
    with pytest.raises(UserError, match="is no block-QP control"):
        load_block_qp_control("jndlab.jnd.erjnd:ErjndPrefilter")


def test_names_in_options_are_filled_in_at_any_depth():
    options = {"stage": {"files": ["{results}/a/{sequence}.npz", 3]}, "plain": True}
    expanded = expanded_options(options, results="out", sequence="bikes")
    assert expanded == {"stage": {"files": ["out/a/bikes.npz", 3]}, "plain": True}
