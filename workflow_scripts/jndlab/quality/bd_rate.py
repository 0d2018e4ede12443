"""Bjontegaard delta rate with a status: how much rate a method saves at equal quality."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from jndlab.errors import UserError

Method = Literal["pchip", "cubic", "akima"]
Status = Literal[
    "ok", "low_overlap", "no_overlap", "non_monotonic", "saturated", "too_steep", "fit_turns",
    "too_few_points",
]  # fmt: skip

MIN_POINTS = 4
MIN_OVERLAP = 0.75  # below this the `bjontegaard` package warns
# Between two points the logarithm of the rate rises this often as fast with quality as on the whole
# curve: quality is saturated, and the rate that belongs to it is noise.
MAX_STEEPNESS = 50
# A curve whose quality rises by less than this part of it is saturated over its whole length: VMAF
# of 99.99 by 0.1. Of qualities up to 1 (SSIM) a smaller part still means something.
LEAST_RISE, LEAST_RISE_BELOW_1 = 1e-3, 1e-5
FIT_STEPS = 1000  # of the shared range of quality, at which a fitted curve is looked at


@dataclass(frozen=True)
class Curve:
    """Rate-distortion points of one method: ``rate`` (above 0, e.g. kbit/s), ``quality``."""

    rate: Sequence[float]
    quality: Sequence[float]


@dataclass(frozen=True)
class BdRate:
    """Rate change of a test curve against an anchor, in percent (negative: a saving).

    ``percent`` is a number for status ``ok`` and ``low_overlap``, None for all others.
    ``overlap`` is the length of the shared quality range over that of the union of both (0 to
    1), the measure that the `bjontegaard` package warns by. ``points`` is the number of usable
    points of the shorter curve.
    """

    percent: float | None
    status: Status
    overlap: float
    method: str
    points: int


@dataclass(frozen=True)
class MeanBdRate:
    """Mean of per-sequence BD-rates: ``percent`` over ``used`` values; ``left_out`` had none.

    ``low_overlap`` says how many of the used values rest on curves that share little quality.
    """

    percent: float | None
    used: int
    left_out: int
    low_overlap: int


def bd_rate(anchor: Curve, test: Curve, method: str = "pchip") -> BdRate:
    """BD-rate of ``test`` against ``anchor`` by the `bjontegaard` package.

    The points may come in any order. Status, checked in this order:

    * ``too_few_points``: fewer than four points of a curve are finite with a rate above 0;
    * ``non_monotonic``: quality does not rise strictly with rate on a curve (a tie, a plateau
      such as VMAF 100 twice, or a turn), so that no rate belongs to a quality;
    * ``saturated``: the quality of a curve hardly rises at all (``LEAST_RISE``), as where VMAF goes
      from 99.995 to 99.999;
    * ``no_overlap``: the curves share no range of quality;
    * ``too_steep``: a curve is saturated in the shared range (``MAX_STEEPNESS``), as where VMAF
      goes from 99.98 to 99.99 at twice the rate;
    * ``fit_turns``: a fitted curve (cubic, akima) does not rise all the way between its points in
      the shared range, so that it says nothing about the rate there; pchip's always rises;
    * ``low_overlap``: they share less than 75 % of the union of their ranges;
    * ``ok``.

    Raises UserError for an unknown ``method`` (pchip, cubic or akima) and for a curve whose
    rates and qualities differ in number.
    """
    if method not in get_args(Method):
        raise UserError(
            f"BD-rate method '{method}' is unknown.", expected=", ".join(get_args(Method))
        )
    curves = [_points(curve) for curve in (anchor, test)]
    points = min(len(curve) for curve in curves)
    if points < MIN_POINTS:
        return BdRate(None, "too_few_points", _overlap(*curves) if points else 0.0, method, points)
    overlap = _overlap(*curves)
    if not all(_rises(curve) for curve in curves):
        return BdRate(None, "non_monotonic", overlap, method, points)
    if any(_is_flat(curve) for curve in curves):
        return BdRate(None, "saturated", overlap, method, points)
    if overlap == 0:
        return BdRate(None, "no_overlap", 0.0, method, points)
    shared = max(curve[0][1] for curve in curves), min(curve[-1][1] for curve in curves)
    if any(_steepness(curve, *shared) > MAX_STEEPNESS for curve in curves):
        return BdRate(None, "too_steep", overlap, method, points)
    if method != "pchip" and not all(_fit_rises(curve, method, *shared) for curve in curves):
        return BdRate(None, "fit_turns", overlap, method, points)
    status: Status = "ok" if overlap >= MIN_OVERLAP else "low_overlap"
    return BdRate(percent_as_fitted(anchor, test, method), status, overlap, method, points)


def percent_as_fitted(anchor: Curve, test: Curve, method: str) -> float:
    """The number of the `bjontegaard` package, whatever the fitted curves do between the points.

    For what others computed so: :func:`bd_rate` says whether it means anything.
    """
    import bjontegaard  # brings matplotlib and scipy: too slow for the top of the file

    (rate_a, quality_a), (rate_t, quality_t) = (
        zip(*_points(curve), strict=True) for curve in (anchor, test)
    )
    percent = bjontegaard.bd_rate(
        list(rate_a),
        list(quality_a),
        list(rate_t),
        list(quality_t),
        method=method,
        require_matching_points=False,
        min_overlap=0,  # no warning: the status has it
    )
    return float(percent)


def mean_bd_rate(rates: Sequence[BdRate]) -> MeanBdRate:
    """Mean over the sequences that have a BD-rate, with the number of those that have none."""
    values = [rate.percent for rate in rates if rate.percent is not None]
    return MeanBdRate(
        math.fsum(values) / len(values) if values else None,
        used=len(values),
        left_out=len(rates) - len(values),
        low_overlap=sum(rate.status == "low_overlap" for rate in rates),
    )


def _points(curve: Curve) -> list[tuple[float, float]]:
    """Usable (rate, quality) points in the order of their rates."""
    if len(curve.rate) != len(curve.quality):
        raise UserError(
            "a rate-distortion curve has not one quality for each rate.",
            expected=f"equal counts, found {len(curve.rate)} rates, {len(curve.quality)} qualities",
        )
    pairs = zip(curve.rate, curve.quality, strict=True)
    return sorted((r, q) for r, q in pairs if math.isfinite(r) and math.isfinite(q) and r > 0)


def _rises(points: Sequence[tuple[float, float]]) -> bool:
    return all(r0 < r1 and q0 < q1 for (r0, q0), (r1, q1) in itertools.pairwise(points))


def _is_flat(points: Sequence[tuple[float, float]]) -> bool:
    low, high = points[0][1], points[-1][1]
    largest = max(abs(low), abs(high))
    return high - low < largest * (LEAST_RISE if largest > 1 else LEAST_RISE_BELOW_1)


def _steepness(points: Sequence[tuple[float, float]], low: float, high: float) -> float:
    """Steepest rise of log-rate over quality within a range of quality, over that of the whole."""
    (first_rate, first), (last_rate, last) = points[0], points[-1]
    mean = math.log(last_rate / first_rate) / (last - first)
    return max(
        math.log(r1 / r0) / (q1 - q0) / mean
        for (r0, q0), (r1, q1) in itertools.pairwise(points)
        if q0 < high and q1 > low
    )


def _fit_rises(points: Sequence[tuple[float, float]], method: str, low: float, high: float) -> bool:
    import numpy as np
    from bjontegaard.interpolation import interpolate

    rates, qualities = map(np.array, zip(*points, strict=True))
    fitted = interpolate(qualities, np.log10(rates), method)
    return bool((np.diff(fitted(np.linspace(low, high, FIT_STEPS + 1))) > 0).all())


def _overlap(anchor: Sequence[tuple[float, float]], test: Sequence[tuple[float, float]]) -> float:
    a, t = [q for _, q in anchor], [q for _, q in test]
    union = max(*a, *t) - min(*a, *t)
    return max(min(max(a), max(t)) - max(min(a), min(t)), 0.0) / union if union > 0 else 0.0
