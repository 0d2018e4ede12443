"""The inferred step from PQD to block labels, held against the authors' own labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from jndlab.quality.intervals import mean_interval

AUTHORS = "authors"
CAPTION = (
    "Block labels of MCL-JCV mapped from the video JND (the lowest label of each clip) by the "
    "inferred step, by the PQD that blocks are compared with, next to the authors' own. at_lowest "
    "and at_highest: blocks at the ends of their clip's window of labels; equal: blocks with the "
    "authors' label, with its 95 % interval over clips; mean_difference: QP, absolute; correlation "
    "of the offsets from the video's JND; chance_equal: what independent labels of the same "
    "frequencies would have."
)


def agreement_table(
    ours: Mapping[str, np.ndarray], theirs: np.ndarray, clips: Sequence[str]
) -> pd.DataFrame:
    """A row per reference (that of the authors last) and level.

    ``theirs`` and each of ``ours`` (by reference) are clips x blocks x 3, QP.
    """
    jnd = theirs.min(axis=1, keepdims=True)
    expected = (theirs - jnd).astype(int)
    highest = expected.max()
    rows = []
    for reference, labels in {**ours, AUTHORS: theirs}.items():
        offsets = np.rint(labels - jnd).astype(int)
        for level in range(offsets.shape[2]):
            found, wanted = offsets[..., level], expected[..., level]
            equal = mean_interval((found == wanted).mean(axis=1) * 100.0, clips)
            rows.append(
                {
                    "reference": reference,
                    "level": level + 1,
                    "at_lowest_pct": 100 * (found == 0).mean(),
                    "at_highest_pct": 100 * (found == highest).mean(),
                    **equal.columns("equal_pct", "equal_"),
                    "chance_equal_pct": 100 * _by_chance(found, wanted),
                    "mean_difference_qp": np.abs(found - wanted).mean(),
                    "correlation": _correlation(found, wanted),
                    "clips": equal.sources,
                }
            )
    return pd.DataFrame(rows)


def _by_chance(found: np.ndarray, wanted: np.ndarray) -> float:
    most = max(found.max(), wanted.max()) + 1
    shares = [
        np.bincount(values.ravel(), minlength=most) / values.size for values in (found, wanted)
    ]
    return float(shares[0] @ shares[1])


def _correlation(found: np.ndarray, wanted: np.ndarray) -> float:
    if np.ptp(found) == 0 or np.ptp(wanted) == 0:
        return np.nan
    return float(np.corrcoef(found.ravel(), wanted.ravel())[0, 1])
