"""DMOS predicted from VMAF: the anchors of VMAF's scale, its ends, and its limits."""

from __future__ import annotations

import math

import pytest

from jndlab.errors import UserError
from jndlab.quality.bd_rate import Curve, bd_rate
from jndlab.subjective.dmos_predicted import (
    CAPTION,
    DMOS_PREDICTED_RMSE,
    DMOS_PREDICTED_RMSE_GOOD,
    dmos_predicted,
)

# VMAF and MOS of AVT-VQDB-UHD-1, test 1 (Rao et al. 2019): the first 15 codings (H.264, 0.2 to
# 40 Mbit/s, then HEVC) of football, bunny, orange, surfing and vegetables.
VMAF = [
    7, 18, 19, 40, 33, 70, 81, 56, 78, 92, 10, 20, 26, 44, 44,
    11, 34, 50, 70, 73, 88, 90, 90, 95, 97, 13, 34, 56, 72, 78,
    9, 27, 50, 66, 71, 83, 86, 85, 89, 92, 4, 27, 56, 69, 77,
    1, 2, 8, 23, 22, 50, 63, 43, 61, 80, 1, 2, 8, 22, 28,
    29, 49, 63, 76, 79, 88, 89, 89, 92, 94, 32, 51, 71, 79, 84,
]  # fmt: skip
MOS = [
    1.00, 2.14, 1.66, 3.03, 2.34, 4.34, 4.55, 3.24, 4.38, 4.79, 1.07, 1.90, 1.79, 2.93, 2.97,
    1.52, 2.24, 2.79, 3.41, 3.34, 4.28, 4.21, 4.48, 4.59, 4.86, 1.59, 2.34, 2.83, 3.52, 3.72,
    1.72, 2.45, 2.72, 3.45, 3.31, 3.97, 4.28, 4.21, 4.21, 4.38, 1.45, 2.55, 3.17, 3.69, 3.79,
    1.10, 1.97, 1.69, 2.83, 2.34, 3.93, 4.41, 2.93, 4.10, 4.66, 1.17, 2.00, 1.55, 2.72, 2.93,
    1.90, 3.03, 2.97, 3.59, 3.66, 3.97, 4.38, 4.21, 4.28, 4.41, 2.28, 2.90, 3.38, 3.90, 4.10,
]  # fmt: skip


@pytest.mark.parametrize(
    ("vmaf", "loss"), [(100, 0), (80, 1), (60, 2), (40, 3), (20, 4), (5, 4), (0, 4)]
)
def test_anchors_of_the_scale(vmaf, loss):
    assert dmos_predicted(vmaf) == pytest.approx(loss)


def test_stated_errors_are_those_of_the_rated_clips():
    errors = [5 - mos - dmos_predicted(vmaf) for vmaf, mos in zip(VMAF, MOS, strict=True)]
    good = [error for error, vmaf in zip(errors, VMAF, strict=True) if vmaf >= 60]
    rmse = [math.sqrt(sum(e * e for e in some) / len(some)) for some in (errors, good)]
    assert len(errors) == 75
    assert rmse == pytest.approx([DMOS_PREDICTED_RMSE, DMOS_PREDICTED_RMSE_GOOD], abs=0.006)
    assert f"{DMOS_PREDICTED_RMSE} grades" in CAPTION and "predicted" in CAPTION


@pytest.mark.parametrize("vmaf", [-0.1, 100.1, math.inf])
def test_what_is_no_vmaf_is_refused(vmaf):
    with pytest.raises(UserError, match="no VMAF score"):
        dmos_predicted(vmaf)


def test_a_missing_score_stays_missing():
    assert math.isnan(dmos_predicted(math.nan))


def test_bd_rate_under_predicted_opinion_is_that_under_vmaf():
    rates, tested = [100.0, 200.0, 400.0, 800.0], [90.0, 170.0, 350.0, 760.0]
    vmaf, of_test = [60.0, 75.0, 88.0, 95.0], [59.0, 74.0, 88.5, 95.0]

    def opinion(values):
        return [5 - dmos_predicted(value) for value in values]

    under_vmaf = bd_rate(Curve(rates, vmaf), Curve(tested, of_test))
    under_opinion = bd_rate(Curve(rates, opinion(vmaf)), Curve(tested, opinion(of_test)))
    assert under_opinion.percent == pytest.approx(under_vmaf.percent, abs=1e-6)
