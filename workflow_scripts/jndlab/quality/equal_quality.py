"""What a method saves at a given quality: rates of two curves at the same VMAF or PSNR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from jndlab.quality.bd_rate import MIN_POINTS, Curve, bd_rate
from jndlab.quality.points import over_seeds

Status = Literal["ok", "out_of_range", "non_monotonic", "too_few_points"]

# Where VVC is used at QP 22-37; a level outside a pair of curves is reported, never extrapolated.
LEVELS: dict[str, tuple[float, ...]] = {
    "vmaf_mean": (75, 80, 85, 90, 95),
    "psnr_y_framemean": (32, 34, 36, 38, 40),
}
COLUMNS = [
    "scope",
    "sequence",
    "content",
    "configuration",
    "codec",
    "metric",
    "method",
    "quality",
    "anchor_kbps",
    "method_kbps",
    "saving_pct",
    "status",
    "reason",
    "sequences",
    "left_out",
]


@dataclass(frozen=True)
class Saving:
    """Saving at one quality: 100 (1 - test rate / anchor rate), in percent, and both rates.

    The three numbers are None unless ``status`` is ``ok``; ``reason`` says why in words.
    """

    percent: float | None
    anchor_rate: float | None
    test_rate: float | None
    status: Status
    reason: str = ""


def savings_at(anchor: Curve, test: Curve, levels: Sequence[float]) -> list[Saving]:
    """Saving of ``test`` against ``anchor`` at each quality of ``levels``.

    The logarithm of the rate is interpolated over quality by pchip, as BD-rate does it, and the
    curves must be fit for a BD-rate: ``too_few_points`` and ``non_monotonic`` as in
    :func:`jndlab.quality.bd_rate.bd_rate`. A level that one of the curves does not reach is
    ``out_of_range``: nothing is extrapolated.
    """
    fitness = bd_rate(anchor, test)
    if fitness.status == "too_few_points":
        reason = f"anchor {len(anchor.rate)}, method {len(test.rate)} points, {MIN_POINTS} needed"
        return [Saving(None, None, None, "too_few_points", reason)] * len(levels)
    if fitness.status == "non_monotonic":
        reason = "quality does not rise strictly with rate"
        return [Saving(None, None, None, "non_monotonic", reason)] * len(levels)
    return [_saving_at(anchor, test, level) for level in levels]


def equal_quality_table(
    points: pd.DataFrame,
    anchor_method: str = "anchor",
    levels: Mapping[str, Sequence[float]] = LEVELS,
) -> pd.DataFrame:
    """Saving of every method at equal quality: per sequence and level, then means.

    ``points`` is the frame of ``quality.points.read_points``; ``levels`` gives the qualities of
    each metric column. Rows of ``scope`` ``sequence`` carry rates in kbit/s, status and reason.
    Rows of ``scope`` ``mean`` average the sequences that have a value at that level, ``sequences``
    in number, with ``left_out`` without one; in the row without a ``quality`` each sequence
    counts once, by the mean over the levels that it has. Positive savings save bits, unlike
    BD-rates. Columns: ``COLUMNS``. Curves of several training seeds are those of their means.
    """
    points = over_seeds(points)
    rows: list[dict[str, Any]] = []
    for (configuration, codec), group in points.groupby(["configuration", "codec"], sort=True):
        for metric, wanted in levels.items():
            for method in sorted(set(group["method"]) - {anchor_method}):
                shared = {
                    "configuration": configuration,
                    "codec": codec,
                    "metric": metric,
                    "method": method,
                }
                rows += _rows(group, anchor_method, wanted, shared)
    table = pd.DataFrame(rows, columns=COLUMNS)
    for name in ("sequences", "left_out"):
        table[name] = table[name].astype("Int64")
    for name in ("quality", "anchor_kbps", "method_kbps", "saving_pct"):
        table[name] = table[name].astype(float)
    return table


def _saving_at(anchor: Curve, test: Curve, quality: float) -> Saving:
    ranges = [(min(curve.quality), max(curve.quality)) for curve in (anchor, test)]
    if not all(low <= quality <= high for low, high in ranges):
        (a_low, a_high), (t_low, t_high) = ranges
        reason = f"anchor {a_low:.2f} to {a_high:.2f}, method {t_low:.2f} to {t_high:.2f}"
        return Saving(None, None, None, "out_of_range", reason)
    anchor_rate, test_rate = (_rate_at(curve, quality) for curve in (anchor, test))
    return Saving(100 * (1 - test_rate / anchor_rate), anchor_rate, test_rate, "ok")


def _rate_at(curve: Curve, quality: float) -> float:
    from scipy.interpolate import PchipInterpolator  # a second to import: only where it is used

    qualities, rates = zip(*sorted(zip(curve.quality, curve.rate, strict=True)), strict=True)
    return float(np.exp(PchipInterpolator(qualities, np.log(rates))(quality)))


def _rows(
    group: pd.DataFrame, anchor_method: str, levels: Sequence[float], shared: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of one method under one metric: its sequences, then the means."""
    tested = group[group["method"] == shared["method"]]
    rows = []
    for sequence in sorted(set(tested["sequence"])):
        of_sequence = group[group["sequence"] == sequence]
        anchor, test = (
            _curve(of_sequence[of_sequence["method"] == method], shared["metric"])
            for method in (anchor_method, shared["method"])
        )
        for level, saving in zip(levels, savings_at(anchor, test, levels), strict=True):
            rows.append(
                {
                    **shared,
                    "scope": "sequence",
                    "sequence": sequence,
                    "content": of_sequence["content"].iloc[0],
                    "quality": level,
                    "anchor_kbps": saving.anchor_rate,
                    "method_kbps": saving.test_rate,
                    "saving_pct": saving.percent,
                    "status": saving.status,
                    "reason": saving.reason,
                }
            )
    values = pd.DataFrame(rows).pivot(index="sequence", columns="quality", values="saving_pct")
    values = values.astype(float)
    means = [(level, values[level]) for level in levels] + [(None, values.mean(axis=1))]
    content = ", ".join(sorted(set(tested["content"])))
    return rows + [
        {
            **shared,
            "scope": "mean",
            "sequence": "",
            "content": content,
            "quality": level,
            "saving_pct": column.mean(),
            "status": "",
            "reason": "",
            "sequences": column.count(),
            "left_out": column.isna().sum(),
        }
        for level, column in means
    ]


def _curve(points: pd.DataFrame, metric: str) -> Curve:
    points = points.dropna(subset=[metric])
    return Curve(points["bitrate_kbps"].tolist(), points[metric].tolist())
