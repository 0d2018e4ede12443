"""Pooling: what each name means, lossless frames, and that nothing leaves JSON."""

import json
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.quality.metrics import pool
from jndlab.quality.pooling import psnr_of_mse

PEAK = 1023**2


def frame(n: int, mse: float, *, vmaf: float = 90.0, xpsnr: float | None = 40.0) -> dict:
    psnr = 10 * math.log10(PEAK / mse) if mse else None
    planes = {f"psnr_{c}": psnr for c in "yuv"} | {f"mse_{c}": mse for c in "yuv"}
    return {"n": n, **planes, "ssim_y": 0.9, "vmaf": vmaf, "vmaf_neg": vmaf - 1, "xpsnr_y": xpsnr}


def test_the_two_psnr_poolings_are_told_apart():
    pooled = pool([frame(1, PEAK * 1e-3), frame(2, PEAK * 1e-5)])
    assert pooled["psnr_y_framemean"] == pytest.approx(40.0)  # of 30 and 50 dB
    assert pooled["psnr_y_mse"] == pytest.approx(-10 * math.log10((1e-3 + 1e-5) / 2))  # 32.97 dB
    assert set(pooled) == {
        "psnr_y_framemean", "psnr_u_framemean", "psnr_v_framemean", "psnr_y_mse", "ssim_y",
        "vmaf_mean", "vmaf_harmonic", "vmaf_neg_mean", "xpsnr_y", "lossless_frames",
    }  # fmt: skip


def test_vmaf_is_pooled_as_libvmaf_does():
    pooled = pool([frame(1, 10, vmaf=60.0), frame(2, 10, vmaf=90.0)])
    assert pooled["vmaf_mean"] == 75.0
    assert pooled["vmaf_neg_mean"] == 74.0
    assert pooled["vmaf_harmonic"] == pytest.approx(statistics.harmonic_mean([61, 91]) - 1)
    assert pool([frame(1, 10, vmaf=0.0), frame(2, 10)])["vmaf_harmonic"] is not None


def test_xpsnr_is_averaged_over_root_errors():
    pooled = pool([frame(1, 10, xpsnr=30.0), frame(2, 10, xpsnr=50.0)])
    roots = [10 ** (-30 / 20), 10 ** (-50 / 20)]
    assert pooled["xpsnr_y"] == pytest.approx(-20 * math.log10(sum(roots) / 2))


def test_partly_lossless_clip_has_no_frame_mean_but_all_else():
    pooled = pool([frame(1, 100.0), frame(2, 0.0, xpsnr=None)])
    assert pooled["lossless_frames"] == 1
    assert pooled["psnr_y_framemean"] is None
    assert pooled["psnr_y_mse"] == pytest.approx(10 * math.log10(PEAK / 50))
    assert pooled["xpsnr_y"] == pytest.approx(40 + 20 * math.log10(2))


def test_lossless_clip_has_no_psnr_and_never_zero():
    pooled = pool([frame(1, 0.0, xpsnr=None), frame(2, 0.0, xpsnr=None)])
    assert pooled["lossless_frames"] == 2
    for name in ("psnr_y_framemean", "psnr_y_mse", "psnr_u_framemean", "xpsnr_y"):
        assert pooled[name] is None
    assert pooled["vmaf_mean"] == 90.0


def test_infinities_of_another_source_are_lossless_too():
    lossless = frame(1, 0.0) | {"psnr_y": math.inf, "xpsnr_y": math.inf}
    pooled = pool([lossless, frame(2, 100.0)])
    assert pooled["psnr_y_framemean"] is None
    json.dumps(pooled, allow_nan=False)


def test_bit_depth_sets_the_peak():
    assert psnr_of_mse(1.0, 8) == pytest.approx(48.1308, abs=1e-4)
    assert psnr_of_mse(16.0, 10) == pytest.approx(48.1308 + 0.0255, abs=1e-3)
    assert psnr_of_mse(0.0, 8) is None


@pytest.mark.parametrize("value", [math.nan, None, math.inf])
def test_a_score_that_is_no_number_is_an_error(value):
    with pytest.raises(UserError, match=r"vmaf.* of frame 2"):
        pool([frame(1, 10), frame(2, 10) | {"vmaf": value}])


def test_no_frames_is_an_error():
    with pytest.raises(UserError, match="no frames"):
        pool([])


@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-3, PEAK)), min_size=1, max_size=30))
def test_properties_of_psnr_pooling(errors: list[float]):
    pooled = pool([frame(n, mse) for n, mse in enumerate(errors, start=1)])
    json.dumps(pooled, allow_nan=False)
    assert pooled["lossless_frames"] == errors.count(0.0)
    assert (pooled["psnr_y_framemean"] is None) == (0.0 in errors)
    assert (pooled["psnr_y_mse"] is None) == (max(errors) == 0)
    if pooled["psnr_y_framemean"] is not None:  # Jensen: the mean of logarithms is not smaller
        assert pooled["psnr_y_framemean"] >= pooled["psnr_y_mse"] - 1e-9
