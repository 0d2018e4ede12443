"""Planned numbers of raters keep what they promise in simulated tests, analysed as real ones."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from jndlab.errors import UserError
from jndlab.quality.intervals import mean_interval, sources_for_width, sources_needed
from jndlab.subjective.preferences import deviation_of_shares
from workflow_runner import REPOSITORY


def test_raters_of_ratings_keep_the_width_that_was_asked_for():
    count = sources_for_width(0.7, 0.25)
    assert count == 33  # t(32) 0.7 / sqrt(33) = 0.248; with 32 it is 0.252
    values = np.random.default_rng(0).normal(0, 0.7, (400, count))
    half = [
        (found.high - found.low) / 2 for found in (mean_interval(v, range(count)) for v in values)
    ]
    assert np.median(half) == pytest.approx(0.25, rel=0.05)
    assert sources_for_width(1.0, 1e-6) is None


def simulated(raters, votes, share, ties, spread, rng) -> np.ndarray:
    """Mean votes of raters whose own shares are ``spread`` apart (two points), in percent."""
    own = (share + spread * rng.choice([-1, 1], raters))[:, None] / 100
    draws = rng.random((raters, votes))
    better, worse = draws < own - ties / 200, draws > own + ties / 200
    return 50 + 50 * (better.astype(float) - worse).mean(axis=1)


@pytest.mark.parametrize(("ties", "spread"), [(0, 0), (20, 10)])
def test_raters_of_pairs_show_the_preference_as_often_as_planned(ties, spread):
    rng = np.random.default_rng(1)
    deviation = deviation_of_shares(60, 12, ties, spread)
    many = simulated(20_000, 12, 60, ties, spread, rng)
    assert many.std() == pytest.approx(deviation, rel=0.02) and many.mean() == pytest.approx(
        60, abs=0.5
    )
    count = sources_needed(deviation, 10)
    shown = [
        mean_interval(simulated(count, 12, 60, ties, spread, rng), range(count)).low > 50
        for _ in range(600)
    ]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.06)


def test_impossible_assumptions_are_refused():
    with pytest.raises(UserError, match="no votes have a share of 95 %"):
        deviation_of_shares(95, 10, 30)


def said(*words: object) -> str:
    script = REPOSITORY / "workflow_scripts/commands/raters_needed.py"
    done = subprocess.run(
        [sys.executable, script, *map(str, words)], capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_the_command_answers_for_ratings_and_pairs():
    assert said("ratings", "--deviation", 0.7, "--half-width", 0.25).startswith("33 raters for")
    deviation = deviation_of_shares(65, 20, 20, 10)
    count = sources_needed(deviation, 15)
    pairs = ("pairs", "--share", 65, "--votes", 20, "--ties", 20)
    assert said(*pairs).startswith(f"{count} raters for showing 15 %")
    width = sources_for_width(deviation, 5)
    assert said(*pairs, "--half-width", 5).startswith(f"{width} raters for an interval of +- 5 %")
    assert "-1 is not from" in said("ratings", "--deviation", 0.7, "--half-width", -1)
    assert "165 is not from 0 to 100" in said("pairs", "--share", 165, "--votes", 20)
