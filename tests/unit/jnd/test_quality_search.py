"""Searches for the PW-JND: exact where answers are clean, bounded where they are not, and cheap."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.jnd.quality_search import (
    AGREEMENT,
    BLOCK,
    KERNEL,
    SEARCHES,
    Call,
    LabelPrior,
    search_pw_jnd,
)

QF = range(1, 101)
CLEAN_CALLS = {  # most, and mean over all clean sequences of 100: what the docstring says
    "block": (31, 22),
    "voting": (15, 13),
    "sliding_window": (100, 54),
    "binary": (7, 7),
    "exhaustive": (100, 100),
}
OFF_BY = {"voting": 1, "exhaustive": 1, "sliding_window": 2}


@pytest.mark.parametrize("method", sorted(SEARCHES))
def test_clean_sequences_are_found_exactly_and_calls_are_as_documented(method):
    calls = []
    for edge in range(101):
        found = search_pw_jnd(lambda qf, edge=edge: qf <= edge, QF, method)
        assert (found.pw_jnd, found.lossless) == (max(edge, 1), min(edge + 1, 100))
        calls.append(found.calls)
    most, mean = CLEAN_CALLS[method]
    assert max(calls) == most
    assert round(sum(calls) / len(calls)) == mean


@pytest.mark.parametrize("method", sorted(SEARCHES))
@given(count=st.integers(1, 60), data=st.data())
@settings(max_examples=60, deadline=None)
def test_clean_sequences_of_any_length_and_direction(method, count, data):
    edge = data.draw(st.integers(0, count))
    qp = list(range(count - 1, -1, -1))  # from worst to best: visible are the first `edge`
    found = search_pw_jnd(lambda q: q in qp[:edge], qp, method)
    assert found.pw_jnd == qp[max(edge, 1) - 1]
    assert found.lossless == qp[min(edge, count - 1)]


@pytest.mark.parametrize("method", sorted(SEARCHES))
@given(answers=st.lists(st.booleans(), min_size=1, max_size=100))
@settings(max_examples=150, deadline=None)
def test_any_answers_end_the_search_with_a_quality_and_no_question_twice(method, answers):
    asked = []

    def is_visible(quality):
        asked.append(quality)
        return answers[quality - 1]

    qualities = range(1, len(answers) + 1)
    found = search_pw_jnd(is_visible, qualities, method)
    assert found.pw_jnd in qualities and found.lossless in qualities
    assert len(asked) == len(set(asked)) == found.calls
    assert found.path == tuple(Call(q, answers[q - 1]) for q in asked)


@pytest.mark.parametrize("method", sorted(OFF_BY))
@given(edge=st.integers(0, 100), start=st.integers(0, 4), gaps=st.lists(st.integers(5, 40)))
@settings(max_examples=300, deadline=None)
def test_one_wrong_answer_in_any_five_moves_the_result_by_no_more_than_stated(
    method, edge, start, gaps
):
    wrong, position = set(), start
    for gap in gaps:
        wrong.add(position)
        position += gap
    found = search_pw_jnd(lambda qf: (qf <= edge) != (qf in wrong), QF, method)
    assert abs(found.pw_jnd - max(edge, 1)) <= OFF_BY[method]


@pytest.mark.parametrize("method", sorted(OFF_BY))
def test_one_wrong_answer_next_to_any_edge(method):
    worst = 0
    for edge, wrong in product(range(0, 101), range(-8, 9)):
        found = search_pw_jnd(
            lambda qf, edge=edge, wrong=wrong: (qf <= edge) != (qf == edge + wrong), QF, method
        )
        worst = max(worst, abs(found.pw_jnd - max(edge, 1)))
    assert worst == OFF_BY[method]  # the bound is reached: it is no looser than it must be


@pytest.mark.parametrize("method", ["block", "binary"])
def test_a_single_wrong_answer_can_carry_these_far_off(method):
    moved = [
        abs(search_pw_jnd(lambda qf, w=wrong: (qf <= 10) != (qf == w), QF, method).pw_jnd - 10)
        for wrong in range(20, 101)
    ]
    assert max(moved) > 15


def test_voting_never_takes_more_than_a_fifth_of_all_calls():
    # The vote depends on the first answers, at most 12; what is asked at the end does not.
    most = 0
    for answers in product([False, True], repeat=12):
        left = iter(answers)
        most = max(most, search_pw_jnd(lambda _, left=left: next(left, False), QF).calls)
    assert most == 19
    assert 5 * most <= search_pw_jnd(lambda qf: qf < 50, QF, "exhaustive").calls


def test_block_search_follows_its_rule_at_every_case():
    def found(visible):
        return search_pw_jnd(lambda qf: qf in visible, QF, "block").pw_jnd

    up_to = set(range(1, 51)).union
    # The first middle is 51: R are 51..55, L 46..50.
    assert found(up_to({51, 52})) == 52  # L = 5, R begins visible: its last visible
    assert found(up_to({53})) == 53  # a single visible one: its place
    assert found(up_to({53, 54})) == 53  # R begins lossless: its first visible
    assert found(set(range(1, 50)) | {52, 53}) == (52 + 49) // 2  # L < 5: half way
    assert found(set(range(1, 51))) == 50  # R = 0, L = 5: before the middle
    assert found(set(range(1, 51)) - {48}) == 50  # R = 0, L = 4: last visible of L
    assert found(set(range(1, 50))) == 49


def test_the_designed_tolerance_is_one_wrong_answer_in_five():
    assert BLOCK - AGREEMENT == 1


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="golden"):
        search_pw_jnd(lambda _: True, QF, "golden")
    with pytest.raises(UserError, match="no qualities"):
        search_pw_jnd(lambda _: True, [])


def test_a_prior_keeps_what_a_sure_search_finds_and_replaces_what_a_blind_one_finds():
    qualities, labels = tuple(range(1, 101)), [60, 62, 64, 64, 66, 68]
    assert LabelPrior(labels, 0.0).weigh(30, qualities) == 30
    assert 62 <= LabelPrior(labels, 1000.0).weigh(30, qualities) <= 66
    between = [LabelPrior(labels, spread).weigh(52, qualities) for spread in (1.0, 4.0, 20.0)]
    assert 52 <= between[0] <= between[1] <= between[2] <= 64 and between[0] < between[2]


def test_a_prior_has_the_least_expected_error_of_all_answers():
    """Labels and errors drawn as the prior has them: no constant shift of its answer is better."""
    rng = np.random.default_rng(0)
    qualities, labels = tuple(range(1, 101)), [50, 70]
    prior = LabelPrior(labels, 6.0)
    true = np.clip(rng.choice(labels, 4000) + rng.laplace(0, KERNEL, 4000).round(), 1, 100)
    found = np.clip(true + rng.laplace(0, 6.0, 4000).round(), 1, 100).astype(int)
    weighed = np.array([prior.weigh(int(one), qualities) for one in found])
    error = np.abs(weighed - true).mean()
    assert error < np.abs(found - true).mean() - 0.5
    for other in (weighed - 2, weighed + 2, (weighed + found) // 2):
        assert error < np.abs(other - true).mean()
