"""BL-JUNIPER's two findings: smaller below JND3, and better than a plain increase of QP."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

GROUP = ["configuration", "codec", "method"]
UNITS = {"wpsnr": "dB", "wssim": "SSIM"}
YES, NO, UNCLEAR, NOTHING = "yes", "no", "not clearly", "no point to judge by"
COLUMNS = [
    *GROUP, "content", "question", "judge", "answer", "points_for", "points", "sequences_for",
    "sequences", "mean", "ci_low", "ci_high", "unit",
]  # fmt: skip
CAPTION = (
    "Two questions. Is the controlled stream smaller than the anchor's at every target QP below "
    "JND3 of its clip (by vmaf_steps, an objective stand-in)? `yes` needs all points; the mean is "
    "the saving there. Does it have more importance-weighted quality than the anchor at a plainly "
    "increased QP of the same rate, by the weighting named? `yes`: the 95 % interval (t, "
    "over the means of the sequences) lies above 0; `no`: the mean gain is not above 0; else `not "
    "clearly`. Points that the anchor's rates do not reach are left out. The weighting that drives "
    "a method favours it."
)


def findings_table(savings: pd.DataFrame, equal_rate: pd.DataFrame) -> pd.DataFrame:
    """A row per configuration, codec, method and question; columns: ``COLUMNS``.

    ``savings`` is ``tables.savings_table``, ``equal_rate`` ``weighted_quality.equal_rate_table``.
    """
    rows = [
        *(_smaller(keys, group) for keys, group in savings.groupby(GROUP, sort=True)),
        *(
            _better(keys, group)
            for keys, group in equal_rate.groupby([*GROUP, "quality", "judge"], sort=True)
        ),
    ]
    numbers = dict.fromkeys(["mean", "ci_low", "ci_high"], float)
    table = pd.DataFrame(rows, columns=COLUMNS).astype(numbers)
    return table.sort_values(GROUP, kind="stable", ignore_index=True)


def _smaller(keys: tuple[Any, ...], group: pd.DataFrame) -> list[Any]:
    below = group[group["below_jnd3"]]
    of_sequence = below.groupby("sequence")["smaller"].all()
    answer = NOTHING if below.empty else YES if below["smaller"].all() else NO
    return [
        *keys, _content(group), "smaller at every target QP below JND3", "", answer,
        int(below["smaller"].sum()), len(below), int(of_sequence.sum()), len(of_sequence),
        below["saving_pct"].mean(), None, None, "% saved",
    ]  # fmt: skip


def _better(keys: tuple[Any, ...], group: pd.DataFrame) -> list[Any]:
    *place, quality, weighting = keys
    known = group[group["status"] == "ok"]
    of_sequence = known.groupby("sequence")["gain"].mean()
    mean = of_sequence.mean()
    low, high = _interval(of_sequence.to_numpy())
    answer = NOTHING if known.empty else NO if mean <= 0 else YES if low > 0 else UNCLEAR
    return [
        *place, _content(group), f"more {quality} than a plain QP increase", weighting, answer,
        int((known["gain"] > 0).sum()), len(known), int((of_sequence > 0).sum()),
        len(of_sequence), mean, low, high, UNITS[quality],
    ]  # fmt: skip


def _interval(values: np.ndarray) -> tuple[float, float]:
    """95 % t-interval of a mean; NaN for fewer than two values."""
    from scipy.special import stdtrit  # the quantiles of t, without scipy.stats' second

    if len(values) < 2:
        return float("nan"), float("nan")
    half = stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean() - half), float(values.mean() + half)


def _content(group: pd.DataFrame) -> str:
    return ", ".join(sorted(set(group["content"])))
