"""Savings under ratings compared with the two numbers that the BL-JUNIPER abstract prints."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from jndlab.files import read_csv
from jndlab.paths import PUBLISHED
from jndlab.report.compare import compare_with_published

HEADLINE = PUBLISHED / "bl_juniper" / "headline.csv"
METHOD = "bl_juniper"
KEYS = ["configuration", "codec", "method"]
QUANTITIES = ["mean_saving_pct", "bd_rate_gain_pct"]
TOLERANCE: dict[str, float | str] = {"mean_saving_pct": 3.0, "bd_rate_gain_pct": 3.0}
NOT_THE_SAME = "the paper names neither encoder nor sequences, QPs or raters of these means"


def headline_comparison(headline: pd.DataFrame, published: Path = HEADLINE) -> pd.DataFrame:
    """Our plain means (model ``mos``) next to the printed ones, a row per quantity.

    ``headline`` is ``quality.rating_tables.headline_table``. The printed means belong to the
    method ``bl_juniper`` of every configuration and codec, since the abstract names none.
    """
    ours = headline[headline["model"] == "mos"]
    claims = {row["claim"]: row["printed"] for row in read_csv(published)}
    places = ours.loc[ours["method"] == METHOD, KEYS].to_dict("records")
    printed = [
        {**place, **{name: claims[name] for name in QUANTITIES}}
        for place in places or [{"configuration": "", "codec": "", "method": METHOD}]
    ]
    return compare_with_published(ours, printed, KEYS, QUANTITIES, TOLERANCE, NOT_THE_SAME)
