"""Captions of VP-JND's tables: definitions, assumptions, and the comparison with the baselines."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from jndlab.papers.vp_jnd.tables import (
    PAPER_METHOD,
    PAPER_NAME,
    HeldOut,
    comparisons,
    decision_rows,
)
from jndlab.quality.vmaf_steps import LABEL_KIND

CORRELATION = (
    "Mean pixel-wise JND (grey levels of luma) against the picture-wise JND over each data set: "
    "Pearson with 95 % intervals over sources (low, high), Spearman, and the least-squares line."
)
LABELS = (
    "What labels of the first JND say by themselves. constant_dqf: mean |dQF| of one constant for "
    "all pictures, the median of the labels it is learned from. interval: mean half width of the "
    "labels' 95 % intervals over subjects. one_subject_dqf: mean distance of one subject from the "
    "label."
)
MARGINS = (
    "Every choice made finer by a safety margin (qualities): bytes saved against the best quality, "
    "and the one-sided shortfalls, means over sources of max(0, at the label - at the chosen "
    "quality). That the axis of the paper's figure is this shortfall is an assumption."
)
WORST = 3  # pictures named with the largest errors
PICTURES = "Every held-out picture, its label and the quality that each choice takes."
_DEFINITIONS = (
    "Held-out pictures only; means are over sources, of which the pictures are crops or frames, "
    "low and high their 95 % intervals. "
)
_BY_RULE = (
    f"Labels {LABEL_KIND} are made from VMAF NEG by a rule, not by people: the VMAF NEG threshold "
    "all but knows that rule and is no fair rival there. "
)


def prediction_caption(table: pd.DataFrame, tested: Sequence[HeldOut]) -> str:
    """Definitions of the table of predictions, and how VP-JND stands against the baselines."""
    return (
        "Visible or not, over all qualities of the codec, and the quality that is chosen. "
        + _DEFINITIONS
        + "Trained choices are over all seeds; dqf_seed_deviation: standard deviation of their "
        "means. Assumed, as the paper does not define its precision: accuracy is the share of "
        "right calls, precision the share of versions called visible that are, recall the share of "
        "visible ones that are called so; called_by classifier: its call at every quality, "
        "choice: all that is not finer than the chosen quality counts as called visible. dQF = "
        "chosen - label in steps of the codec's quality (positive: finer than needed). calls: "
        "coded versions looked at for a choice. difference: |dQF| of VP-JND minus that of "
        "the choice. "
        + _rule_note(table)
        + " ".join([*standings(tested), *_largest_errors(tested)])
    )


def saving_caption(table: pd.DataFrame) -> str:
    """Definitions of the table of savings."""
    return (
        "Bytes saved: 1 - bytes at the chosen quality / bytes at the base quality (`base_quality`; "
        "by default the best: JPEG QF 100, else the lowest QP), mean over sources; true labels are "
        "the oracle, the most that can be saved without more visible errors than at the label. "
        + _DEFINITIONS
        + "coarser_than_label_pct: share of pictures coded coarser than their label: what a choice "
        "saves beyond the oracle it takes from those. " + _rule_note(table)
    )


def _rule_note(table: pd.DataFrame) -> str:
    return _BY_RULE if LABEL_KIND in set(table["labels"]) else ""


def standings(tested: Sequence[HeldOut]) -> list[str]:
    """What is shown of VP-JND against each other choice, a sentence each."""
    return [f"{data}: {one.sentence()}" for data, one in comparisons(tested)]


def _largest_errors(tested: Sequence[HeldOut]) -> list[str]:
    sentences = []
    for one in tested:
        rows = decision_rows(one)
        ours = rows[rows["method"] == PAPER_METHOD].groupby("picture", sort=False)["dqf"].mean()
        worst = ours.loc[ours.abs().sort_values(ascending=False).index[:WORST]]
        largest = ", ".join(f"{picture} ({dqf:+.0f})" for picture, dqf in worst.items())
        if largest:
            what = f"the largest errors of {PAPER_NAME}, means over seeds"
            sentences.append(f"{one.name}: {what}: {largest}.")
    return sentences
