"""Statistics of labels without their pictures: levels, spread, error of a constant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.datasets.jnd_labels import JndLabels, labels_from_samples
from jndlab.datasets.splits import VP_JND_TRAINING, vp_jnd_split
from jndlab.papers.vp_jnd.labels import read_mcl_jci_samples, spread
from jndlab.quality.jnd_statistics import JndSamples

STATISTICS = ("mean", "median", "sur75")
WITHOUT_PICTURES = "bytes, saving, pixel-wise JND and every classifier need the pictures"
AUTHORS = "authors' 30 / 20"
LEAVE_ONE_OUT = "each against all others"


def label_table(
    labels: Mapping[str, JndLabels], sample_folders: Mapping[str, str | Path]
) -> pd.DataFrame:
    """A row for the labels of each data set, and of each folder of MCL-JCI samples and statistic.

    ``constant_dqf`` is the mean |dQF| of one constant for all pictures (the median of the labels
    it is learned from): for the authors' training pictures of MCL-JCI where all 50 are there, else
    leaving out one picture after the other. ``interval`` is the mean half width of the labels' 95 %
    intervals, ``one_subject_dqf`` the mean distance of a single subject's JND from the label.
    """
    rows = [
        {"labels_of": name, **_metadata(of), "pictures": "yes", "cannot_be_known": ""}
        for name, of in labels.items()
    ]
    for name, folder in sample_folders.items():
        samples, form = read_mcl_jci_samples(folder)
        first = JndSamples(samples.unit, {s: v[:1] for s, v in samples.values.items()})
        for statistic in STATISTICS:
            of = labels_from_samples(first, statistic, str(folder))
            rows.append(
                {
                    "labels_of": f"{name} ({form})",
                    **_metadata(of),
                    "one_subject_dqf": _subject_distance(first, of),
                    "pictures": "no",
                    "cannot_be_known": WITHOUT_PICTURES,
                }
            )
    names = ["labels_of", "kind", "statistic", "unit", "sources", "subjects", "mean", "median",
             "deviation", "smallest", "largest", "interval", "one_subject_dqf", "constant_dqf",
             "constant_learned_from", "pictures", "cannot_be_known"]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=names)


def constant_error(values: Mapping[str, float]) -> tuple[float, str]:
    """Mean |dQF| of a constant and the pictures it is learned from; see :func:`label_table`."""
    split = vp_jnd_split()
    learned = [values[source] for source in split.subsets["train"] if source in values]
    others = [values[s] for part in ("val", "test") for s in split.subsets[part] if s in values]
    if len(values) == 50 and len(learned) == len(VP_JND_TRAINING):
        return float(np.abs(np.array(others) - np.median(learned)).mean()), AUTHORS
    array = np.array(list(values.values()))
    rest = [np.median(np.delete(array, place)) for place in range(array.size)]
    return float(np.abs(array - np.array(rest)).mean()), LEAVE_ONE_OUT


def _metadata(labels: JndLabels) -> dict[str, Any]:
    first = [row for row in labels.rows if row.level == 1]
    values = {row.source: row.value for row in first}
    error, learned = constant_error(values)
    widths = [
        (row.ci_high - row.ci_low) / 2
        for row in first
        if row.ci_low is not None and row.ci_high is not None
    ]
    subjects: Sequence[int] = [row.subjects for row in first if row.subjects is not None]
    return {
        "kind": labels.kind,
        "statistic": labels.statistic,
        "unit": labels.unit,
        "sources": len(values),
        "subjects": float(np.mean(subjects)) if subjects else None,
        **spread(list(values.values())),
        "interval": float(np.mean(widths)) if widths else None,
        "constant_dqf": error,
        "constant_learned_from": learned,
    }


def _subject_distance(samples: JndSamples, labels: JndLabels) -> float:
    values = {row.source: row.value for row in labels.rows}
    distances = [
        np.nanmean(np.abs(arrays[0] - values[source])) for source, arrays in samples.values.items()
    ]
    return float(np.mean(distances))
