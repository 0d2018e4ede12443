"""Delta MOS: what viewers lose against the anchor at the same target QP, paired by rater.

How many raters would show a loss follows from how much theirs spread (``raters_needed``).

The "DMOS" of BL-JUNIPER's abstract is "compared to the baseline encoding", so it is
MOS(anchor) - MOS(method), and not the loss against the source that P.910 calls DMOS.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jndlab.quality.intervals import Comparison, mean_interval, sources_needed, standings
from jndlab.subjective.ratings import Ratings

PLACE = ["configuration", "codec", "method"]
COLUMNS = ["delta_mos", "delta_mos_low", "delta_mos_high"]
SHOWN = 0.25  # grades; a loss that a test should be able to show


def delta_mos_table(ratings: Ratings, anchor_method: str) -> pd.DataFrame:
    """A row per configuration, codec and method: ``PLACE`` and ``COLUMNS``, in grades.

    The mean over raters of each one's mean of score(anchor) - score(method), over the sequences
    and QPs at which he rated both; 95 % by Student's t over raters. Above 0: the method is worse.
    """
    rows = []
    for place, found in _losses(ratings, anchor_method).items():
        interval = mean_interval(_of_raters([loss for _, loss in found]), ratings.subjects)
        rows.append([*place, interval.value, interval.low, interval.high])
    return pd.DataFrame(rows, columns=[*PLACE, *COLUMNS])


def paired_table(ratings: Ratings, anchor_method: str) -> pd.DataFrame:
    """Tests of each method against the anchor, paired by rater: a row per QP and one over all.

    Columns: ``PLACE``, ``qp`` (empty over all), ``pairs`` (sequences and QPs), ``raters``,
    ``COLUMNS``, ``p_holm`` and ``better`` (``quality.intervals``, raters in place of sources),
    ``deviation`` of the raters' own losses, and ``raters_needed`` to show a loss of ``SHOWN``.
    """
    rows, compared = [], []
    for place, found in _losses(ratings, anchor_method).items():
        qps = sorted({qp for qp, _ in found if qp is not None})
        for qp in (None, *qps):
            of_qp = [loss for its, loss in found if qp in (None, its)]
            of_rater = _of_raters(of_qp)
            interval = mean_interval(of_rater, ratings.subjects)
            compared.append(Comparison(anchor_method, place[-1], "score", interval, False))
            deviation = float(np.nanstd(of_rater, ddof=1)) if interval.sources > 1 else np.nan
            rows.append(
                {
                    **dict(zip(PLACE, place, strict=True)),
                    "qp": qp,
                    "pairs": len(of_qp),
                    "raters": interval.sources,
                    **interval.columns("delta_mos", "delta_mos_"),
                    "deviation": deviation,
                    "raters_needed": sources_needed(deviation, SHOWN),
                }
            )
    for row, shown in zip(rows, standings(compared), strict=True):
        row |= {name: shown[name] for name in ("p_holm", "better")}
    columns = [*PLACE, "qp", "pairs", "raters", *COLUMNS, "p_holm", "better", "deviation",
               "raters_needed"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"qp": "Int64", "raters_needed": "Int64"})


def _losses(
    ratings: Ratings, anchor_method: str
) -> dict[tuple[str, str, str], list[tuple[int | None, np.ndarray]]]:
    """Score(anchor) - score(method) of all raters by ``PLACE``: QP and array, per sequence."""
    coded = [(s, row) for s, row in zip(ratings.stimuli, ratings.scores, strict=True) if s.method]
    anchor = {
        (s.sequence, s.configuration, s.codec, s.qp): row
        for s, row in coded
        if s.method == anchor_method
    }
    losses: dict[tuple[str, str, str], list[tuple[int | None, np.ndarray]]] = {}
    for stimulus, row in coded:
        place = stimulus.sequence, stimulus.configuration, stimulus.codec, stimulus.qp
        if stimulus.method != anchor_method and place in anchor:
            keys = (stimulus.configuration, stimulus.codec, stimulus.method)
            losses.setdefault(keys, []).append((stimulus.qp, anchor[place] - row))
    return losses


def _of_raters(losses: list[np.ndarray]) -> np.ndarray:
    """Each rater's mean over the pairs that he rated both; NaN where there is none."""
    table = np.array(losses)
    known = ~np.isnan(table)
    counts = known.sum(axis=0)
    sums = np.where(known, table, 0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def with_delta_mos(headline: pd.DataFrame, ratings: Ratings, anchor_method: str) -> pd.DataFrame:
    """``rating_tables.headline_table`` with ``COLUMNS``; of the model ``mos``, which is plain."""
    merged = headline.merge(delta_mos_table(ratings, anchor_method), on=PLACE, how="left")
    merged.loc[merged["model"] != "mos", COLUMNS] = np.nan
    return merged
