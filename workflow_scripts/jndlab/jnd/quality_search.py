"""Searches for the picture-wise JND (PW-JND): the best quality that still shows errors.

A classifier decides whether the errors of a coded picture are visible. Along a codec's qualities,
from worst to best, its answers are "visible" up to the PW-JND and "not visible" beyond, but for
wrong answers near the edge and, rarely, elsewhere. Each search asks for few of the answers:

================== =============================================== ==== ==== ==============
search             how                                             mean most off by at most
================== =============================================== ==== ==== ==============
``block``          VP-JND's binary search with blocks of 5, fixed    22   31 not bounded
``voting``         the same tolerance with fewer calls               13   15 1
``sliding_window`` Liu et al.: from the best down, 4 of 5 visible    54  100 2
``binary``         plain bisection                                    7    7 not bounded
``exhaustive``     all, then the step with fewest contradictions    100  100 1
================== =============================================== ==== ==== ==============

"mean" and "most" count the classifier's calls over the 101 clean sequences of 100 qualities; with
wrong answers ``voting`` takes 19 at most, below a fifth of ``exhaustive``: ``block`` cannot
promise that. "off by" is the distance from the true PW-JND when at most one of any five answers in
a row is wrong, the tolerance for which VP-JND's numbers (4 of 5) are designed. Clean sequences are
found exactly by all. Liu et al.'s window is in no readable text: 5 and 4 are an assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from jndlab.errors import UserError

BLOCK, AGREEMENT = 5, 4
KERNEL = 3.0  # qualities over which a label makes its neighbours likely
SMALLEST_SPREAD = 0.1
FINISH = 9  # `voting` asks for all that is left once so few answers can decide


class Call(NamedTuple):
    """One call of the classifier; calls are listed in their order."""

    quality: int
    visible: bool


@dataclass(frozen=True)
class SearchResult:
    """``pw_jnd`` is the best quality with visible errors, ``lossless`` the next better one.

    Where no quality shows errors ``pw_jnd`` is the worst quality, where all do ``lossless`` is the
    best: both are always qualities that exist. ``path`` holds the calls.
    """

    pw_jnd: int
    lossless: int
    path: tuple[Call, ...]

    @property
    def calls(self) -> int:
        """Number of the classifier's calls."""
        return len(self.path)


def search_pw_jnd(
    is_visible: Callable[[int], bool], qualities: Sequence[int], method: str = "voting"
) -> SearchResult:
    """Find the PW-JND among ``qualities``, given from worst to best (QF 1..100, or QP 51..0).

    ``is_visible(quality)`` is called at most once for each quality. ``method`` is a name of
    :data:`SEARCHES`. Raises UserError for another, or when there are no qualities.
    """
    if method not in SEARCHES:
        raise UserError(f"there is no search '{method}'.", expected="one of " + ", ".join(SEARCHES))
    if not qualities:
        raise UserError("there are no qualities to search.")
    answers = _Answers(is_visible, qualities)
    last_visible = SEARCHES[method](answers, len(qualities))
    return SearchResult(
        pw_jnd=qualities[max(last_visible, 1) - 1],
        lossless=qualities[min(last_visible, len(qualities) - 1)],
        path=tuple(answers.path),
    )


@dataclass(frozen=True)
class LabelPrior:
    """The labels that a classifier learned from, and how far its searches are off.

    ``labels`` are qualities; ``spread`` is the mean distance, in qualities, between what a search
    finds and the label on pictures that the classifier did not learn from.
    """

    labels: Sequence[int]
    spread: float

    def weigh(self, found: int, qualities: Sequence[int]) -> int:
        """The quality in the middle of what is likely, given that a search found ``found``.

        Errors of the search are Laplace distributed with mean size ``spread``; before it each
        quality is as likely as labels are near (the same kernel over :data:`KERNEL` qualities). The
        median of the product has the least expected distance to the label. A search that is never
        off keeps ``found``.
        """
        places = np.arange(len(qualities))
        labels = np.array([qualities.index(label) for label in self.labels])
        before = np.exp(-np.abs(places[:, np.newaxis] - labels) / KERNEL).mean(1)
        off = np.abs(places - qualities.index(found))
        after = np.cumsum(before * np.exp(-off / max(self.spread, SMALLEST_SPREAD)))
        return qualities[int(np.searchsorted(after, after[-1] / 2))]


@dataclass
class _Answers:
    """The classifier's answers by position 1..N; beyond the worst all is visible, beyond the best
    nothing is. Calling it asks."""

    is_visible: Callable[[int], bool]
    qualities: Sequence[int]
    known: dict[int, bool] = field(default_factory=dict)
    path: list[Call] = field(default_factory=list)

    def __call__(self, position: int) -> bool:
        if position < 1:
            return True
        if position > len(self.qualities):
            return False
        if position not in self.known:
            quality = self.qualities[position - 1]
            self.known[position] = bool(self.is_visible(quality))
            self.path.append(Call(quality, self.known[position]))
        return self.known[position]


# A search takes the answers and their number N, and returns the last visible position, 0..N.


def block_search(visible: _Answers, count: int) -> int:
    """VP-JND's binary block search (blocks of 5, 4 must agree), with five defects fixed.

    At ``mid``, half way, R counts the visible among the 5 positions from ``mid`` on, L among the 5
    before. R = 5: go on in the better half. R = 0: with L < 4 go on in the worse half, with L = 5
    the edge is before ``mid``, with L = 4 it is the last visible position of the block before.
    0 < R < 5: with L = 5 the edge is within the block (its last visible position, or the first if
    the block begins with a lossless one); otherwise it is half way between the visible positions
    next to ``mid`` on both sides.

    Fixed, of the published program: the recursion called a misspelt name; the result was printed
    and not returned; with L = 4 it looked for the edge in the block that is all lossless, and found
    0; blocks reached beyond both ends (here all is visible below and nothing above); the loop left
    out the last of 50 pictures (here a search takes one picture). Clean sequences are found
    exactly. One wrong answer far from the edge can carry the last rule far off, and a clean
    search takes up to 31 of 100 calls: see :func:`voting_search`.
    """
    first, last = 1, count
    while True:
        middle = (first + last + 1) // 2
        after = range(middle, middle + BLOCK)
        before = range(middle - BLOCK, middle)
        found = _counted(visible, after, stop_at_misses=BLOCK)
        if found == BLOCK:
            first = middle  # grows: 5 visible from `first` on and a lossless `last` lie apart
        elif found == 0:
            preceding = _counted(visible, before, stop_at_misses=BLOCK - AGREEMENT + 1)
            if preceding >= AGREEMENT:
                return max(0, next(p for p in reversed(before) if visible(p)))
            last = middle
        elif _counted(visible, before, stop_at_misses=1) == BLOCK:
            seen = [position for position in after if visible(position)]
            return seen[-1] if visible(middle) else seen[0]
        else:
            right = next(position for position in after if visible(position))
            left = next(position for position in range(middle - 1, -1, -1) if visible(position))
            return (left + right) // 2


def voting_search(visible: _Answers, count: int) -> int:
    """Bisection by votes that one wrong answer in any five cannot turn; at most 19 calls of 100.

    Of the three positions around the middle two agree. At least one of those two answers is right,
    so the edge is not below the lower of two visible ones, and below the higher of two lossless
    ones. A clean vote takes two calls. Once at most 9 positions are left, those not yet known are
    queried, and the step that contradicts fewest of them is taken.

    Calls: four rounds of at most three shrink 100 positions to at most 9 (100, 51, 27, 15, 9), of
    which two are known by then: 12 + 7. Error: a step k off that contradicts no more answers than
    the true one has at least k / 2 wrong answers among the k between, so k is at most 2; then both
    contradict equally many, and the middle of the two is taken: 1 off.
    """
    low, high = 0, count  # the last visible position is within these
    while high - low > FINISH:
        middle = (low + high) // 2
        votes: dict[bool, list[int]] = {True: [], False: []}
        for position in (middle, middle + 1, middle - 1):
            agreeing = votes[visible(position)]
            agreeing.append(position)
            if len(agreeing) == 2:
                break
        if len(votes[True]) == 2:
            low = max(low, min(votes[True]))
        else:
            high = min(high, max(votes[False]) - 1)
    return _best_step(visible, low, high)


def sliding_window_search(visible: _Answers, count: int) -> int:
    """From the best quality down until 4 of 5 neighbours are visible: the best visible of those."""
    for worst in range(count - BLOCK + 1, 1 - BLOCK - 1, -1):
        window = range(worst, worst + BLOCK)
        if sum(visible(position) for position in window) >= AGREEMENT:
            return max(0, next(p for p in reversed(window) if visible(p)))
    return 0


def binary_search(visible: _Answers, count: int) -> int:
    """Plain bisection: every answer is believed."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if visible(middle) else (low, middle - 1)
    return low


def exhaustive_search(visible: _Answers, count: int) -> int:
    """All answers, and the step that contradicts fewest of them."""
    return _best_step(visible, 0, count)


SEARCHES: dict[str, Callable[[_Answers, int], int]] = {
    "block": block_search,
    "voting": voting_search,
    "sliding_window": sliding_window_search,
    "binary": binary_search,
    "exhaustive": exhaustive_search,
}


def _counted(visible: _Answers, positions: range, stop_at_misses: int) -> int:
    """Number of visible positions; stops at ``stop_at_misses`` that are not."""
    seen = missed = 0
    for position in positions:
        if visible(position):
            seen += 1
        else:
            missed += 1
        if missed >= stop_at_misses:
            break
    return seen


def _best_step(visible: _Answers, low: int, high: int) -> int:
    """The last visible position, within low..high, that contradicts fewest answers there.

    Of several equally good ones the middle one (or halfway between the middle two).
    """
    steps = range(low, high + 1)
    wrong = sum(visible(position) for position in range(low + 1, high + 1))
    contradictions = []
    for step in steps:
        if step > low:
            wrong += -1 if visible(step) else 1
        contradictions.append(wrong)
    fewest = min(contradictions)
    best = [step for step, wrong in zip(steps, contradictions, strict=True) if wrong == fewest]
    return (best[(len(best) - 1) // 2] + best[len(best) // 2]) // 2
