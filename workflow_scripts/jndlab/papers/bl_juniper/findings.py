"""BL-JUNIPER's two findings: smaller below JND3, and better than a plain increase of QP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from jndlab.quality.intervals import (
    NOT_SHOWN,
    Comparison,
    Interval,
    adjusted,
    mean_interval,
)

GROUP = ["configuration", "codec", "method"]
UNITS = {"wpsnr": "dB", "wssim": "SSIM"}
DECIMALS = {"wpsnr": 2, "wssim": 4}
YES, NO, NOTHING = "yes", "no", "no point to compare"
COLUMNS = [
    *GROUP, "content", "question", "judge", "answer", "points_for", "points", "sequences_for",
    "sequences", "mean", "ci_low", "ci_high", "p_holm", "unit", "statement",
]  # fmt: skip
CAPTION = (
    "Two questions. Is the controlled stream smaller than the anchor's at every target QP below "
    "JND3 of its clip (by vmaf_steps, an objective stand-in)? `yes` needs all points; the mean is "
    "the saving there. Does it have more importance-weighted quality than the anchor at a plainly "
    "increased QP of the same rate, by the weighting named? The statement is computed: from the "
    "95 % interval over sequences, the number of trainings, and p adjusted over the table. "
    "Points that the anchor's rates do not reach are left out. The weighting that drives "
    "a method favours it."
)


def findings_table(savings: pd.DataFrame, equal_rate: pd.DataFrame) -> pd.DataFrame:
    """A row per configuration, codec, method and question; columns: ``COLUMNS``.

    ``savings`` is ``tables.savings_table``, ``equal_rate`` ``weighted_quality.equal_rate_table``.
    """
    groups = list(equal_rate.groupby([*GROUP, "quality", "judge"], sort=True))
    compared = adjusted([_against_plain(keys, group) for keys, group in groups])
    rows = [
        *(_smaller(keys, group) for keys, group in savings.groupby(GROUP, sort=True)),
        *(_better(keys, group, one) for (keys, group), one in zip(groups, compared, strict=True)),
    ]
    numbers = dict.fromkeys(["mean", "ci_low", "ci_high", "p_holm"], float)
    table = pd.DataFrame(rows, columns=COLUMNS).astype(numbers)
    return table.sort_values(GROUP, kind="stable", ignore_index=True)


def _smaller(keys: tuple[Any, ...], group: pd.DataFrame) -> list[Any]:
    below = group[group["below_jnd3"]]
    of_sequence = below.groupby("sequence")["smaller"].all()
    answer = NOTHING if below.empty else YES if below["smaller"].all() else NO
    saving = mean_interval(below["saving_pct"], below["sequence"], below.get("seed"))
    return [
        *keys, _content(group), "smaller at every target QP below JND3", "", answer,
        int(below["smaller"].sum()), len(below), int(of_sequence.sum()), len(of_sequence),
        saving.value, saving.low, saving.high, None, "% saved", "",
    ]  # fmt: skip


def _against_plain(keys: Sequence[Any], group: pd.DataFrame) -> Comparison:
    """A method against the plain increase of QP; without seeds its networks were trained once."""
    known = group[group["status"] == "ok"]
    seeds = known["seed"] if "seed" in known else [0] * len(known)
    gain: Interval = mean_interval(known["gain"], known["sequence"], seeds)
    *_, method, quality, weighting = keys
    return Comparison(
        method, "a plain QP increase", f"{quality} by {weighting}", gain, False, UNITS[quality]
    )


def _better(keys: Sequence[Any], group: pd.DataFrame, compared: Comparison) -> list[Any]:
    *place, quality, weighting = keys
    known = group[group["status"] == "ok"]
    of_sequence = known.groupby("sequence")["gain"].mean()
    gain = compared.difference
    answer = {None: NOT_SHOWN, compared.first: YES}.get(compared.better, NO)
    return [
        *place, _content(group), f"more {quality} than a plain QP increase", weighting,
        NOTHING if known.empty else answer,
        int((known["gain"] > 0).sum()), len(known), int((of_sequence > 0).sum()), gain.sources,
        gain.value, gain.low, gain.high, compared.p_holm, UNITS[quality],
        "" if known.empty else compared.sentence(DECIMALS[quality]),
    ]  # fmt: skip


def _content(group: pd.DataFrame) -> str:
    return ", ".join(sorted(set(group["content"])))
