"""ERJND: goldens of the published formula, what the filter may and may not change, its strength."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import color, data

from jndlab.errors import UserError
from jndlab.jnd import erjnd
from jndlab.jnd.dct import dct_blocks, idct_blocks, radial_frequency
from jndlab.jnd.edges import minor_edges
from jndlab.jnd.erjnd import (
    ErjndPrefilter,
    IqnetFilter,
    erjnd_threshold,
    frequency_weights,
    structural_contrast,
)

BRICK = "9f8b4985598e9cec718341823ccb13e19ec0760fd56cc20a9f3acacc05db7e5b"
OURS = {"weighting": "xiang2016"}
WEIGHTED = {**OURS, "overlap": False, "minor_edges": False}
RNG = np.random.default_rng(7)
ROWS, COLUMNS = np.mgrid[0:8, 0:8]
CHECKERBOARD = dct_blocks((ROWS + COLUMNS) % 2 * 255)


def single_ac(*positions: tuple[int, int]) -> np.ndarray:
    coefficients = np.zeros((8, 8))
    for position in positions:
        coefficients[position] = 100
    return coefficients


GOLDENS = {  # coefficients: kappa, contrast, index tau, ERJND
    "flat": (np.diag([800.0] + [0] * 7), 1, 0, 0, 0),
    "one AC": (single_ac((0, 1)), 1, 0.0980392157, 0.0387221764, 7.34323117),
    "two AC": (single_ac((0, 1), (7, 7)), 1.96000408, 0.138648388, 0.0392736146, 7.3995175),
    "checkerboard": (CHECKERBOARD, 1.04604409, 1, 0.968980432, 41.7829437),
    "step": (dct_blocks((COLUMNS >= 4) * 255), 5.81028529, 1, 0.291784206, 21.8535649),
    "ramp": (dct_blocks(COLUMNS * 10), 2.10960286, 0.179708851, 0.0536360466, 8.75579491),
}  # fmt: skip


@pytest.fixture(scope="module")
def camera() -> np.ndarray:
    return data.camera()


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.rint(color.rgb2gray(data.astronaut()) * 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray, peak: int = 255) -> float:
    return 10 * np.log10(peak**2 / np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize("name", GOLDENS)
def test_goldens(name):
    coefficients, kappa, contrast, index, threshold = GOLDENS[name]
    found = structural_contrast(coefficients)
    assert found.kappa == pytest.approx(kappa, rel=1e-8)
    assert found.contrast == pytest.approx(contrast, rel=1e-8)
    assert found.index == pytest.approx(index, rel=1e-8)
    assert erjnd_threshold(coefficients) == pytest.approx(threshold, rel=1e-8)


def test_many_blocks_at_once_equal_each_alone_and_float32_is_close():
    blocks = np.stack([golden[0] for golden in GOLDENS.values()]).reshape(2, 3, 8, 8)
    expected = np.reshape([golden[-1] for golden in GOLDENS.values()], (2, 3))
    np.testing.assert_allclose(erjnd_threshold(blocks), expected, rtol=1e-8)
    np.testing.assert_allclose(erjnd_threshold(blocks.astype(np.float32)), expected, rtol=1e-5)


def test_viewing_distance_cancels(monkeypatch):
    coefficients = dct_blocks(RNG.uniform(0, 255, (5, 8, 8)))
    before = erjnd_threshold(coefficients)
    weights = erjnd._moment_weights(coefficients.dtype) * 2.234 ** np.array([0, 2, 4])
    monkeypatch.setattr(erjnd, "_moment_weights", lambda _: weights)
    np.testing.assert_allclose(erjnd_threshold(coefficients), before, rtol=1e-12)


def test_flat_float32_block_has_no_threshold_in_spite_of_rounding():
    for level in (1, 77, 255):
        assert erjnd_threshold(dct_blocks(np.full((8, 8), level, np.float32))) == 0
    one_step = np.full((8, 8), 255, np.float32)
    one_step[3, 3] -= 0.25  # one step of 10 bit in one sample
    assert erjnd_threshold(dct_blocks(one_step)) > 0


def test_weights():
    xiang = frequency_weights("xiang2016")
    assert [xiang[0, s] for s in range(8)] == [0, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75, 1]
    assert xiang[1, 1] == 0.25 and xiang[3, 3] == 0.75 and xiang[3, 4] == 1
    np.testing.assert_allclose(frequency_weights("sqrt_xiang2016") ** 2, xiang, atol=1e-15)
    assert (frequency_weights("flat") == 1).all()
    csf = frequency_weights("csf")
    assert csf.max() == csf[7, 7] == 1 and csf.min() > 0
    # at DC 1.75; at (7, 7) with f = 7 sqrt(2) * 2.2340258502618 cycles/degree (diagonal)
    frequency = 7 * np.sqrt(2) * 2.2340258502618
    largest = 0.0293 * frequency**2 - 0.1382 * frequency + 1.75
    assert csf[0, 0] == pytest.approx(1.75 / largest, rel=1e-6)
    with pytest.raises(UserError, match=r"no frequency weighting 'xiang'(.|\n)*xiang2016"):
        frequency_weights("xiang")


@pytest.mark.parametrize("weighting", ["xiang2016", "sqrt_xiang2016"])
def test_dc_weight_zero_keeps_the_mean_of_every_block(weighting):
    luma = RNG.integers(0, 256, (16, 24)).astype(np.float32)
    weights = frequency_weights(weighting)

    def thresholds(_, coefficients):
        return erjnd_threshold(coefficients)[..., np.newaxis, np.newaxis] * weights

    filtered = erjnd.filter_blocks(luma, thresholds, overlap=False)
    means = [plane.reshape(2, 8, 3, 8).mean(axis=(1, 3)) for plane in (luma, filtered)]
    np.testing.assert_allclose(means[1], means[0], atol=1e-3)
    assert np.abs(filtered - luma).max() > 5


def test_flat_weighting_darkens_a_picture_as_published(camera):
    darker = ErjndPrefilter(alpha=1).filter_luma(camera, 8)
    assert 0.4 < camera.mean() - darker.mean() < 0.7
    kept = IqnetFilter(alpha=1, **WEIGHTED).filter_luma(camera, 8)
    assert abs(camera.mean() - kept.mean()) < 0.02


# Ranges of the published filter on test pictures, with 0.2 dB for another luma conversion
@pytest.mark.parametrize(
    ("alpha", "low", "high"), [(0.1, 52, 53), (0.3, 43.6, 46), (0.5, 40, 43), (1, 35, 39)]
)
@pytest.mark.parametrize("picture", ["camera", "astronaut"])
def test_strength_on_real_pictures(alpha, low, high, picture, request):
    luma = request.getfixturevalue(picture)
    flat = psnr(ErjndPrefilter(alpha=alpha).filter_luma(luma, 8), luma)
    weighted = psnr(IqnetFilter(alpha=alpha, **WEIGHTED).filter_luma(luma, 8), luma)
    assert low - 0.2 < flat < high + 0.2
    assert 1.0 < weighted - flat < 2.6


# PSNR of the filtered 8-bit picture by another program: plain ERJND, IQNet's filter
@pytest.mark.parametrize(
    ("picture", "alpha", "plain", "ours"),
    [
        ("camera", 0.5, 40.40, 43.09),
        ("camera", 1.0, 35.41, 38.10),
        ("astronaut", 0.5, 39.88, 42.53),
        ("astronaut", 1.0, 35.18, 37.99),
    ],
)
def test_plain_erjnd_is_the_stronger_filter(picture, alpha, plain, ours, request):
    luma = request.getfixturevalue(picture)
    assert psnr(ErjndPrefilter(alpha=alpha).filter_luma(luma, 8), luma) == pytest.approx(
        plain, abs=0.005
    )
    found = psnr(IqnetFilter(alpha=alpha, **OURS).filter_luma(luma, 8), luma)
    assert found == pytest.approx(ours, abs=0.005)


def test_iqnets_filter_without_its_parts_is_plain_erjnd(camera):
    bare = {"weighting": "flat", "overlap": False, "minor_edges": False}
    parts = IqnetFilter(alpha=0.7, **bare).filter_luma(camera, 8)
    np.testing.assert_array_equal(parts, ErjndPrefilter(alpha=0.7).filter_luma(camera, 8))
    with pytest.raises(TypeError, match="weighting"):  # an assumption that its user must name
        IqnetFilter(alpha=0.7)


def test_weights_of_a_file(tmp_path, camera):
    path = tmp_path / "fig4.csv"
    weights = frequency_weights("xiang2016")
    path.write_text("\n".join(",".join(f"{cell:g}" for cell in row) for row in weights) + "\n")
    np.testing.assert_array_equal(frequency_weights(str(path)), weights)
    by_file = IqnetFilter(alpha=1, weighting=str(path)).filter_luma(camera, 8)
    np.testing.assert_array_equal(by_file, IqnetFilter(alpha=1, **OURS).filter_luma(camera, 8))
    weights[0, 1] = 0.5  # vertical frequency downwards: a vertical edge has the first row's
    np.savetxt(path, weights, delimiter=",")
    assert frequency_weights(str(path))[0, 1] == 0.5 and frequency_weights(str(path))[1, 0] == 0.25


ROW = ",".join(["0.5"] * 8) + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (9 * ROW, "found 9 rows of 8 columns"),
        (7 * ROW + "0.5,0.5\n", "unequal length"),
        (8 * ("a" + ROW), "not numbers"),
        (7 * ROW + ROW.replace("0.5", "1.5", 1), "from 0.5 to 1.5"),
        (7 * ROW + ROW.replace("0.5", "nan", 1), "not numbers"),
        ("", "found 0 rows"),
    ],
)
def test_a_file_that_is_no_table_of_weights(text, message, tmp_path):
    (tmp_path / "weights.csv").write_text(text)
    with pytest.raises(UserError, match=rf"64 weights(.|\n)*weights.csv(.|\n)*({message})"):
        frequency_weights(str(tmp_path / "weights.csv"))
    with pytest.raises(UserError, match=r"does not exist(.|\n)*none.csv"):
        frequency_weights(str(tmp_path / "none.csv"))


def test_a_larger_alpha_takes_more(astronaut):
    source = astronaut.astype(float)
    errors = [
        np.mean((IqnetFilter(alpha=alpha, **OURS).filter_luma(astronaut, 8) - source) ** 2)
        for alpha in (0, 0.1, 0.2, 0.4, 0.6, 0.8, 1)
    ]
    assert errors[0] == 0
    assert errors == sorted(errors) and len(set(errors)) == len(errors)


@pytest.mark.parametrize(
    "prefilter",
    [ErjndPrefilter(alpha=1), IqnetFilter(alpha=1, **WEIGHTED), IqnetFilter(alpha=1, **OURS)],
)
def test_flat_pictures_stay(prefilter):
    for level in (0, 1, 128, 255):
        luma = np.full((24, 40), level, np.uint8)
        assert (prefilter.filter_luma(luma, 8) == luma).all()


def test_overlap_is_the_mean_of_two_grids_and_its_ring_is_the_first():
    luma = RNG.integers(0, 256, (24, 32)).astype(np.float32)

    def thresholds(_, coefficients):
        return erjnd_threshold(coefficients)[..., np.newaxis, np.newaxis]

    grid_a = erjnd.filter_blocks(luma, thresholds, overlap=False)
    grid_b = erjnd.filter_blocks(luma[4:-4, 4:-4], thresholds, overlap=False)
    both = erjnd.filter_blocks(luma, thresholds, overlap=True)
    np.testing.assert_allclose(both[4:-4, 4:-4], (grid_a[4:-4, 4:-4] + grid_b) / 2, atol=1e-3)
    ring = np.ones(luma.shape, bool)
    ring[4:-4, 4:-4] = False
    np.testing.assert_array_equal(both[ring], grid_a[ring])
    assert np.abs(both - grid_a)[~ring].max() > 1


def test_minor_edges_keep_the_original_pixels_exactly(camera):
    with_edges = IqnetFilter(alpha=1, **OURS).filter_luma(camera, 8)
    without = IqnetFilter(alpha=1, minor_edges=False, **OURS).filter_luma(camera, 8)
    kept = minor_edges(camera)
    assert 0.01 < kept.mean() < 0.2
    np.testing.assert_array_equal(with_edges[kept], camera[kept])
    np.testing.assert_array_equal(with_edges[~kept], without[~kept])
    assert (without[kept] != camera[kept]).mean() > 0.5


def test_minor_edges_are_those_of_the_detail_detector_only(camera):
    assert not minor_edges(camera, (50, 100), (50, 100)).any()
    step = np.zeros((32, 32), np.uint8)
    step[:, 16:] = 20  # gradient 80: seen by the detail detector alone
    assert minor_edges(step, (100, 200), (30, 60)).any()
    step[:, 16:] = 200
    assert not minor_edges(step, (100, 200), (30, 60)).any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 6), (7, 8), (8, 8), (8, 64), (13, 29), (66, 50)])
def test_any_size(shape):
    luma = RNG.integers(0, 256, shape).astype(np.uint8)
    filtered = IqnetFilter(alpha=1, **OURS).filter_luma(luma, 8)
    assert filtered.shape == shape and filtered.dtype == np.uint8
    assert (IqnetFilter(alpha=0, **OURS).filter_luma(luma, 8) == luma).all()


def test_whole_blocks_of_an_odd_size_are_those_of_the_even_one(camera):
    whole = ErjndPrefilter().filter_luma(camera[:64, :64], 8)
    odd = ErjndPrefilter().filter_luma(camera[:61, :59], 8)
    np.testing.assert_array_equal(odd[:56, :56], whole[:56, :56])


def test_10_bit_is_the_same_filter_with_finer_steps(camera):
    crop = camera[100:228, 200:328]
    raised = crop.astype(np.uint16) * 4
    for prefilter in (ErjndPrefilter(), IqnetFilter(alpha=0.5, **OURS)):
        fine, coarse = prefilter.filter_luma(raised, 10), prefilter.filter_luma(crop, 8)
        assert fine.dtype == np.uint16 and fine.max() <= 1023
        in_range = coarse < 255  # 10 bit goes on to 255.75
        assert np.abs(fine / 4 - coarse)[in_range].max() <= 0.5 + 0.125
        assert (fine % 4 != 0).mean() > 0.3
    extremes = np.where(RNG.random((32, 32)) < 0.5, 0, 1023).astype(np.uint16)
    assert IqnetFilter(alpha=1, **OURS).filter_luma(extremes, 10).max() <= 1023
    noise = RNG.integers(0, 1024, (32, 32)).astype(np.uint16)
    assert (IqnetFilter(alpha=0, **OURS).filter_luma(noise, 10) == noise).all()


def test_input_is_not_written(camera):
    luma = camera.copy()
    IqnetFilter(alpha=1, **OURS).filter_luma(luma, 8)
    np.testing.assert_array_equal(luma, camera)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 1.5}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"alpha": "0.5"}, "found '0.5'"),
        ({"alpha": True}, "alpha"),
        ({"alpha": None}, "alpha"),
        ({"weighting": "nvidia"}, "xiang2016, flat"),
        ({"overlap": "yes"}, "overlap"),
        ({"canny_main": [200, 100]}, "canny_main"),
        ({"canny_detail": 50}, "canny_detail"),
        ({"canny_detail": "ab"}, "canny_detail"),
        ({"canny_detail": [float("nan"), 3]}, "canny_detail"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(UserError, match=message):
        IqnetFilter(**{"alpha": 0.5, **OURS, **options})
    if list(options) == ["alpha"]:
        with pytest.raises(UserError, match=message):
            ErjndPrefilter(**options)


def test_blocks_filtered_a_part_at_a_time_are_those_of_the_whole(camera, monkeypatch):
    plane = camera[:301, :507].astype(np.float32)  # more than one part, sizes of no whole blocks
    taken = lambda blocks, coefficients: erjnd_threshold(coefficients)[:, None, None]  # noqa: E731
    parts = [erjnd.filter_blocks(plane, taken, overlap=True)]
    monkeypatch.setattr(erjnd, "AT_ONCE", 10**9)
    parts.append(erjnd.filter_blocks(plane, taken, overlap=True))
    np.testing.assert_allclose(*parts, atol=1e-3)
    assert 301 * 507 / 64 > 2000 and np.abs(parts[0] - plane).max() > 1


def plain_filter(luma: np.ndarray, bit_depth: int, alpha: float, weighting: str) -> np.ndarray:
    """IQNet's filter as it is written down, one array for each step, as it ran at first."""
    scale, largest = np.float32(1 << (bit_depth - 8)), (1 << bit_depth) - 1
    weights = frequency_weights(weighting).astype(np.float32)
    powers = np.stack([radial_frequency().reshape(-1) ** n for n in (0, 2, 4)], axis=1)
    powers[0] = 0

    def removed(plane):
        rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
        blocks = plane.reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 8, 8)
        for first in range(0, len(blocks), erjnd.AT_ONCE):  # BLAS may round otherwise in the last
            c = dct_blocks(blocks[first : first + erjnd.AT_ONCE])
            moments = (c * c).reshape(-1, 64) @ powers.astype(np.float32)
            energy, second, fourth = moments.astype(np.float64).T
            some = energy > 1e-3
            kappa = np.divide(energy * fourth, second * second, out=np.ones(len(c)), where=some)
            contrast = np.sqrt(energy, out=np.zeros(len(c)), where=some) / 1020
            threshold = 42.5 * (kappa**-0.7 * contrast**1.4) ** 0.54
            bound = (alpha * threshold).astype(np.float32)[:, None, None] * weights
            blocks[first : first + len(c)] = idct_blocks(np.clip(c, -bound, bound))
        return blocks.reshape(rows, columns, 8, 8).swapaxes(1, 2).reshape(plane.shape)

    height, width = luma.shape
    padded = np.pad(luma, ((0, -height % 8), (0, -width % 8)), mode="edge").astype(np.float32)
    taken = removed(padded / scale)
    taken[4:-4, 4:-4] = (taken[4:-4, 4:-4] + removed(padded[4:-4, 4:-4] / scale)) * np.float32(0.5)
    samples = np.rint((padded / scale - taken) * scale)[:height, :width]
    luma_8bit = np.rint(luma / scale).clip(0, 255).astype(np.uint8)
    main, detail = (cv2.Canny(luma_8bit, t, 2 * t, L2gradient=True) for t in (100, 50))
    return np.where(detail > main, luma, samples.clip(0, largest)).astype(luma.dtype)


@pytest.mark.parametrize("weighting", ["xiang2016", "csf"])
@pytest.mark.parametrize("bit_depth", [8, 10])
def test_every_sample_is_that_of_the_plain_form(camera, weighting, bit_depth):
    smooth = camera[:301, :507].astype(np.uint16)  # several parts, sizes of no whole blocks
    smooth[40:90, 40:120] = 77  # flat blocks
    for picture in (smooth, RNG.integers(0, 256, (67, 130), dtype=np.uint16)):
        luma = picture.astype(np.uint8) if bit_depth == 8 else picture * 4 + picture % 4
        found = IqnetFilter(alpha=0.8, weighting=weighting).filter_luma(luma.copy(), bit_depth)
        np.testing.assert_array_equal(found, plain_filter(luma, bit_depth, 0.8, weighting))


def test_filtering_leaves_its_input_as_it_was():
    column = RNG.uniform(0, 255, (64, 8)).astype(np.float32)  # blocks that need no copy
    before = column.copy()
    erjnd.filter_blocks(column, lambda *_: np.float32(5), overlap=True)
    np.testing.assert_array_equal(column, before)


@pytest.mark.skipif(
    " avx2 " not in Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else True,
    reason="the kernel of matrix products is fixed on processors with AVX2",
)
def test_a_filtered_picture_is_the_same_on_every_processor():
    """Of this picture OpenBLAS's kernels for AVX-512 and for none of both make others."""
    program = (
        "import hashlib, os; from jndlab.jnd.erjnd import ErjndPrefilter; "
        "from skimage import data; "
        "filtered = ErjndPrefilter(alpha=0.5).filter_luma(data.brick(), 8); "
        "print(os.environ['OPENBLAS_CORETYPE'], hashlib.sha256(filtered.tobytes()).hexdigest())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    said = [
        subprocess.run(
            [sys.executable, "-c", program], env={**environment, **chosen},
            capture_output=True, text=True, check=True,
        ).stdout.split()
        for chosen in ({}, {"OPENBLAS_CORETYPE": "Prescott"})
    ]  # fmt: skip
    assert said[0] == ["Haswell", BRICK]
    assert said[1][0] == "Prescott" and said[1][1] != BRICK
