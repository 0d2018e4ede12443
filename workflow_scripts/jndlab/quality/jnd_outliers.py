"""Which subjects and which samples of a JND test to leave out, by the published rules."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jndlab.errors import UserError
from jndlab.quality.jnd_statistics import JndSamples

GRUBBS_LEVEL = 0.05  # no sample set of VideoSet 720p still holds an outlier by this test
# Between the two subjects whom published MCL-JCI tables leave out (ranges 6.18 and 5.51 at JND1)
# and the next one (5.16). No threshold is printed; an assumption.
UNRELIABLE_RANGE = 5.3


@dataclass(frozen=True)
class SubjectScore:
    """How far a subject strays: ``z_range`` and ``z_deviation`` over sources; BT.500 verdict."""

    subject: int
    z_range: float
    z_deviation: float
    bt500_outside: float
    bt500_balance: float
    bt500_rejected: bool


def score_subjects(samples: JndSamples, level: int = 1) -> list[SubjectScore]:
    """Scores of every subject over all sources at one level.

    The z score of a sample is its distance from the source's mean in deviations (N - 1) of the
    source. VideoSet (Wang et al. 2017) looks at each subject's range and standard deviation of
    z scores. ITU-R BT.500-14 (annex 1, 2.3.1): a sample lies outside at 2 deviations where the
    kurtosis of the source is within 2..4, else at sqrt(20); a subject is rejected with more than
    5 % of samples outside and |above - below| < 30 % of them. Raises UserError where the subjects
    of the sources are not the same people.
    """
    if not samples.same_subjects:
        raise UserError(
            "subjects cannot be screened: their samples are not kept apart.",
            expected="samples of the same subjects for every source",
            remedy="screen the samples of each source instead (Grubbs' test).",
        )
    table = samples.level(level)
    centred = table - np.nanmean(table, axis=1, keepdims=True)
    deviation = np.nanstd(table, axis=1, ddof=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(deviation > 0, centred / deviation, np.where(np.isnan(table), np.nan, 0.0))
        variance = np.nanmean(centred**2, axis=1)
        kurtosis = np.nanmean(centred**4, axis=1) / variance**2
    limit = np.where((kurtosis >= 2) & (kurtosis <= 4), 2, np.sqrt(20))[:, np.newaxis]
    # A source on which all agree has no outside.
    above = ((z >= limit) & (deviation > 0)).sum(axis=0)
    below = ((z <= -limit) & (deviation > 0)).sum(axis=0)
    return [
        _score(subject, z[:, subject], int(above[subject]), int(below[subject]))
        for subject in range(table.shape[1])
    ]


def unreliable_subjects(
    samples: JndSamples, rule: str, *, level: int = 1, above: float = UNRELIABLE_RANGE
) -> list[int]:
    """Places of the subjects to leave out, by ``bt500`` or by ``z_range`` (larger than ``above``).

    VideoSet's authors decide by eye where range and deviation are both large; a threshold on the
    range is this suite's reading of it, and reproduces the two subjects left out of MCL-JCI.
    """
    scores = score_subjects(samples, level)
    if rule == "bt500":
        return [score.subject for score in scores if score.bt500_rejected]
    if rule == "z_range":
        return [score.subject for score in scores if score.z_range > above]
    raise UserError(f"there is no rule '{rule}' to reject subjects by.", expected="bt500, z_range")


def without_subjects(samples: JndSamples, subjects: list[int]) -> JndSamples:
    """The same samples without some subjects (places counted from 0)."""
    kept = {
        source: tuple(np.delete(array, subjects) for array in levels)
        for source, levels in samples.values.items()
    }
    return replace(samples, values=kept)


def without_outlying_samples(samples: JndSamples, level: float = GRUBBS_LEVEL) -> JndSamples:
    """Samples that Grubbs' test finds outlying become NaN, one after another in each array.

    As VideoSet does it. Two-sided at significance ``level``, repeated until none is found.
    """
    kept = {
        source: tuple(_grubbs(array, level) for array in levels)
        for source, levels in samples.values.items()
    }
    return replace(samples, values=kept)


def _score(subject: int, z: np.ndarray, above: int, below: int) -> SubjectScore:
    z = z[~np.isnan(z)]
    outside = above + below
    share = outside / z.size if z.size else 0.0
    balance = abs(above - below) / outside if outside else 0.0
    return SubjectScore(
        subject,
        float(np.ptp(z)) if z.size else 0.0,
        float(z.std(ddof=1)) if z.size > 1 else 0.0,
        share,
        balance,
        bool(share > 0.05 and balance < 0.3),
    )


def _grubbs(samples: np.ndarray, level: float) -> np.ndarray:
    from scipy import stats  # two seconds to import: only where samples are screened

    kept = np.array(samples, float)
    while True:
        given = kept[~np.isnan(kept)]
        count, spread = given.size, given.std(ddof=1) if given.size > 2 else 0.0
        if not spread:  # fewer than three samples, or all equal
            return kept
        t = stats.t.ppf(1 - level / (2 * count), count - 2)
        critical = (count - 1) / np.sqrt(count) * np.sqrt(t**2 / (count - 2 + t**2))
        distance = np.abs(kept - given.mean()) / spread
        worst = int(np.nanargmax(distance))
        if distance[worst] <= critical:
            return kept
        kept[worst] = np.nan
