"""Savings at equal quality: exact on curves whose answer is known, honest where there is none."""

from __future__ import annotations

import itertools
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jndlab.quality.bd_rate import Curve
from jndlab.quality.equal_quality import COLUMNS, equal_quality_table, savings_at

QUALITY = [70.0, 80.0, 88.0, 95.0]
RATE = [100.0, 240.0, 500.0, 1300.0]


def some_points(factors, shift=0.0):
    """Points of an anchor and of method ``m``: ``factors`` times its rates, by sequence."""
    rows = []
    for (sequence, factor), method in itertools.product(factors.items(), ("anchor", "m")):
        for qp, rate, quality in zip((37, 32, 27, 22), RATE, QUALITY, strict=True):
            tested = method == "m"
            rows.append(
                {
                    **{"sequence": sequence, "configuration": "AI", "codec": "c", "method": method},
                    **{"qp": qp, "content": "demo"},
                    "bitrate_kbps": rate * factor if tested else rate,
                    "vmaf_mean": quality - (shift if tested else 0.0),
                }
            )
    return pd.DataFrame(rows)


@settings(deadline=None)  # the first call imports scipy
@given(
    factor=st.floats(0.3, 3),
    level=st.floats(QUALITY[0], QUALITY[-1]),
    order=st.permutations(range(4)),
)
def test_a_constant_factor_is_the_same_saving_at_every_quality(factor, level, order):
    test = Curve([factor * RATE[i] for i in order], [QUALITY[i] for i in order])
    (saving,) = savings_at(Curve(RATE, QUALITY), test, [level])
    assert saving.status == "ok"
    assert saving.percent == pytest.approx(100 * (1 - factor), abs=1e-6)
    assert saving.test_rate == pytest.approx(factor * saving.anchor_rate)


def test_the_logarithm_of_the_rate_is_interpolated():
    exponential = Curve([math.exp(q / 10) for q in QUALITY], QUALITY)
    shifted = Curve(exponential.rate, [q - 2 for q in QUALITY])
    saving = savings_at(exponential, shifted, [84.0])[0]
    assert saving.anchor_rate == pytest.approx(math.exp(8.4))
    assert saving.percent == pytest.approx(100 * (1 - math.exp(0.2)))


def test_nothing_is_extrapolated_and_the_reason_names_both_ranges():
    anchor, test = Curve(RATE, QUALITY), Curve(RATE, [q - 5 for q in QUALITY])
    low, inside, high = savings_at(anchor, test, [69.9, 70.0, 90.1])
    assert (low.status, inside.status, high.status) == ("out_of_range", "ok", "out_of_range")
    assert low.percent is None and low.anchor_rate is None
    assert high.reason == "anchor 70.00 to 95.00, method 65.00 to 90.00"


@pytest.mark.parametrize(
    ("test", "status"),
    [
        (Curve(RATE[:3], QUALITY[:3]), "too_few_points"),
        (Curve([], []), "too_few_points"),
        (Curve(RATE, [70.0, 88.0, 80.0, 95.0]), "non_monotonic"),
    ],
)
def test_unfit_curves_have_no_value_but_a_status(test, status):
    savings = savings_at(Curve(RATE, QUALITY), test, [75, 80])
    assert [saving.status for saving in savings] == [status] * 2
    assert all(saving.percent is None and saving.reason for saving in savings)


def test_means_count_what_they_average_and_what_they_leave_out():
    points = some_points({"a": 0.9, "b": 0.7})
    short = points[(points["sequence"] == "b") & (points["method"] == "m")].index[-1]
    points.loc[short, "vmaf_mean"] = 92.0  # b reaches only 92, so it has nothing at 95
    table = equal_quality_table(points, "anchor", {"vmaf_mean": (80, 95)})
    assert list(table.columns) == COLUMNS
    means = table[table["scope"] == "mean"].reset_index(drop=True)
    assert means["quality"].tolist()[:2] == [80, 95] and math.isnan(means["quality"][2])
    assert means["saving_pct"].tolist() == pytest.approx([20, 10, 20], abs=1e-6)
    assert means["sequences"].tolist() == [2, 1, 2]
    assert means["left_out"].tolist() == [0, 1, 0]


def test_a_filter_that_only_costs_quality_shows_a_negative_saving():
    table = equal_quality_table(some_points({"a": 0.95}, shift=6.0), levels={"vmaf_mean": (80,)})
    assert table.loc[0, "saving_pct"] < -10


def test_a_method_without_anchor_and_a_run_without_methods():
    points = some_points({"a": 0.9})
    alone = equal_quality_table(points[points["method"] == "m"], levels={"vmaf_mean": (80,)})
    assert alone["status"].tolist() == ["too_few_points", "", ""]
    assert alone["left_out"].tolist()[1:] == [1, 1]
    assert equal_quality_table(points[points["method"] == "anchor"]).empty
