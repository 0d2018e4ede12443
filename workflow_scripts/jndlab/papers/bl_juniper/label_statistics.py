"""The authors' block labels: their statistics next to those on record, and their mean block QPs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from jndlab.datasets.authors_block_labels import BlockLabels, label_statistics
from jndlab.files import read_csv
from jndlab.jnd.block.qp_control import mean_block_qps
from jndlab.papers.bl_juniper.errors import Labelled
from jndlab.paths import PUBLISHED
from jndlab.report.compare import FOUND, compare_with_published

PRINTED = PUBLISHED / "bl_juniper"

AUTHORS = "authors"
# Half a unit of the last decimal on record.
TOLERANCE: dict[str, float | str] = {
    "min": 0.005, "max": 0.005, "mean": 0.005, "std": 0.005, "median": 0.005, "p95": 0.05,
    "mean_video": 0.005, "at_lowest_pct": 0.05, "at_highest_pct": 0.05, "above_next": 0,
    "offset_as_next_pct": 0.05,
}  # fmt: skip
STATISTICS_CAPTION = (
    "Statistics of the BL-JUNIPER authors' block labels (QP; TI in grey levels), recomputed, "
    "next to the values on record: `reproduced` says that these are the same files."
)
TENSION_CAPTION = (
    "Mean QP that the published decision table gives blocks, were all of one importance. At low "
    "targets every block is raised by many QP, where the published mean saving is 27.75 %: it "
    "must average over higher targets, or the step was limited; the abstract does not say. "
    "`labels` are the authors' own (mapped from subjective video JND), or those of this run's "
    "sequences: `mapped` by stage 1 from vmaf_steps, `cnn` predicted by stage 2."
)


def statistics_table(labels: BlockLabels) -> pd.DataFrame:
    """``datasets.authors_block_labels.label_statistics`` as a frame."""
    return pd.DataFrame(label_statistics(labels)).assign(content="published")


def statistics_comparison(statistics: pd.DataFrame, folder: Path = PRINTED) -> pd.DataFrame:
    """The statistics next to those on record (``label_statistics.csv``), with verdicts."""
    recorded = read_csv(folder / "label_statistics.csv")
    ours = statistics.assign(**{FOUND: [()] * len(statistics)})  # a file is theirs, or it is not
    return compare_with_published(ours, recorded, ["label"], list(TOLERANCE), TOLERANCE, {})


def tension_table(
    jnd_of: Mapping[str, np.ndarray], target_qps: Sequence[int], order: str = "sort"
) -> pd.DataFrame:
    """Mean block QP per labels, target and importance, from block JNDs (``... x 3``) of each.

    Also how many blocks there are and how many have levels out of order (``unordered_pct``).
    """
    tables = []
    for name, jnd in jnd_of.items():
        blocks = jnd.reshape(-1, jnd.shape[-1])
        falls = (blocks[:, :-1] > blocks[:, 1:]).any(axis=1)  # uint8 differences would wrap
        table = pd.DataFrame(mean_block_qps(blocks, target_qps, order=order))
        table.insert(0, "labels", name)
        tables.append(table.assign(blocks=len(blocks), unordered_pct=100 * falls.mean()))
    return pd.concat(tables, ignore_index=True)


def levels_last(labels: BlockLabels) -> np.ndarray:
    """All labelled blocks as ``... x 3``."""
    return np.moveaxis(labels.jnd, 1, -1)


def labelled(labels: BlockLabels) -> Labelled:
    """The authors' labels in the form of the error tables."""
    jnd = levels_last(labels)
    blocks_per_clip = int(np.prod(jnd.shape[1:4]))
    lowest = jnd.min(axis=(1, 2, 3), keepdims=True)
    return Labelled(
        jnd.reshape(-1, 3).astype(float),
        labels.ti.ravel(),
        np.broadcast_to(lowest, jnd.shape).reshape(-1, 3).astype(float),
        np.repeat(labels.sources, blocks_per_clip),
    )
