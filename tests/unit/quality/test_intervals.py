"""Intervals over sources and seeds cover what they promise; words say no more than they show."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jndlab.quality.intervals import (
    Comparison,
    Interval,
    adjusted,
    correlation_interval,
    crossed_interval,
    holm,
    mean_interval,
    paired_difference,
    quantile_interval,
    share_interval,
    statistic_interval,
)

RUNS = 2000
LEAST = 0.92  # of the nominal 0.95


def simulated(rng: np.random.Generator, sources: int, seeds: int, skewed: bool) -> np.ndarray:
    """Tables of means (runs x sources x seeds) around 0, of 1 to 5 correlated members a cell."""

    def draw(*size: int) -> np.ndarray:
        return rng.exponential(size=size) - 1 if skewed else rng.normal(size=size)

    counts = rng.integers(1, 6, (RUNS, sources, 1))
    counted = np.arange(5) < counts
    of_members = (draw(RUNS, sources, 5) * counted).sum(axis=-1) / counts[..., 0]
    cells = (draw(RUNS, sources) + of_members)[..., np.newaxis]
    if seeds > 1:
        of_seed = 0.5 * rng.standard_normal((RUNS, 1, seeds))
        cells = cells + of_seed + 0.5 * rng.standard_normal((RUNS, sources, seeds))
    return cells


@pytest.mark.parametrize("sources", [6, 10, 20, 50])
@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
@pytest.mark.parametrize("skewed", [False, True])
def test_nominal_95_percent_cover_at_least_92(sources: int, seeds: int, skewed: bool) -> None:
    rng = np.random.default_rng([sources, seeds, skewed])
    cells = simulated(rng, sources, seeds, skewed)
    _, low, high, p = crossed_interval(cells)
    assert ((low <= 0) & (high >= 0)).mean() >= LEAST
    # The p value is the interval's: below 0.05 where it excludes 0, and at no other place.
    assert ((p < 0.05) == ((low > 0) | (high < 0))).all()
    if seeds == 1:  # and not much wider than Student's
        spread = stats.sem(cells[..., 0], axis=1) * stats.t.ppf(0.975, sources - 1)
        assert np.median(high - low) < 1.4 * np.median(2 * spread)


def test_few_or_symmetric_sources_have_students_interval() -> None:
    for values in ([1.0, 2.5, 2.0], [-3, -2, -1, 1, 2, 3, 4.0, -4.0]):
        ours, theirs = mean_interval(values), stats.ttest_1samp(values, 0)
        of_scipy = theirs.confidence_interval(0.95)
        assert (ours.low, ours.high) == pytest.approx((of_scipy.low, of_scipy.high))
        assert ours.p == pytest.approx(theirs.pvalue)


def test_the_side_on_which_sources_spread_is_longer() -> None:
    values = np.array([0.1, 0.2, 0.2, 0.4, 0.9, 1.5, 4.0])
    ours, error, q = mean_interval(values), stats.sem(values), stats.t.ppf(0.975, 6)
    skewness = stats.skew(values, bias=False) / np.sqrt(7)
    assert ours.low == pytest.approx(ours.value - q * error)
    assert ours.high == pytest.approx(ours.value + (q + skewness * (q**2 / 3 + 1 / 6)) * error)
    mirrored = mean_interval(-values)
    assert (mirrored.low, mirrored.high) == pytest.approx((-ours.high, -ours.low))
    assert mirrored.p == pytest.approx(ours.p)


def test_crops_of_one_picture_are_no_new_evidence() -> None:
    rng = np.random.default_rng(3)
    values, sources = rng.normal(size=8), list("abcdefgh")
    alone = mean_interval(values, sources)
    again = mean_interval(np.repeat(values, 5), np.repeat(sources, 5))
    assert (again.low, again.high, again.p) == pytest.approx((alone.low, alone.high, alone.p))
    assert (again.sources, again.members) == (8, 40)
    drawn_as_members = mean_interval(np.repeat(values, 5))
    assert again.high - again.low > 2 * (drawn_as_members.high - drawn_as_members.low)


def test_a_source_counts_once_whatever_its_members() -> None:
    assert mean_interval([1, 1, 1, 5], ["a", "a", "a", "b"]).value == 3


def test_seeds_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    of_source, sources = rng.normal(size=10), np.tile(np.arange(10), 3)
    seeds = np.repeat([0, 1, 2], 10)
    equal = mean_interval(np.tile(of_source, 3), sources, seeds)
    alone = mean_interval(of_source, np.arange(10))
    assert (equal.low, equal.high) == pytest.approx((alone.low, alone.high))
    moved = mean_interval(np.tile(of_source, 3) + np.repeat([-1, 0, 1], 10), sources, seeds)
    assert moved.value == pytest.approx(alone.value)
    seed_half = stats.t.ppf(0.975, 2) * 1 / np.sqrt(3)  # seed means deviate by 1
    assert moved.high - moved.value == pytest.approx(np.hypot(alone.high - alone.value, seed_half))
    assert (moved.seeds, moved.members) == (3, 30)


def test_seeds_without_a_source_in_common_are_one() -> None:
    values, sources = np.arange(8.0), list("abcdefgh")
    found = mean_interval(values, sources, [0, 0, 0, 0, 1, 1, 1, 1])
    alone = mean_interval(values, sources)
    assert found.seeds == 1 and (found.low, found.high) == (alone.low, alone.high)


def test_values_that_are_missing_are_left_out() -> None:
    found = mean_interval([1, np.nan, 3, 4, 5], list("aabbc"), [0, 1, 0, 1, 0])
    assert (found.value, found.sources, found.seeds) == (pytest.approx(9.5 / 3), 3, 2)
    assert np.isfinite([found.low, found.high]).all()
    empty = mean_interval([np.nan])
    assert np.isnan(empty.value) and empty.sources == 0


def test_one_source_has_no_interval_and_equal_ones_have_no_width() -> None:
    alone = mean_interval([1, 2, 3], ["a", "a", "a"])
    assert alone.value == 2 and np.isnan([alone.low, alone.high, alone.p]).all()
    equal = mean_interval([2.0] * 7)
    assert (equal.low, equal.high) == (2, 2) and equal.p < 1e-9
    assert mean_interval([0.0] * 7).p == pytest.approx(1)


def test_jackknife_of_a_mean_is_the_interval_of_the_mean() -> None:
    values = np.random.default_rng(5).exponential(size=9)
    by_jackknife = statistic_interval(np.mean, [values], list(range(9)))
    plain = mean_interval(values)
    assert (by_jackknife.low, by_jackknife.high, by_jackknife.p) == pytest.approx(
        (plain.low, plain.high, plain.p)
    )


def test_correlations_and_shares_cover() -> None:
    rng = np.random.default_rng(6)
    covered = {"correlation": [], "share": []}
    sources = np.repeat(np.arange(12), 3)
    for _ in range(400):
        shared = np.repeat(rng.normal(size=(2, 12)), 3, axis=1)
        x, y = shared + 0.5 * rng.normal(size=(2, 36))
        found = correlation_interval(x, 0.6 * x + 0.8 * y, sources)
        covered["correlation"].append(found.low <= 0.6 <= found.high)
        chance = np.repeat(rng.beta(6, 2, size=12), 3)
        called = rng.integers(5, 15, 36)
        found = share_interval(rng.binomial(called, chance), called, sources)
        covered["share"].append(found.low <= 0.75 <= found.high)
    for kind, inside in covered.items():
        assert np.mean(inside) >= LEAST - 2 * np.sqrt(LEAST * (1 - LEAST) / len(inside)), kind


def test_a_correlation_of_independent_pairs_is_near_fishers() -> None:
    x, y = np.random.default_rng(7).normal(size=(2, 200))
    ours = correlation_interval(x, x + y, list(range(200)))
    theirs = stats.pearsonr(x, x + y).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.04)
    constant = correlation_interval(np.ones(9), np.arange(9), list(range(9)))
    assert np.isnan([constant.low, constant.high]).all()


def test_a_share_stays_between_0_and_1() -> None:
    of = np.full(8, 20)
    found = share_interval([20, 20, 20, 19, 20, 20, 18, 20], of, list(range(8)))
    assert 0.8 < found.low < found.value < found.high < 1
    everything = share_interval(of, of, list(range(8)))
    assert everything.value == 1 and np.isnan([everything.low, everything.p]).all()


def test_a_median_has_the_exact_binomial_interval() -> None:
    found = quantile_interval(np.arange(1, 11), 0.5)
    # 2nd and 9th of ten values: P(2 <= B <= 8) = 0.979, the 3rd and 8th would have 0.891.
    assert (found.value, found.low, found.high) == (5.5, 2, 9)
    assert np.isneginf(quantile_interval([1, 2, 3], 0.5).low)


def test_holm_is_exact() -> None:
    # The example of R's documentation of p.adjust(method = "holm"), by hand.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.4, np.nan, 0.03]) == pytest.approx([0.4, np.nan, 0.06], nan_ok=True)
    assert holm([0.9, 0.8]).max() == 1


def comparison(difference: Interval, **fields: object) -> Comparison:
    return adjusted([Comparison("A", "B", "error", difference, lower_is_better=True)])[0]


def test_words_follow_the_interval() -> None:
    sources, seeds = np.tile(np.arange(8), 3), np.repeat([0, 1, 2], 8)
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(2, 24))
    shown = comparison(paired_difference(a - 5, b, sources, seeds))
    assert shown.better == "A"
    assert shown.sentence().startswith("A beats B (error: difference -")
    assert "8 sources, 3 of 3 seeds)" in shown.sentence()
    lost = comparison(paired_difference(a + 5, b, sources, seeds))
    assert lost.better == "B"
    assert lost.sentence().startswith("B beats A (error: difference -")  # B - A, as A beats B
    chance = comparison(paired_difference(a, b, sources, seeds))
    assert chance.better is None and chance.row()["better"] == "not shown: within chance"
    assert chance.sentence().startswith("A against B: not shown (error: difference ")
    assert chance.sentence().endswith("; within chance).")


def test_few_sources_one_seed_and_seeds_apart_show_nothing() -> None:
    five = comparison(paired_difference(np.arange(5) - 100, np.zeros(5)))
    assert five.difference.high < 0 and "too few sources" in five.sentence()
    difference, source = np.arange(9) - 100.0, np.arange(9)
    once = comparison(mean_interval(difference, source, np.zeros(9)))
    assert once.difference.high < 0 and "one training seed" in once.sentence()
    assert comparison(mean_interval(difference, source)).better == "A"  # nothing is trained
    apart = Interval(-5, -6, -4, 0.001, sources=9, members=18, seeds=2, agreeing=1)
    assert "seeds disagree" in comparison(apart).sentence()


def test_a_difference_among_many_needs_more() -> None:
    some = Interval(-1, -1.9, -0.1, 0.03, sources=9, members=9)
    none = Interval(0.1, -1, 1.2, 0.8, sources=9, members=9)
    alone, *_ = adjusted([Comparison("A", "B", "error", some, True)])
    among, *_ = adjusted([Comparison("A", name, "error", one, True)
                          for name, one in (("B", some), ("C", none))])  # fmt: skip
    assert alone.better == "A" and among.better is None
    assert "p 0.06 adjusted for 2 comparisons" in among.sentence()
