"""JND levels without subjects: where a quality score has dropped by one step after another.

The rule stands in for subjective labels in demos. What it makes is named ``vmaf_steps`` wherever
it is shown; it is never called subjective. The step is calibrated in ``docs/vmaf_steps.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from jndlab.errors import UserError

LABEL_KIND: Final = "vmaf_steps"
DEFAULT_STEP = 4.64  # of `vmaf_neg_still`, calibrated in docs/vmaf_steps.md


@dataclass(frozen=True)
class StepRule:
    """Level k is reached where ``metric`` lies ``k * step`` below the source's own score.

    ``metric`` is a column in which larger is better: ``vmaf_neg_still`` or ``vmaf_still`` of
    :mod:`jndlab.quality.motionless_vmaf`, or any column of per-frame or pooled metrics. ``step``
    is in the metric's unit, above 0. The default is for ``vmaf_neg_still`` only: VMAF NEG points
    per JND unit of the JPEG AIC-4 example data (95 % interval 4.06 to 5.29 over its five sources);
    another metric needs a step of its own.
    """

    metric: str = "vmaf_neg_still"
    step: float = DEFAULT_STEP
    levels: int = 3

    def threshold(self, start: float, level: int) -> float:
        """Largest score that belongs to ``level`` (from 1) when the source itself has ``start``."""
        return start - level * self.step


DEFAULT_RULE = StepRule()


def step_levels(
    qualities: Sequence[int], scores: Sequence[float], start: float, rule: StepRule = DEFAULT_RULE
) -> list[int | None]:
    """The quality of each level, from a sweep given in order from best to worst.

    ``qualities`` are QPs rising or quality factors falling, ``scores`` their scores, ``start`` the
    score of the source against itself (97.43 for VMAF without motion, not 100). A level's quality
    is the first one from which on every score lies at or below ``start - level * step``: where
    the scores go up and down on their way, the last crossing counts. There is no interpolation.

    Levels never go back, and two may share one quality where the score falls by more than a step
    at once. A level that the sweep's worst quality does not reach is None. Raises UserError for
    qualities out of order, other numbers of scores than qualities, or a score that is no number.
    """
    _check_sweep(qualities, scores, start)
    found: list[int | None] = []
    for level in range(1, rule.levels + 1):
        threshold = rule.threshold(start, level)
        first = len(scores)
        while first > 0 and scores[first - 1] <= threshold:
            first -= 1
        found.append(qualities[first] if first < len(scores) else None)
    return found


def search_levels(
    score_of: Callable[[int], float],
    qualities: Sequence[int],
    start: float,
    rule: StepRule = DEFAULT_RULE,
) -> tuple[list[int | None], dict[int, float]]:
    """Levels by bisection, which asks ``score_of(quality)`` for few of the ``qualities``.

    Also returns the scores that were asked for, by quality. Where the scores never rise from
    best to worst quality, levels are exactly those of :func:`step_levels` on the whole sweep, and
    those of :func:`step_levels` on the qualities asked for; otherwise each is one of the crossings
    (its score at or below the threshold, the one before above). At most
    ``levels * (floor(log2(n)) + 1)`` scores are asked for, n being the number of qualities.
    """
    _check_order(qualities)
    known: dict[int, float] = {}  # by place in `qualities`
    found: list[int | None] = []
    for level in range(1, rule.levels + 1):
        threshold = rule.threshold(start, level)
        above = max((place for place, score in known.items() if score > threshold), default=-1)
        below = min(
            (place for place, score in known.items() if place > above and score <= threshold),
            default=len(qualities),
        )
        while below - above > 1:
            middle = (above + below) // 2
            if middle not in known:
                known[middle] = score_of(qualities[middle])
                _check_numbers([known[middle]])
            if known[middle] <= threshold:
                below = middle
            else:
                above = middle
        found.append(qualities[below] if below < len(qualities) else None)
    return found, {qualities[place]: known[place] for place in sorted(known)}


def required_levels(source: str, levels: Sequence[int | None], worst: int) -> list[int]:
    """``levels`` if all were reached; else UserError, naming the source and the worst quality."""
    reached = [level for level in levels if level is not None]
    if len(reached) < len(levels):
        raise UserError(
            f"JND level {len(reached) + 1} of '{source}' is not reached by any quality.",
            where=f"labels by the rule '{LABEL_KIND}', coded down to quality {worst}",
            expected=f"{len(levels)} levels, found {len(reached)}",
            remedy="allow worse qualities, lower the step, or leave this source out.",
        )
    return reached


def _check_sweep(qualities: Sequence[int], scores: Sequence[float], start: float) -> None:
    _check_order(qualities)
    if len(scores) != len(qualities):
        raise UserError(
            "a sweep has not one score for each quality.",
            expected=f"{len(qualities)} scores, found {len(scores)}",
        )
    _check_numbers([start, *scores])


def _check_order(qualities: Sequence[int]) -> None:
    steps = {(b > a) - (b < a) for a, b in pairwise(qualities)}
    if not qualities or len(steps) > 1 or 0 in steps:
        raise UserError(
            "the qualities of a sweep are not in order.",
            expected="at least one, from best to worst: QPs rising or quality factors falling, "
            f"none twice; found {list(qualities)}",
        )


def _check_numbers(scores: Sequence[float]) -> None:
    if not all(math.isfinite(score) for score in scores):
        raise UserError("a score of a sweep is no finite number.", expected=f"found {list(scores)}")
