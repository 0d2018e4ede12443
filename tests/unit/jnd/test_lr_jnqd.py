"""LR-JNQD: its features on blocks with a known answer, its line, its behaviour over QP."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from skimage import color, data

from jndlab.errors import UserError
from jndlab.jnd.dct import dct_blocks
from jndlab.jnd.erjnd import ErjndPrefilter, erjnd_threshold
from jndlab.jnd.lr_jnqd import (
    EPS,
    WEIGHTS,
    LrJnqdPrefilter,
    block_features,
    spectral_line,
    visibility_alpha,
)
from jndlab.media.blocks import split_blocks


def features_for(gradient: float, offset: float, qp: int) -> np.ndarray:
    """Features whose line has this gradient and offset (two unknowns, the rest zero)."""
    system = np.array([WEIGHTS[qp].gradient[4:], WEIGHTS[qp].offset[4:]])
    return np.concatenate([np.zeros(4), np.linalg.solve(system, [gradient, offset])])


@pytest.mark.parametrize("qp", [22, 27, 32, 37])
@pytest.mark.parametrize(
    ("gradient", "offset", "alpha"),
    [(2, 0.2, 0.4), (0.5, 0.9, 0.2), (0.5, 0.2, 1), (2, 1.5, 0), (-2, 1.5, 0.25)],
)
def test_alpha_is_where_the_line_reaches_one(qp, gradient, offset, alpha):
    found = visibility_alpha(features_for(gradient, offset, qp), qp)
    assert found == pytest.approx(alpha, abs=1e-9)


def test_a_level_line_and_nan(monkeypatch):
    level = type(WEIGHTS[22])(gradient=(0.0,) * 6, offset=(0.0,) * 5 + (1.0,))
    monkeypatch.setitem(WEIGHTS, 22, level)
    features = np.zeros((4, 6))
    features[:, 5] = [0.5, 1.0, 1.5, np.nan]
    assert visibility_alpha(features, 22).tolist() == [1, 1, 0, 0]
    assert visibility_alpha(np.full(6, np.nan), 27) == 0


CHECKSUMS = {  # of the printed rows: sum of position (1..6) times weight, gradient and offset
    22: (7.75091, -2.2312),
    27: (4.77078, 2.498),
    32: (0.83792, 8.0898),
    37: (-0.00419, 9.5654),
}


@pytest.mark.parametrize("qp", CHECKSUMS)
def test_weights_are_the_published_ones(qp):
    sums = [np.dot(row, np.arange(1, 7)) for row in WEIGHTS[qp]]
    assert sums == pytest.approx(CHECKSUMS[qp], abs=1e-9)


def test_features_of_a_step():
    step = np.where(np.arange(8) < 4, 50.0, 150.0) * np.ones((8, 1))
    contrast, deviation, slope, intercept, index, one = block_features(step, dct_blocks(step))
    assert contrast == pytest.approx(0.5)
    assert deviation == pytest.approx(np.log(np.std(step, ddof=1) + EPS))
    # The index of the 0/255 step, 0.291784206, falls with contrast^1.4.
    assert index == pytest.approx(np.log(0.291784206 * (100 / 255) ** 1.4), rel=1e-6)
    assert (slope, intercept) == pytest.approx(line_by_definition(step), rel=1e-9) and one == 1


def line_by_definition(block: np.ndarray) -> tuple[float, float]:
    """Minus slope, and intercept, in loops over samples, frequencies and angles."""
    window = [0.5 * (1 - math.cos(2 * math.pi * k / 9)) for k in range(1, 9)]
    spectrum = np.zeros((8, 8))
    for u in range(8):
        for v in range(8):
            total = 0j
            for y in range(8):
                for x in range(8):
                    wave = cmath.exp(-2j * math.pi * (u * y + v * x) / 8)
                    total += float(block[y, x]) * window[y] * window[x] * wave
            spectrum[u, v] = abs(total)
    spectrum[0, 0] = (spectrum[1, 0] + spectrum[0, 1]) / 2

    def neighbours(place: float) -> list[tuple[int, float]]:
        """Index and weight of the two samples around a coordinate."""
        low, high = math.floor(abs(place)), math.ceil(abs(place))
        if place >= 0:
            return [(low % 8, 1 - (place - low)), (high % 8, place - low)]
        share = high - abs(place)  # of the farther sample, as the authors have it
        return [(-low % 8, 1 - share), (-high % 8, share)]

    means = []
    for radius in range(1, 5):
        total = 0.0
        for degree in range(360):
            angle = degree / 360 * 2 * math.pi
            for row, of_row in neighbours(radius * math.sin(angle)):
                for column, of_column in neighbours(radius * math.cos(angle)):
                    total += of_row * of_column * spectrum[row, column]
        means.append(total / 360)
    slope, intercept = np.polyfit(np.log(np.arange(1, 5) / 8), np.log(means), 1)
    return -slope, intercept


def test_spectral_line_is_that_of_the_definition():
    blocks = np.random.default_rng(4).integers(0, 256, (3, 8, 8)).astype(float)
    blocks[1] = np.linspace(10, 90, 64).reshape(8, 8)
    slope, intercept = spectral_line(blocks)
    for number, block in enumerate(blocks):
        expected = line_by_definition(block)
        assert (-slope[number], intercept[number]) == pytest.approx(expected, rel=1e-9)
    single = spectral_line(blocks.astype(np.float32))  # what the filter computes in
    np.testing.assert_allclose(single, [slope, intercept], rtol=1e-4)


# By an implementation of the authors' features of its own: mean alpha, mean alpha x ERJND at QP 37
@pytest.mark.parametrize(
    ("picture", "at_32", "at_37", "threshold_at_37"),
    [("camera", 0.352, 0.238, 0.61), ("astronaut", 0.339, 0.158, 1.23)],
)
def test_mean_alpha_of_real_pictures(picture, at_32, at_37, threshold_at_37):
    luma = {
        "camera": data.camera,
        "astronaut": lambda: np.rint(color.rgb2gray(data.astronaut()) * 255),
    }[picture]()
    blocks = split_blocks(luma.astype(float), 8)
    coefficients = dct_blocks(blocks)
    features = block_features(blocks, coefficients)
    alphas = {qp: visibility_alpha(features, qp) for qp in (32, 37)}
    assert alphas[32].mean() == pytest.approx(at_32, abs=5e-4)
    assert alphas[37].mean() == pytest.approx(at_37, abs=5e-4)
    threshold = (alphas[37] * erjnd_threshold(coefficients)).mean()
    assert threshold == pytest.approx(threshold_at_37, abs=0.005)


def test_spectral_line_follows_scale_and_power_law():
    blocks = np.random.default_rng(1).uniform(0, 255, (3, 4, 8, 8))
    slope, intercept = spectral_line(blocks)
    slope_doubled, intercept_doubled = spectral_line(2 * blocks)
    np.testing.assert_allclose(slope_doubled, slope, rtol=1e-9)
    np.testing.assert_allclose(intercept_doubled - intercept, np.log(2), rtol=1e-9)
    rows, columns = np.mgrid[0:8, 0:8]
    smooth, fine = (columns + rows) * 10.0, 100.0 * ((columns + rows) % 2) + 1
    assert spectral_line(smooth)[0] < -2 < spectral_line(fine)[0]


def test_the_filter_weakens_as_qp_grows():
    prefilter = LrJnqdPrefilter()
    assert prefilter.per_qp
    astronaut = np.rint(color.rgb2gray(data.astronaut()) * 255).astype(np.uint8)
    for luma in (data.camera(), astronaut):
        errors = [
            np.mean((prefilter.filter_luma(luma, 8, qp) - luma.astype(float)) ** 2)
            for qp in (22, 27, 32, 37)
        ]
        assert errors == sorted(errors, reverse=True)
        whole = ErjndPrefilter(alpha=1)
        largest = np.mean((whole.filter_luma(luma, 8) - luma.astype(float)) ** 2)
        assert 0.5 < errors[-1] < errors[0] <= largest


@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (16, 24)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_and_small_pictures_stay(shape, level, recwarn):
    luma = np.full(shape, level, np.uint8)
    np.testing.assert_array_equal(LrJnqdPrefilter().filter_luma(luma, 8, 22), luma)
    assert not recwarn.list


def test_10_bit():
    luma = data.camera()[:64, :64].astype(np.uint16) * 4
    filtered = LrJnqdPrefilter().filter_luma(luma, 10, 27)
    assert filtered.dtype == np.uint16
    coarse = LrJnqdPrefilter().filter_luma((luma // 4).astype(np.uint8), 8, 27)
    assert np.abs(filtered / 4 - coarse)[coarse < 255].max() <= 0.5 + 0.125


def test_a_qp_without_weights_is_refused():
    with pytest.raises(UserError, match=r"no weights for QP 30(.|\n)*22, 27, 32, 37"):
        LrJnqdPrefilter().filter_luma(np.zeros((8, 8), np.uint8), 8, 30)
