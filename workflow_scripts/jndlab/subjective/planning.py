"""How many raters a test needs, from what is assumed before it: for ratings and for pairs.

The tests are those of the analysis, Student's t over raters; how many show a difference is
``quality.intervals.sources_needed``.
"""

from __future__ import annotations

import math

import numpy as np

from jndlab.errors import UserError
from jndlab.quality.intervals import CONFIDENCE, MOST_SOURCES


def raters_for_width(deviation: float, half_width: float) -> int | None:
    """Raters whose mean has a 95 % t interval of at most +- ``half_width``; at least 2.

    ``deviation`` is that of the raters' own values, in the same unit. None where more than
    ``MOST_SOURCES`` would be needed.
    """
    from scipy.stats import t

    counts = np.arange(2, MOST_SOURCES + 1)
    reach = t.ppf((1 + CONFIDENCE) / 2, counts - 1) * deviation / np.sqrt(counts)
    enough = np.flatnonzero(reach <= half_width)
    return int(counts[enough[0]]) if enough.size else None


def deviation_of_shares(
    share: float, votes: float, ties: float = 0.0, spread: float = 0.0
) -> float:
    """Standard deviation (percent) of the shares of single raters with ``votes`` votes each.

    ``share``: percent of the votes for the method and half of the ties; ``ties``: percent of "no
    difference"; ``spread``: deviation (percent) of what raters would answer with endless votes.
    A vote is +1, 0 or -1 with mean m = 2 share - 1, so that its variance within a rater is
    1 - ties - m^2 - (2 spread)^2. Raises UserError where no votes can be so.
    """
    mean, between = 2 * share / 100 - 1, (2 * spread / 100) ** 2
    within = 1 - ties / 100 - mean**2 - between
    if within < 0 or abs(mean) > 1 - ties / 100 + 1e-12:
        raise UserError(
            f"no votes have a share of {share:g} %, {ties:g} % of ties, and raters {spread:g} % "
            "apart.",
            expected="fewer ties, raters less apart, or a share nearer to 50 %",
        )
    return 50 * math.sqrt(between + within / votes)
