"""Captions of VP-JND's tables: definitions, what is assumed, and what the demo's numbers say."""

from __future__ import annotations

import pandas as pd

from jndlab.papers.vp_jnd_tables import PAPER_METHOD
from jndlab.quality.vmaf_steps import LABEL_KIND

CORRELATION = (
    "Mean pixel-wise JND (grey levels of luma) against the picture-wise JND over each data set: "
    "Pearson with 95 % bootstrap intervals over pictures (low, high), Spearman, and the "
    "least-squares line."
)
LABELS = (
    "What labels of the first JND say by themselves. constant_dqf: mean |dQF| of one constant for "
    "all pictures, the median of the labels it is learnt from. interval: mean half width of the "
    "labels' 95 % intervals over subjects. one_subject_dqf: mean distance of one subject from the "
    "label."
)
PICTURES = "Every held-out picture, its label and the quality that each choice takes."
_DEFINITIONS = (
    "Held-out pictures only; low and high are 95 % bootstrap intervals of the mean over pictures. "
)
_BY_RULE = (
    f"Labels {LABEL_KIND} are made from VMAF NEG by a rule, not by people: the VMAF NEG threshold "
    "all but knows that rule and is no fair rival there. "
)


def prediction_caption(table: pd.DataFrame) -> str:
    """Definitions of the table of predictions, and how VP-JND stands against the SSIM threshold."""
    return (
        "Visible or not, over all qualities of the codec, and the quality that is chosen. "
        + _DEFINITIONS
        + "Assumed, as the paper does not define its precision: accuracy is the share of right "
        "calls, precision the share of versions called visible that are, recall the share of "
        "visible ones that are called so; judged_by classifier: its answer at every quality, "
        "choice: all that is not finer than the chosen quality counts as called visible. dQF = "
        "chosen - label in steps of the codec's quality (positive: finer than needed). calls: "
        "coded versions looked at for a choice. "
        + _rule_note(table)
        + " ".join(_against_ssim(table))
    )


def saving_caption(table: pd.DataFrame) -> str:
    """Definitions of the table of savings."""
    return (
        "Bytes saved: 1 - bytes at the chosen quality / bytes at the best quality (JPEG QF 100, "
        "else the lowest QP), mean over pictures; true labels are the ceiling of what can be saved "
        "without more visible errors than at the label. "
        + _DEFINITIONS
        + "coarser_than_label_pct: share of pictures coded worse than their label: what a choice "
        "saves beyond the ceiling it takes from those. " + _rule_note(table)
    )


def _rule_note(table: pd.DataFrame) -> str:
    return _BY_RULE if LABEL_KIND in set(table["labels"]) else ""


def _against_ssim(table: pd.DataFrame) -> list[str]:
    """For each data set with VP-JND, one sentence against the thresholds and the constant."""
    told = []
    for name, of_data in table.groupby("data", sort=False):
        errors = of_data.set_index("method")["mean_abs_dqf"]
        if PAPER_METHOD not in errors:
            continue
        ours, ssim, fixed = (errors[method] for method in (PAPER_METHOD, "ssim", "fixed"))
        beats = "beats" if ours < ssim else "does not beat"
        constant = "better" if ours < fixed else "no better"
        reason = ""
        if ours >= ssim:
            reason = " (its training sees too few pictures and steps to do so)"
        told.append(
            f"{name}: VP-JND {beats} the SSIM threshold tuned on the training pictures, mean |dQF| "
            f"{ours:.1f} against {ssim:.1f}{reason}; it is {constant} than a constant quality "
            f"({fixed:.1f})."
        )
    return told
