"""SSIM and MS-SSIM of pictures in memory, against skimage and the definition written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d
from skimage.data import astronaut
from skimage.metrics import structural_similarity

from jndlab.codecs.stills.base import JpegCodec
from jndlab.media.patches import luma_of
from jndlab.quality.picture_ssim import SCALE_WEIGHTS, picture_ms_ssim, picture_ssim

PICTURE = np.ascontiguousarray(astronaut()[100:300, 100:340])


def coded(quality: int, picture: np.ndarray = PICTURE) -> np.ndarray:
    return JpegCodec().decode(JpegCodec().encode(picture, quality))


@pytest.mark.parametrize("quality", [5, 40, 95])
def test_ssim_is_that_of_skimage(quality):
    x, y = (luma_of(one).astype(float) for one in (PICTURE, coded(quality)))
    theirs = structural_similarity(
        x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert picture_ssim(PICTURE, coded(quality)) == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize(("height", "scales"), [(200, 5), (100, 4), (60, 3), (20, 1)])
def test_ms_ssim_is_the_product_of_its_definition(height, scales):
    picture = np.ascontiguousarray(PICTURE[:height])
    other = coded(20, picture)
    x, y = (luma_of(one).astype(float) for one in (picture, other))
    taps = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2

    def mean(plane):
        return correlate2d(plane, window, "valid")

    expected, total = 1.0, sum(SCALE_WEIGHTS[:scales])
    for scale, weight in enumerate(SCALE_WEIGHTS[:scales]):
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        mx, my = mean(x), mean(y)
        spread = mean(x * x) - mx**2 + mean(y * y) - my**2
        term = (2 * (mean(x * y) - mx * my) + c2) / (spread + c2)
        if scale == scales - 1:
            term = term * (2 * mx * my + c1) / (mx**2 + my**2 + c1)
        expected *= term.mean() ** (weight / total)
        rows, columns = x.shape[0] // 2, x.shape[1] // 2
        x, y = (p[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean((1, 3))
                for p in (x, y))  # fmt: skip
    assert picture_ms_ssim(picture, other) == pytest.approx(expected, abs=2e-3)
    assert picture_ms_ssim(picture, picture) == pytest.approx(1)


def test_the_weights_are_those_of_five_scales():
    assert sum(SCALE_WEIGHTS) == pytest.approx(1, abs=2e-4) and len(SCALE_WEIGHTS) == 5
    found = [picture_ms_ssim(PICTURE, coded(quality)) for quality in (5, 20, 60, 95)]
    assert found == sorted(found) and found[0] < 0.95 < found[-1]
