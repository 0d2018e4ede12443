"""Trials, blocks and training of rating tests: whole, balanced, short enough."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.quality.rd_point import PointKey
from jndlab.subjective.design import (
    Trial,
    blocks_of,
    extra_seconds,
    spread,
    training_points,
    trials_of,
)
from jndlab.subjective.rating_page import CodedClip


def clips(sequences, methods=("anchor", "own"), qps=(22, 27, 32, 37), seconds=8.0):
    """Coded clips whose rates fall by a tenth a QP; those of other methods are a fifth smaller."""
    metadata = {"seconds": seconds, "sha256": "0"}
    found = []
    for sequence in sequences:
        found.append(CodedClip(Path("a.mp4"), metadata, sequence))
        for method in methods:
            for qp in qps:
                rate = 1000 * 0.9**qp * (1 if method == "anchor" else 0.8)
                coding = (sequence, "x265", "LDP", method, qp)
                found.append(CodedClip(Path("a.mp4"), metadata, *coding, bitrate_kbps=rate))
    return found


@given(
    contents=st.integers(1, 20),
    qps=st.integers(1, 6),
    methods=st.integers(1, 3),
    minutes=st.floats(1, 200),
    extras=st.tuples(*[st.integers(0, 4)] * 3),
    procedure=st.sampled_from(["dcr", "jnd"]),
)
def test_blocks_hold_every_trial_once_and_no_sitting_is_too_long(
    contents, qps, methods, minutes, extras, procedure
):
    """Training comes in the first sitting, repeats and checks in every one."""
    trained, repeats, checks = extras
    assume(procedure == "dcr" or qps > 1)
    shown = clips(
        [f"c{n}" for n in range(contents)], [f"m{n}" for n in range(methods)], range(20, 20 + qps)
    )
    trials = trials_of(procedure, shown, pause=2, anchor="m0", levels=2)
    question = 2 * (8 + 2) + 4
    first_jnd = question * math.ceil(math.log2(qps + 1)) if procedure == "jnd" else question
    most = (trained + repeats) * first_jnd + checks * question
    assume(trials[0].seconds + most <= 60 * minutes - 1e-6)
    levels = 2 if procedure == "jnd" else None
    training = trials[:1] * trained
    extra = extra_seconds(trials, training, repeats=repeats, checks=checks, levels=levels)
    found = blocks_of(trials, 60 * minutes, extra)
    assert [t.clips for t in found] == [t.clips for t in trials]
    lengths = Counter()
    for trial in found:
        lengths[trial.block] += trial.seconds
    assert set(lengths) == set(range(max(lengths) + 1))
    assert max(lengths.values()) + most <= 60 * minutes + 1e-6


def test_a_block_has_all_methods_qps_and_the_hidden_reference_of_its_contents():
    shown = clips([f"c{n}" for n in range(18)])
    found = blocks_of(trials_of("dcr", shown, pause=2), 30 * 60)
    assert {t.block for t in found} == {0, 1, 2}  # 162 trials of 24 s: 65 minutes
    for block in range(3):
        own = [t for t in found if t.block == block]
        assert Counter(t.qp for t in own) == dict.fromkeys([None, 22, 27, 32, 37], 0) | {
            None: 6, 22: 12, 27: 12, 32: 12, 37: 12,
        }  # fmt: skip
        assert Counter(t.clips[-1].method for t in own) == {"": 6, "anchor": 24, "own": 24}


def test_few_contents_share_blocks_and_the_codings_of_a_qp_stay_together():
    found = blocks_of(trials_of("dcr", clips(["a"]), pause=2), 75)
    assert len({t.block for t in found}) > 1
    for qp in (22, 27, 32, 37):
        assert len({t.block for t in found if t.qp == qp}) == 1


def test_a_trial_longer_than_a_sitting_is_refused():
    for extra in (0, 30):
        with pytest.raises(UserError, match="max_minutes"):
            blocks_of([Trial("a", 22, (), 61.0 - extra)], 60, extra)


def test_pairs_are_of_equal_qp_or_nearest_rate():
    shown = clips(["a", "b"], qps=range(20, 40))
    by_qp = trials_of("pairs", shown, pause=2, anchor="anchor")
    assert len(by_qp) == 40
    assert all(t.clips[0].qp == t.clips[1].qp and t.clips[1].method == "anchor" for t in by_qp)
    by_rate = trials_of("pairs", shown, pause=2, anchor="anchor", pair_by="rate")
    # A fifth less is what two QPs more save: 0.9^2 = 0.81.
    assert {t.clips[1].qp - t.clips[0].qp for t in by_rate if t.clips[0].qp < 38} == {2}
    with pytest.raises(UserError, match="method other than the anchor"):
        trials_of("pairs", clips(["a"], ("anchor",)), pause=2, anchor="anchor")
    with pytest.raises(UserError, match="a clip of the anchor"):
        trials_of("pairs", clips(["a"], ("own",)), pause=2, anchor="anchor")


def test_a_ladder_rises_in_qp_and_falls_in_quality_factor():
    shown = clips(["a"], ("anchor",), (37, 22, 30))
    (trial,) = trials_of("jnd", shown, pause=2, anchor="anchor")
    assert [clip.qp for clip in trial.clips] == [None, 22, 30, 37]
    factors = [CodedClip(c.path, c.metadata, "a", method="anchor", qp=c.qp, unit="QF")
               if c.qp else c for c in shown]  # fmt: skip
    (trial,) = trials_of("jnd", factors, pause=2, anchor="anchor")
    assert [clip.qp for clip in trial.clips] == [None, 37, 30, 22]
    with pytest.raises(UserError, match="two QPs"):
        trials_of("jnd", clips(["a"], ("anchor",), (22,)), pause=2, anchor="anchor")


def test_training_spans_the_qualities():
    shown = clips(["a", "b"])
    assert [clip.qp for clip in spread(shown, 2)] == [22, 37]
    assert len(spread(shown, 3)) == 3 and spread(shown, 0) == []
    assert all(clip.qp for clip in spread(shown, 10))


def test_training_on_other_content_needs_few_points():
    points = [
        PointKey(sequence, "LDP", "x265", method, qp)
        for sequence in ("c", "d")
        for method in ("anchor", "own")
        for qp in (22, 27, 32, 37)
    ]
    assert [p.qp for p in training_points(points, "dcr", 2, "anchor")] == [22, 37]
    pairs = training_points(points, "pairs", 2, "anchor")
    assert {(p.method, p.qp) for p in pairs} == {
        (m, q) for m in ("anchor", "own") for q in (22, 37)
    }
    ladder = training_points(points, "jnd", 3, "anchor")
    assert {(p.sequence, p.method) for p in ladder} == {("c", "anchor")} and len(ladder) == 4
    assert training_points(points, "jnd", 0, "anchor") == []
