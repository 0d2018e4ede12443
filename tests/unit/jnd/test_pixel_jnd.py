"""Pixel-wise JND models: against slow loops, known values, and what must hold of any picture."""

from __future__ import annotations

import math
import time

import cv2
import numpy as np
import pytest
from skimage.data import astronaut
from skimage.feature import canny

from jndlab.errors import UserError
from jndlab.jnd.pixel import wu2013 as pixel_jnd_wu2013
from jndlab.jnd.pixel import wu2017 as pixel_jnd_wu2017
from jndlab.jnd.pixel.maps import MODELS, jnd_picture, mean_pixel_jnd, pixel_jnd
from jndlab.jnd.pixel.parts import (
    canny_edges,
    edge_protection,
    fuse,
    lifted_background,
    luminance_adaptation,
    strongest_gradient,
)

RNG = np.random.default_rng(1)
ASTRONAUT = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)
# A corner with hair, background and edges, small enough for loops.
SMALL = np.ascontiguousarray(ASTRONAUT[60:88, 170:202])


def test_luminance_adaptation_at_known_backgrounds():
    found = luminance_adaptation(np.array([0.0, 127.0, 255.0, 31.75]))
    assert found == pytest.approx([20.0, 3.0, 6.0, 11.5])


def test_wu_lift_darkness_and_leave_the_bright_half():
    found = lifted_background(np.array([0.0, 64.0, 127.0, 128.0, 254.9], np.float32))
    assert found.tolist() == [32, 80, 127, 128, 254]


@pytest.mark.parametrize("level", [0, 60, 127, 200, 255])
def test_a_flat_picture_has_luminance_adaptation_only(level):
    flat = np.full((40, 50), level, np.uint8)
    adaptation = float(luminance_adaptation(np.array([float(level)]))[0])
    lifted = float(luminance_adaptation(lifted_background(np.array([float(level)])))[0])
    assert pixel_jnd(flat, "yang2005") == pytest.approx(adaptation, abs=1e-3)
    assert pixel_jnd(flat, "wu2017") == pytest.approx(lifted, abs=1e-3)
    # Contrast masking of Wu 2013 is not 0 without contrast: published so.
    offset = abs(0.5 - 0.01 * level)
    expected = lifted + offset - 0.3 * min(lifted, offset)
    assert pixel_jnd(flat, "wu2013") == pytest.approx(expected, abs=1e-3)


# What the model of principal components does not see in noise without structure is not masked.
MASKING = sorted(MODELS.keys() - {"jiang2022"})


@pytest.mark.parametrize("model", MASKING)
def test_texture_raises_the_threshold_and_more_texture_more(model):
    noise = RNG.standard_normal((64, 64))
    means = [
        mean_pixel_jnd(np.clip(128 + strength * noise, 0, 255).astype(np.uint8), model)
        for strength in (0, 8, 24)
    ]
    assert means[0] + 0.05 < means[1] < means[2] - 0.05


@pytest.mark.parametrize("model", sorted(MODELS))
def test_maps_are_positive_finite_and_the_same_for_float_luma(model):
    jnd = pixel_jnd(SMALL, model)
    assert jnd.shape == SMALL.shape and jnd.dtype == np.float32
    assert np.isfinite(jnd).all() and jnd.min() >= 0 and jnd.max() > 0
    assert jnd.min() > 0 or model == "jiang2022"  # nothing is left on its edges
    assert pixel_jnd(SMALL.astype(np.float64), model) == pytest.approx(jnd, abs=1e-4)


def test_yang2005_equals_a_slow_loop():
    weights = edge_protection(SMALL, threshold=0.5, radius=6, strength=0.95, blur=7)
    expected = np.empty(SMALL.shape)
    for y, x in np.ndindex(SMALL.shape):
        adaptation = _loop_adaptation(_loop_background(SMALL, y, x))
        texture = 0.117 * _loop_gradient(SMALL, y, x) * weights[y, x]
        expected[y, x] = adaptation + texture - 0.3 * min(adaptation, texture)
    assert pixel_jnd(SMALL, "yang2005") == pytest.approx(expected, abs=1e-3)


def test_wu2017_equals_a_slow_loop():
    height, width = SMALL.shape
    orientation = np.empty(SMALL.shape, int)
    for y, x in np.ndindex(SMALL.shape):
        window = _window(SMALL, y, x, 1)
        across = (window[:, 2] - window[:, 0]).sum() / 3
        down = (window[2] - window[0]).sum() / 3
        if math.hypot(across, down) < 5:
            orientation[y, x] = 99
            continue
        degrees = math.floor(math.degrees(math.atan2(down, across)) + 0.5)
        degrees += -180 if degrees > 90 else 180 if degrees < -90 else 0
        orientation[y, x] = math.floor((degrees + 90) / 12 + 0.5)
    complexity = np.ones(SMALL.shape)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if orientation[y, x] != 99:
                around = orientation[y - 1 : y + 2, x - 1 : x + 2]
                complexity[y, x] = len(set(around.ravel().tolist()))
    assert complexity.max() >= 5  # or this picture would test nothing
    assert np.array_equal(pixel_jnd_wu2017.pattern_complexity(SMALL), complexity)

    bell = np.exp(-0.5 * np.arange(-1, 2) ** 2)
    bell = np.outer(bell, bell) / bell.sum() ** 2
    gradient = max(_loop_gradient(SMALL, y, x) for y, x in np.ndindex(SMALL.shape))
    weights = edge_protection(
        SMALL, threshold=min(60 / gradient, 0.8), radius=3, strength=1.0, blur=5
    )
    expected = np.empty(SMALL.shape)
    for y, x in np.ndindex(SMALL.shape):
        background = math.floor(_loop_background(SMALL, y, x))
        if background <= 127:
            background = math.floor(32 + background * 95 / 127 + 0.5)
        adaptation = _loop_adaptation(background)
        inside = 2 <= y < height - 2 and 2 <= x < width - 2
        contrast = _window(SMALL, y, x, 2).std() if inside else 0.0
        pattern = (_window(complexity, y, x, 1) * bell).sum()
        masking = max(
            1.84 * contrast**2.4 / (contrast**2 + 26**2),
            contrast * 0.3 * pattern**2.7 / (pattern**2 + 1) * weights[y, x],
        )
        expected[y, x] = adaptation + masking - 0.3 * min(adaptation, masking)
    assert pixel_jnd(SMALL, "wu2017") == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("full_search", [False, True])
def test_wu2013_predicts_what_a_slow_loop_predicts(full_search):
    luma = np.ascontiguousarray(SMALL[4:18, 6:20])
    padded = np.pad(luma.astype(float), 13, mode="symmetric")
    patches = np.lib.stride_tricks.sliding_window_view(padded, (7, 7))
    expected = np.empty(luma.shape)
    for y, x in np.ndindex(luma.shape):
        background = math.floor(_loop_background(luma, y, x))
        if background <= 127:
            background = math.floor(32 + background * 95 / 127 + 0.5)
        least = max(_loop_adaptation(background), 8.0)
        deviation = _window(luma, y, x, 3).std()
        spread = least**2 * (least / deviation if deviation > least else 1)
        total = weights = largest = 0.0
        for u in range(-10, 11):
            for v in range(-10, 11):
                if (u, v) == (0, 0) or (not full_search and u * u + v * v > 25):
                    continue
                other = patches[y + 10 + u, x + 10 + v]
                distance = ((patches[y + 10, x + 10] - other) ** 2).mean()
                weight = math.exp(-distance / spread)
                total += weight * other[3, 3]
                weights += weight
                largest = max(largest, weight)
        expected[y, x] = (total + largest * luma[y, x]) / (weights + largest)
    found = pixel_jnd_wu2013.predict_order(luma, full_search)
    assert np.abs(found - expected).max() < 0.51


def test_wu2013_fuses_order_and_disorder():
    predicted = pixel_jnd_wu2013.predict_order(SMALL)
    remainder = np.abs(SMALL.astype(float) - predicted)
    assert remainder.max() > 3
    expected = np.empty(SMALL.shape)
    size, reach = 7, np.arange(-3, 4)
    bell = np.exp(-0.5 * (reach / (size / 3)) ** 2)
    bell = np.outer(bell, bell) / bell.sum() ** 2
    protection = edge_protection(SMALL, threshold=0.7, radius=2, strength=0.8, blur=5)
    for y, x in np.ndindex(SMALL.shape):
        background = math.floor(_loop_background(predicted, y, x))
        lifted = background
        if background <= 127:
            lifted = math.floor(32 + background * 95 / 127 + 0.5)
        gradient = 80 * math.log(1 + _loop_gradient(predicted, y, x) / 80, 4)
        masking = abs(gradient * (0.0001 * background + 0.115) + 0.5 - 0.01 * background)
        adaptation = _loop_adaptation(lifted)
        order = adaptation + masking - 0.3 * min(adaptation, masking)
        concealed = remainder[y, x]
        if _window(SMALL, y, x, 3).std() < 10:
            concealed = min(concealed, (_window(remainder, y, x, 3) * bell).sum())
        concealed *= protection[y, x]
        expected[y, x] = order + concealed - 0.3 * min(order, concealed)
    assert pixel_jnd(SMALL, "wu2013") == pytest.approx(expected, abs=2e-3)


def test_fusion_takes_three_tenths_of_the_smaller():
    assert fuse(np.array([4.0, 1.0]), np.array([2.0, 10.0])).tolist() == pytest.approx([5.4, 10.7])


def test_canny_finds_a_step_where_it_is_and_nothing_in_a_flat_picture():
    step = np.full((40, 40), 50, np.uint8)
    step[:, 20:] = 180
    columns = np.unique(np.nonzero(canny_edges(step, 0.5))[1])
    assert set(columns.tolist()) <= {19, 20} and len(columns)
    assert not canny_edges(np.full((40, 40), 50, np.uint8), 0.5).any()


def test_canny_agrees_with_scikit_image_within_a_pixel():
    luma = ASTRONAUT[::2, ::2]
    ours = canny_edges(np.ascontiguousarray(luma), 0.3) > 0
    smooth = cv2.GaussianBlur(luma.astype(np.float32), (0, 0), math.sqrt(2))
    steepest = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    high = 0.3 * float(steepest.max())  # scikit-image takes thresholds of its Sobel's scale
    theirs = canny(luma.astype(float), math.sqrt(2), 0.4 * high, high)
    near_ours, near_theirs = (
        cv2.dilate(e.astype(np.uint8), np.ones((3, 3))) for e in (ours, theirs)
    )
    assert ours.sum() > 500
    assert near_theirs[ours].mean() > 0.9 and near_ours[theirs].mean() > 0.9


def test_gradient_operators_answer_a_slope_by_its_height():
    ramp = np.tile(np.arange(0, 80, 2, dtype=np.uint8), (30, 1))
    # A slope of 2 a pixel: the two halves of an operator lie two pixels apart.
    assert strongest_gradient(ramp)[10:20, 10:30] == pytest.approx(4.0, abs=1.01)


def test_eight_bit_picture_of_a_map():
    assert jnd_picture(np.array([[0.0, 3.1, 70.0]]), 4.0).tolist() == [[0, 12, 255]]


@pytest.mark.parametrize(
    "luma",
    [
        np.zeros((40, 40, 3), np.uint8),
        np.zeros((8, 40), np.uint8),
        np.full((40, 40), 1020, np.uint16),
        np.full((40, 40), np.nan),
    ],
)
def test_what_is_no_luma_plane_is_refused(luma):
    with pytest.raises(UserError):
        pixel_jnd(luma)


def test_unknown_model_is_named():
    with pytest.raises(UserError, match="chou1995"):
        pixel_jnd(SMALL, "chou1995")


@pytest.mark.parametrize("model", sorted(MODELS))
def test_a_1080p_map_takes_about_a_second_of_one_core_at_most(model):
    luma = cv2.resize(ASTRONAUT, (1920, 1080), interpolation=cv2.INTER_CUBIC)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        pixel_jnd(luma[:64, :64], model)
        start = time.process_time()
        pixel_jnd(luma, model)
        # Twice the aim: a busy machine slows even CPU seconds, by sharing caches.
        assert time.process_time() - start < 2.0
    finally:
        cv2.setNumThreads(threads)


def _window(plane: np.ndarray, y: int, x: int, reach: int) -> np.ndarray:
    rows = np.clip(np.arange(y - reach, y + reach + 1), 0, plane.shape[0] - 1)
    columns = np.clip(np.arange(x - reach, x + reach + 1), 0, plane.shape[1] - 1)
    return plane[np.ix_(rows, columns)].astype(float)


def _loop_background(luma: np.ndarray, y: int, x: int) -> float:
    window = _window(luma, y, x, 2)
    return (window.sum() + window[1:4, 1:4].sum() - 2 * window[2, 2]) / 32


def _loop_adaptation(background: float) -> float:
    if background <= 127:
        return 17 * (1 - math.sqrt(background / 127)) + 3
    return 3 / 128 * (background - 127) + 3


def _loop_gradient(luma: np.ndarray, y: int, x: int) -> float:
    operators = [
        [(-1, -2, 1), (-1, -1, 3), (-1, 0, 8), (-1, 1, 3), (-1, 2, 1)],
        [(-2, 0, 1), (-1, -1, 8), (-1, 0, 3), (0, -2, 1), (0, -1, 3)],
        [(-2, 0, 1), (-1, 1, 8), (-1, 0, 3), (0, 2, 1), (0, 1, 3)],
        [(-2, -1, 1), (-1, -1, 3), (0, -1, 8), (1, -1, 3), (2, -1, 1)],
    ]
    window = _window(luma, y, x, 2)
    # The second half of each operator is the first one turned by half a turn, negative.
    return max(
        abs(sum(w * (window[2 + u, 2 + v] - window[2 - u, 2 - v]) for u, v, w in half)) / 16
        for half in operators
    )
