"""Raw JND samples of subjects -> JND of a source: mean, median, satisfied users, SUR curves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from jndlab.errors import UserError
from jndlab.quality.intervals import mean_interval, quantile_interval

Unit = Literal["QP", "QF"]
# Smallest and largest value of each unit: H.264, HEVC and VVC of 8 bit; JPEG.
RANGES: dict[str, tuple[int, int]] = {"QP": (0, 51), "QF": (1, 100)}
DEAD_BELOW = 0.01  # deviation of a network's predictions over its pictures: it says always the same
NORMALITY_LEVEL = 0.05  # the `normality` flags of VideoSet's tables follow from it, all 660

_SHARE = re.compile(r"sur(0[1-9]|[1-9][0-9])")


@dataclass(frozen=True)
class JndSamples:
    """Raw samples: for each source its levels in order, each one array over subjects.

    A sample is the first quality, on the way from fine to coarse, at which a subject saw a
    difference: the lowest such QP, the highest such QF. NaN stands where a subject has no sample
    (saw no such level, or was taken out). ``same_subjects`` says that place i of every array is
    one person, without which subjects cannot be screened.
    """

    unit: Unit
    values: Mapping[str, tuple[np.ndarray, ...]]
    same_subjects: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in the order of the data set."""
        return tuple(self.values)

    def level(self, level: int) -> np.ndarray:
        """Samples of one level (from 1) of all sources: sources x subjects, NaN where none."""
        arrays = [levels[level - 1] for levels in self.values.values()]
        table = np.full((len(arrays), max(array.size for array in arrays)), np.nan)
        for row, array in zip(table, arrays, strict=True):
            row[: array.size] = array
        return table


@dataclass(frozen=True)
class JndEstimate:
    """One JND of one source: its value in QP or QF, subjects behind it, 95 % interval."""

    value: float
    subjects: int
    ci_low: float
    ci_high: float


def check_samples(samples: JndSamples, where: str) -> JndSamples:
    """Return ``samples``; UserError that names source, level and value out of the unit's range."""
    low, high = RANGES[_known_unit(samples.unit)]
    for source, levels in samples.values.items():
        for level, array in enumerate(levels, start=1):
            given = array[~np.isnan(array)]
            wrong = given[(given < low) | (given > high)]
            if wrong.size:
                raise UserError(
                    f"a JND sample of {source}, level {level}, is out of range: {wrong[0]:g}.",
                    where=where,
                    expected=f"{samples.unit} from {low} to {high}",
                )
    return samples


def jnd_value(samples: np.ndarray, statistic: str, unit: Unit) -> float:
    """JND of a source from its samples (NaN left out): ``mean``, ``median`` or ``sur75``.

    ``surNN`` is the quality at which the satisfied user ratio falls to NN %: the quantile of the
    samples that NN % of the subjects reach or exceed towards the coarse side (for QP the
    100 - NN th percentile, for QF the NN th). It is one of the samples, the nearest rank of
    NumPy's ``method="nearest"``: 649 of the 660 values of VideoSet 720p come out, the other 11
    one QP lower. Subjects with a sample at just that quality already see the difference there.
    """
    given = _given(samples)
    if statistic == "mean":
        return float(given.mean())
    if statistic == "median":
        return float(np.median(given))
    return float(np.quantile(given, _quantile(statistic, unit), method="nearest"))


def estimate_jnd(samples: np.ndarray, statistic: str, unit: Unit) -> JndEstimate:
    """JND of a source with its 95 % confidence interval.

    Over subjects: of the mean as of all means (``intervals.mean_interval``), of the median and
    ``surNN`` by order statistics. An end that too few subjects bound is infinite. Raises
    UserError without samples.
    """
    given = _given(samples)
    value = jnd_value(given, statistic, unit)
    if statistic == "mean":
        found = mean_interval(given)
    else:
        found = quantile_interval(given, _quantile(statistic, unit))
    low = -np.inf if np.isnan(found.low) else found.low
    high = np.inf if np.isnan(found.high) else found.high
    return JndEstimate(value, given.size, low, high)


def sur_curve(samples: np.ndarray, unit: Unit, qualities: Sequence[float]) -> np.ndarray:
    """Satisfied user ratio, 0..1, at each quality: the share of subjects who see no difference.

    A subject is satisfied while the quality is finer than his or her sample: QP below it, QF
    above it (empirical, no fit).
    """
    given, wanted = _given(samples), np.asarray(qualities, float)[:, np.newaxis]
    satisfied = wanted < given if _known_unit(unit) == "QP" else wanted > given
    return satisfied.mean(axis=1)


def looks_normal(samples: np.ndarray) -> bool:
    """Whether the Jarque-Bera test keeps normality at the 5 % level (asymptotic p value)."""
    from scipy import stats

    return bool(stats.jarque_bera(_given(samples)).pvalue > NORMALITY_LEVEL)


def is_statistic(name: str) -> bool:
    """Whether :func:`jnd_value` has a statistic of this name."""
    return name in ("mean", "median") or _SHARE.fullmatch(name) is not None


def _given(samples: np.ndarray) -> np.ndarray:
    samples = np.asarray(samples, float)
    given = samples[~np.isnan(samples)]
    if not given.size:
        raise UserError("there is no JND sample to take a statistic of.")
    return given


def _quantile(statistic: str, unit: Unit) -> float:
    share = 50 if statistic == "median" else _share(statistic)
    return share / 100 if _known_unit(unit) == "QF" else 1 - share / 100


def _share(statistic: str) -> int:
    match = _SHARE.fullmatch(statistic)
    if match is None or not 0 < int(match[1]) < 100:
        raise UserError(
            f"there is no JND statistic '{statistic}'.",
            expected="mean, median, or sur and a percentage of two digits, like sur75",
        )
    return int(match[1])


def _known_unit(unit: str) -> str:
    if unit not in get_args(Unit):
        raise UserError(f"there is no unit of JND '{unit}'.", expected=", ".join(get_args(Unit)))
    return unit
