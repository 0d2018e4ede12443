"""Saving over what falls short of the label, as a safety margin is added to every choice.

The paper's figure of results has three panels, saving over dQF, dPSNR and dMS-SSIM, with a curve a
method. Its dQF, 0.1 to 2.2 for VP-JND, is not the 3.92 of the text. Here, as an assumption that
agrees with both, it is the one-sided shortfall, the mean of max(0, label - chosen) over pictures,
along a margin of 0 to 10 qualities by which every choice is made finer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from jndlab.files import read_csv
from jndlab.papers.vp_jnd.tables import HeldOut, decision_rows
from jndlab.paths import PUBLISHED

MARGINS = range(11)
PRINTED = PUBLISHED / "vp_jnd" / "results_plot.csv"
SHORTFALLS = {"shortfall_dqf": None, "shortfall_psnr": "psnr", "shortfall_ms_ssim": "ms_ssim"}


def margin_table(tested: Sequence[HeldOut]) -> pd.DataFrame:
    """A row for each data set, choice and margin: saving and shortfalls, means over sources.

    A shortfall is the mean of max(0, at the label - at the chosen quality), in steps of quality
    (dqf), dB (psnr) and MS-SSIM. Chosen qualities end at the codec's best.
    """
    tables = []
    for one in tested:
        rows = decision_rows(one)
        every = pd.concat([_with_margin(one, rows, margin) for margin in MARGINS])
        means = every.groupby(["data", "method", "margin", "source"], sort=False).mean(
            numeric_only=True
        )
        tables.append(means.groupby(["data", "method", "margin"], sort=False).mean().reset_index())
    columns = ["data", "method", "margin", "saving_pct", *SHORTFALLS]
    return pd.concat(tables, ignore_index=True)[columns]


def printed_ranges(path: Path = PRINTED) -> str:
    """What was read off the paper's figure, in words."""
    rows = [f"{row['method']}: {row['quantity']} {row['from']} to {row['to']}"
            for row in read_csv(path)]  # fmt: skip
    return f"Read off the paper's figure: {'; '.join(rows)}."


def _with_margin(tested: HeldOut, rows: pd.DataFrame, margin: int) -> pd.DataFrame:
    found = []
    for row in rows.itertuples():
        of = tested.measures[row.picture]
        label = of.qualities.index(row.label)
        place = min(of.qualities.index(row.quality) + margin, len(of.qualities) - 1)
        falls = {
            name: label - place if metric is None
            else of.scores[metric][label] - of.scores[metric][place]
            for name, metric in SHORTFALLS.items()
        }  # fmt: skip
        found.append(
            {
                "data": row.data,
                "method": row.method,
                "source": row.source,
                "margin": margin,
                "saving_pct": tested.saving_pct(row.picture, of.qualities[place]),
                **{name: max(0.0, value) for name, value in falls.items()},
            }
        )
    return pd.DataFrame(found)
