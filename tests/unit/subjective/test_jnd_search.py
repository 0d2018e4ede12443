"""Answers of searches become the samples that subjects with known limits have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndlab.datasets.jnd_labels import labels_from_samples
from jndlab.errors import UserError
from jndlab.quality.jnd_statistics import JndSamples
from jndlab.subjective.answers import Answer
from jndlab.subjective.jnd_search import found_levels, samples_of
from jndlab.subjective.ratings import Stimulus

QPS = list(range(20, 46))


def stimuli(source="bikes", qualities=QPS) -> list[Stimulus]:
    coded = [
        Stimulus(f"{source}{q}", source, "x", "AI", "anchor", q, False, "f") for q in qualities
    ]
    return [Stimulus(f"r_{source}", source, "", "", "", None, True, "f"), *coded]


def search(subject: str, limit: int, ladder: list[int], level: int = 1) -> list[Answer]:
    """A bisection of ``ladder`` (fine to coarse) by one who sees from place ``limit`` on."""
    low, high, given = -1, len(ladder), []
    while high - low > 1:
        middle = (low + high) // 2
        seen = middle >= limit
        low, high = (low, middle) if seen else (middle, high)
        given.append(
            Answer(subject, f"bikes{ladder[middle]}", float(seen), "file, line 2", level=level)
        )
    return given


@given(st.lists(st.integers(0, len(QPS)), min_size=1, max_size=8))
def test_each_sample_is_the_first_quality_at_which_the_subject_sees_a_change(limits):
    answers = [a for n, limit in enumerate(limits) for a in search(f"p{n}", limit, QPS)]
    subjects, samples = samples_of(stimuli(), answers, "QP", "key")
    expected = [QPS[limit] if limit < len(QPS) else np.nan for limit in limits]
    assert subjects == [f"p{n}" for n in range(len(limits))]
    np.testing.assert_equal(samples.values["bikes"][0], np.array(expected, float))


def test_quality_factors_are_searched_from_100_downwards():
    ladder = list(range(100, 0, -5))
    answers = search("anna", 6, ladder)
    _, samples = samples_of(stimuli(qualities=ladder), answers, "QF", "key")
    assert samples.unit == "QF" and samples.values["bikes"][0].tolist() == [70]


def test_labels_follow_the_samples():
    answers = [a for n in range(20) for a in search(f"p{n}", n % 10, QPS)]
    _, samples = samples_of(stimuli(), answers, "QP", "key")
    (row,) = labels_from_samples(samples, "median", "key").rows
    assert row.value == 24.5 and row.subjects == 20


def test_a_search_that_was_broken_off_is_reported():
    answers = search("anna", 7, QPS)[:-1]
    with pytest.raises(UserError, match="anna, bikes was broken off"):
        samples_of(stimuli(), answers, "QP", "key")


def test_labels_are_of_levels_that_somebody_found_in_every_source():
    values = {
        "a": (np.array([20.0, np.nan]), np.array([np.nan, np.nan])),
        "b": (np.array([22.0, 24.0]), np.array([30.0, np.nan])),
    }
    found = found_levels(JndSamples("QP", values))
    assert {source: len(levels) for source, levels in found.values.items()} == {"a": 1, "b": 1}
    values["a"] = values["a"][::-1]
    with pytest.raises(UserError, match="nobody saw a difference in a"):
        found_levels(JndSamples("QP", values))
