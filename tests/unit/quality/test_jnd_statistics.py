"""JND statistics of subjects: values and intervals, SUR curves, rejection; against real tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jndlab.datasets.mcl_jci import read_sample_matrices
from jndlab.errors import UserError
from jndlab.quality.jnd_outliers import (
    unreliable_subjects,
    without_outlying_samples,
    without_subjects,
)
from jndlab.quality.jnd_statistics import (
    JndSamples,
    check_samples,
    estimate_jnd,
    jnd_value,
    looks_normal,
    sur_curve,
)

QPS = np.array([20.0, 24, 24, 28, 30, 30, 31, 40])


def test_values_of_known_samples():
    assert jnd_value(QPS, "mean", "QP") == pytest.approx(28.375)
    assert jnd_value(QPS, "median", "QP") == 29
    # Nearest rank of the quartile towards the fine side: the third of eight, or the sixth.
    assert jnd_value(QPS, "sur75", "QP") == 24
    assert jnd_value(QPS, "sur75", "QF") == 30
    assert jnd_value(QPS, "sur50", "QP") == jnd_value(QPS, "sur50", "QF")
    with_gap = np.append(QPS, np.nan)
    for statistic in ("mean", "median", "sur75"):
        assert jnd_value(with_gap, statistic, "QP") == jnd_value(QPS, statistic, "QP")


def test_intervals_are_those_of_student_and_of_order_statistics():
    found = estimate_jnd(QPS, "mean", "QP")
    half = 2.3646 * QPS.std(ddof=1) / np.sqrt(8)  # t of 7 degrees of freedom at 97.5 %
    assert found.ci_low == pytest.approx(28.375 - half, abs=1e-3)
    assert found.ci_high > 28.375 + half  # the samples spread to that side
    symmetric = estimate_jnd(np.append(QPS, 2 * 28.375 - QPS), "mean", "QP")
    assert symmetric.ci_high - 28.375 == pytest.approx(28.375 - symmetric.ci_low)
    # Eight samples: the extremes enclose the median with 1 - 2 / 2^8 = 99.2 %, the next inner
    # pair with 93.0 % only.
    median = estimate_jnd(QPS, "median", "QP")
    assert (median.subjects, median.ci_low, median.ci_high) == (8, 20, 40)
    assert estimate_jnd(QPS, "sur75", "QP").ci_low == -np.inf
    assert estimate_jnd(np.array([30.0]), "mean", "QP").ci_high == np.inf


def test_a_user_is_satisfied_on_the_fine_side_of_the_own_sample_only():
    curve = sur_curve(np.array([20.0, 30, 30, 40]), "QP", [19, 20, 30, 39, 40])
    assert curve.tolist() == [1, 0.75, 0.25, 0.25, 0]
    curve = sur_curve(np.array([20.0, 30, 30, np.nan]), "QF", [100, 30, 21, 20])
    assert curve == pytest.approx([1, 1 / 3, 1 / 3, 0])


@given(
    st.lists(st.integers(1, 51), min_size=1, max_size=40),
    st.sampled_from(["QP", "QF"]),
    st.integers(1, 99),
)
@settings(max_examples=50, deadline=None)
def test_the_satisfied_user_point_is_where_the_curve_falls_past_the_share(samples, unit, share):
    array = np.array(samples, float)
    point = jnd_value(array, f"sur{share:02d}", unit)
    finer = point - 1 if unit == "QP" else point + 1
    before, at = sur_curve(array, unit, [finer, point])
    tolerance = 1 / len(samples)  # nearest rank: half a subject either way
    assert before >= share / 100 - tolerance and at <= share / 100 + tolerance
    qualities = np.arange(0, 60)
    curve = sur_curve(array, unit, qualities)
    steps = np.diff(curve)
    assert (steps <= 0).all() if unit == "QP" else (steps >= 0).all()
    assert {curve.min(), curve.max()} == {0, 1}


def test_normality():
    rng = np.random.default_rng(1)
    assert looks_normal(rng.normal(30, 3, 200))
    assert not looks_normal(np.append(rng.normal(30, 0.5, 60), [60.0, 61]))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: jnd_value(QPS, "mode", "QP"), "no JND statistic 'mode'"),
        (lambda: jnd_value(QPS, "sur00", "QP"), "no JND statistic 'sur00'"),
        (lambda: jnd_value(QPS, "sur75", "CRF"), "no unit of JND 'CRF'"),
        (lambda: jnd_value(np.array([np.nan]), "mean", "QP"), "no JND sample"),
    ],
)
def test_what_is_not_there_is_told(call, told):
    with pytest.raises(UserError, match=told):
        call()


def test_samples_out_of_range_name_source_and_level():
    bad = JndSamples("QF", {"SRC01": (np.array([50.0]),), "SRC02": (np.array([np.nan, 101]),)})
    with pytest.raises(UserError) as raised:
        check_samples(bad, "file.mat")
    for word in ("SRC02, level 1", "101", "QF from 1 to 100", "file.mat"):
        assert word in str(raised.value)


def panel(strange=()):
    """20 sources of 30 subjects who agree within a step or so; the strange ones swing.

    By three deviations: much wider and the kurtosis rises over 4, from where on BT.500 looks at
    samples beyond 4.5 deviations only.
    """
    rng = np.random.default_rng(3)
    table = 30 + rng.uniform(-1.7, 1.7, (20, 30))  # flat: nobody is outside by chance
    for subject in strange:
        table[:, subject] += 3 * (-1) ** np.arange(20)
    values = {f"SRC{row:02d}": (table[row],) for row in range(20)}
    return JndSamples("QP", values, same_subjects=True)


def test_subjects_who_swing_are_found_by_both_rules():
    samples = panel(strange=[5])
    assert unreliable_subjects(samples, "bt500") == [5]
    assert unreliable_subjects(samples, "z_range") == [5]
    assert unreliable_subjects(panel(), "bt500") == []
    left = without_subjects(samples, [5])
    assert left.level(1).shape == (20, 29)
    assert (left.level(1) == np.delete(samples.level(1), 5, axis=1)).all()


def test_a_subject_who_is_only_stricter_stays_under_bt500():
    samples = panel()
    for (array,) in samples.values.values():
        array[2] -= 4  # always below: out of line, but not inconsistent
    table = samples.level(1)
    z = (table - table.mean(axis=1, keepdims=True)) / table.std(axis=1, ddof=1, keepdims=True)
    assert (np.abs(z[:, 2]) > 2).mean() > 0.3
    assert unreliable_subjects(samples, "bt500") == []


def test_sources_on_which_all_agree_reject_nobody():
    same = JndSamples("QP", {"SRC01": (np.full(6, 30.0),)}, same_subjects=True)
    assert unreliable_subjects(same, "bt500") == []
    assert unreliable_subjects(same, "z_range") == []


def test_grubbs_takes_out_single_samples_one_after_another():
    samples = np.append(np.array([29.0, 30, 31] * 5), [45, 12])
    kept = without_outlying_samples(JndSamples("QP", {"a": (samples, QPS)})).values["a"]
    assert np.flatnonzero(np.isnan(kept[0])).tolist() == [15, 16]
    assert not np.isnan(kept[1]).any()
    assert not np.isnan(samples).any()  # what was given is left as it was


def test_subjects_who_are_not_kept_apart_cannot_be_screened():
    with pytest.raises(UserError, match=r"not kept apart(.|\n)*Grubbs"):
        unreliable_subjects(JndSamples("QP", {"a": (QPS,)}), "bt500")


def test_mcl_jci_rejection_is_that_of_the_published_files(shared_data):
    folder = shared_data / "mcl_jci_jnd"
    samples = read_sample_matrices(folder)
    subjects = unreliable_subjects(samples, "z_range")
    assert subjects == [0, 13]
    left, published = without_subjects(samples, subjects), read_sample_matrices(folder, "_update")
    for level in (1, 2, 3):
        np.testing.assert_array_equal(left.level(level), published.level(level))
    assert unreliable_subjects(samples, "bt500") == []


def test_mcl_jci_sur_curves_come_out_of_the_samples(shared_data):
    folder = shared_data / "mcl_jci_jnd"
    samples = read_sample_matrices(folder)
    table = pd.read_csv(folder / "mcl_jci_sur_curves.csv").sort_values(["ref_img", "qf"])
    columns = ["first_SUR", "second_SUR", "third_SUR"]
    published = {name: rows[columns].to_numpy().T for name, rows in table.groupby("ref_img")}
    assert len(published) == 50
    qualities = range(1, 101)
    for level, mean_error in ((0, 0.0225), (1, 0.0130), (2, 0.0118)):
        differences = [
            np.abs(sur_curve(samples.values[source][level], "QF", qualities) - curve[level]).mean()
            for source, curve in published.items()
        ]
        assert np.mean(differences) < mean_error  # steps of 1/30 against a smooth fit
