"""Delta MOS: what viewers lose against the anchor at the same target QP, paired by rater.

The "DMOS" of BL-JUNIPER's abstract is "compared to the baseline encoding", so it is
MOS(anchor) - MOS(method), and not the loss against the source that P.910 calls DMOS.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jndlab.quality.intervals import mean_interval
from jndlab.subjective.ratings import Ratings

PLACE = ["configuration", "codec", "method"]
COLUMNS = ["delta_mos", "delta_mos_low", "delta_mos_high"]


def delta_mos_table(ratings: Ratings, anchor_method: str) -> pd.DataFrame:
    """A row per configuration, codec and method: ``PLACE`` and ``COLUMNS``, in grades.

    The mean over raters of each one's mean of score(anchor) - score(method), over the sequences
    and QPs at which he rated both; 95 % by Student's t over raters. Above 0: the method is worse.
    """
    coded = [(s, row) for s, row in zip(ratings.stimuli, ratings.scores, strict=True) if s.method]
    anchor = {
        (s.sequence, s.configuration, s.codec, s.qp): row
        for s, row in coded
        if s.method == anchor_method
    }
    losses: dict[tuple[str | None, ...], list[np.ndarray]] = {}
    for stimulus, row in coded:
        place = stimulus.sequence, stimulus.configuration, stimulus.codec, stimulus.qp
        if stimulus.method != anchor_method and place in anchor:
            keys = (stimulus.configuration, stimulus.codec, stimulus.method)
            losses.setdefault(keys, []).append(anchor[place] - row)
    rows = []
    for group, found in losses.items():
        of_rater = np.nanmean(np.array(found), axis=0)
        interval = mean_interval(of_rater, ratings.subjects)
        rows.append([*group, interval.value, interval.low, interval.high])
    return pd.DataFrame(rows, columns=[*PLACE, *COLUMNS])


def with_delta_mos(headline: pd.DataFrame, ratings: Ratings, anchor_method: str) -> pd.DataFrame:
    """``rating_tables.headline_table`` with ``COLUMNS``; of the model ``mos``, which is plain."""
    merged = headline.merge(delta_mos_table(ratings, anchor_method), on=PLACE, how="left")
    merged.loc[merged["model"] != "mos", COLUMNS] = np.nan
    return merged
