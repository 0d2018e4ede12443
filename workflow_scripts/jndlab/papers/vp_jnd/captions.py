"""Captions of VP-JND's tables: definitions, assumptions, and the comparison with the baselines."""

from __future__ import annotations

import pandas as pd

from jndlab.papers.vp_jnd.tables import PAPER_METHOD, bootstrap_interval
from jndlab.quality.vmaf_steps import LABEL_KIND

CORRELATION = (
    "Mean pixel-wise JND (grey levels of luma) against the picture-wise JND over each data set: "
    "Pearson with 95 % bootstrap intervals over pictures (low, high), Spearman, and the "
    "least-squares line."
)
LABELS = (
    "What labels of the first JND say by themselves. constant_dqf: mean |dQF| of one constant for "
    "all pictures, the median of the labels it is learned from. interval: mean half width of the "
    "labels' 95 % intervals over subjects. one_subject_dqf: mean distance of one subject from the "
    "label."
)
WORST = 3  # pictures named with the largest errors
PICTURES = "Every held-out picture, its label and the quality that each choice takes."
_DEFINITIONS = (
    "Held-out pictures only; low and high are 95 % bootstrap intervals of the mean over pictures. "
)
_BY_RULE = (
    f"Labels {LABEL_KIND} are made from VMAF NEG by a rule, not by people: the VMAF NEG threshold "
    "all but knows that rule and is no fair rival there. "
)


def prediction_caption(table: pd.DataFrame, decided: pd.DataFrame) -> str:
    """Definitions of the table of predictions, and how VP-JND stands against the SSIM threshold.

    ``decided`` are the rows of ``decision_rows`` of all data sets.
    """
    return (
        "Visible or not, over all qualities of the codec, and the quality that is chosen. "
        + _DEFINITIONS
        + "Assumed, as the paper does not define its precision: accuracy is the share of right "
        "calls, precision the share of versions called visible that are, recall the share of "
        "visible ones that are called so; judged_by classifier: its call at every quality, "
        "choice: all that is not finer than the chosen quality counts as called visible. dQF = "
        "chosen - label in steps of the codec's quality (positive: finer than needed). calls: "
        "coded versions looked at for a choice. "
        + _rule_note(table)
        + " ".join(_standing(name, rows) for name, rows in decided.groupby("data", sort=False))
    )


def saving_caption(table: pd.DataFrame) -> str:
    """Definitions of the table of savings."""
    return (
        "Bytes saved: 1 - bytes at the chosen quality / bytes at the best quality (JPEG QF 100, "
        "else the lowest QP), mean over pictures; true labels are the oracle, the most that can be "
        "saved without more visible errors than at the label. "
        + _DEFINITIONS
        + "coarser_than_label_pct: share of pictures coded worse than their label: what a choice "
        "saves beyond the oracle it takes from those. " + _rule_note(table)
    )


def _rule_note(table: pd.DataFrame) -> str:
    return _BY_RULE if LABEL_KIND in set(table["labels"]) else ""


def _standing(name: str, decided: pd.DataFrame) -> str:
    """How VP-JND stands against the threshold and the constant, and where its error is."""
    signed = decided.pivot(index="picture", columns="method", values="dqf")
    if PAPER_METHOD not in signed:
        return ""
    errors = signed.abs()
    means = errors.mean()
    gain = errors[PAPER_METHOD] - errors["ssim"]
    low, high = bootstrap_interval(gain)
    word = "does not beat"
    if gain.mean() < 0:
        word = "beats" if high < 0 else "is better on average, within chance, than"
    worst = errors[PAPER_METHOD].sort_values(ascending=False).index[:WORST]
    largest = ", ".join(f"{picture} ({signed[PAPER_METHOD][picture]:+d})" for picture in worst)
    return (
        f"{name}: VP-JND {word} the SSIM threshold tuned on the training pictures, mean |dQF| "
        f"{means[PAPER_METHOD]:.1f} against {means['ssim']:.1f} (difference {gain.mean():+.1f}, "
        f"95 % {low:+.1f} to {high:+.1f}, {len(errors)} pictures); a constant quality has "
        f"{means['fixed']:.1f}. Its largest errors: {largest}."
    )
