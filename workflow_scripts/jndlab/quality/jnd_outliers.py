"""Subjects and samples of a JND test that the published rules leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from jndlab.errors import UserError
from jndlab.quality.jnd_statistics import JndSamples

GRUBBS_LEVEL = 0.05  # no sample set of VideoSet 720p still holds an outlier by this test
# Between the two subjects whom published MCL-JCI tables leave out (ranges 6.18 and 5.51 at JND1)
# and the next one (5.16). No threshold is printed; an assumption.
UNRELIABLE_RANGE = 5.3


Rule = Literal["bt500", "z_range"]


def unreliable_subjects(samples: JndSamples, rule: Rule) -> list[int]:
    """Places of the subjects to leave out by their first JNDs.

    The z score of a sample is its distance from the source's mean in deviations (N - 1) of the
    source. ``z_range`` leaves out subjects whose z scores span more than ``UNRELIABLE_RANGE``:
    VideoSet's authors (Wang et al. 2017) decide by eye where range and deviation are both large; a
    threshold on the range is this suite's reading of it, and reproduces the two subjects left out
    of MCL-JCI. ``bt500`` is ITU-R BT.500-14 (annex 1, 2.3.1): a sample lies outside at 2
    deviations where the kurtosis of the source is within 2..4, else at sqrt(20); a subject is
    rejected with more than 5 % of samples outside and |above - below| < 30 % of them. Raises
    UserError where the subjects of the sources are not the same people.
    """
    if not samples.same_subjects:
        raise UserError(
            "subjects cannot be screened: their samples are not kept apart.",
            expected="samples of the same subjects for every source",
            remedy="screen the samples of each source instead (Grubbs' test).",
        )
    table = samples.level(1)
    centred = table - np.nanmean(table, axis=1, keepdims=True)
    deviation = np.nanstd(table, axis=1, ddof=1, keepdims=True)
    agreed = np.where(np.isnan(table), np.nan, 0.0)  # z scores of a source on which all agree
    z = np.divide(centred, deviation, out=agreed, where=deviation > 0)
    if rule == "bt500":
        rejected = _rejected_by_bt500(z, centred)
    else:  # not np.nanmax, which warns of a subject without samples
        rejected = np.fmax.reduce(z) - np.fmin.reduce(z) > UNRELIABLE_RANGE
    return np.flatnonzero(rejected).tolist()


def without_subjects(samples: JndSamples, subjects: list[int]) -> JndSamples:
    """The same samples without some subjects (places counted from 0)."""
    kept = {
        source: tuple(np.delete(array, subjects) for array in levels)
        for source, levels in samples.values.items()
    }
    return replace(samples, values=kept)


def without_outlying_samples(samples: JndSamples) -> JndSamples:
    """Samples that Grubbs' test finds outlying become NaN, one after another in each array.

    As VideoSet does it. Two-sided at ``GRUBBS_LEVEL``, repeated until none is found.
    """
    kept = {
        source: tuple(_grubbs(array) for array in levels)
        for source, levels in samples.values.items()
    }
    return replace(samples, values=kept)


def _rejected_by_bt500(z: np.ndarray, centred: np.ndarray) -> np.ndarray:
    """Verdict on each subject from z scores and distances to the mean (sources x subjects)."""
    with np.errstate(invalid="ignore"):
        kurtosis = np.nanmean(centred**4, axis=1) / np.nanmean(centred**2, axis=1) ** 2
    limit = np.where((kurtosis >= 2) & (kurtosis <= 4), 2, np.sqrt(20))[:, np.newaxis]
    above, below = (z >= limit).sum(axis=0), (z <= -limit).sum(axis=0)
    outside, given = above + below, (~np.isnan(z)).sum(axis=0)
    many = outside / np.maximum(given, 1) > 0.05
    return many & (np.abs(above - below) / np.maximum(outside, 1) < 0.3)


def _grubbs(samples: np.ndarray) -> np.ndarray:
    from scipy import stats  # two seconds to import: only where samples are screened

    kept = np.array(samples, float)
    while True:
        given = kept[~np.isnan(kept)]
        count, spread = given.size, given.std(ddof=1) if given.size > 2 else 0.0
        if not spread:  # fewer than three samples, or all equal
            return kept
        t = stats.t.ppf(1 - GRUBBS_LEVEL / (2 * count), count - 2)
        critical = (count - 1) / np.sqrt(count) * np.sqrt(t**2 / (count - 2 + t**2))
        distance = np.abs(kept - given.mean()) / spread
        worst = int(np.nanargmax(distance))
        if distance[worst] <= critical:
            return kept
        kept[worst] = np.nan
