"""Savings under ratings next to what the BL-JUNIPER abstract prints: two numbers, one in words."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from jndlab.files import read_csv
from jndlab.paths import PUBLISHED
from jndlab.report.compare import FOUND, compare_with_published
from jndlab.report.conditions import printed_conditions

HEADLINE = PUBLISHED / "bl_juniper" / "headline.csv"
METHOD = "bl_juniper"
KEYS = ["configuration", "codec", "method"]
QUANTITIES = ["mean_saving_pct", "bd_rate_gain_pct", "delta_mos"]  # the last "close to 0"


def headline_comparison(headline: pd.DataFrame, published: Path = HEADLINE) -> pd.DataFrame:
    """Our plain means (model ``mos``) next to the printed ones, a row per quantity.

    ``headline`` is ``delta_mos.with_delta_mos``. The printed means belong to the
    method ``bl_juniper`` of every configuration and codec, since the abstract names none.
    """
    ours = headline[headline["model"] == "mos"]
    claims = {row["claim"]: row["printed"] for row in read_csv(published)}
    places = ours.loc[ours["method"] == METHOD, KEYS].to_dict("records")
    printed = [
        {**place, **{name: claims[name] for name in QUANTITIES}}
        for place in places or [{"configuration": "", "codec": "", "method": METHOD}]
    ]
    required = printed_conditions("bl_juniper")  # a protocol not known: no tolerance, no verdict
    ours = ours.assign(**{FOUND: [()] * len(ours)})
    return compare_with_published(ours, printed, KEYS, QUANTITIES, {}, required)
