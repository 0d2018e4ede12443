"""VP-JND's tables: how well qualities are predicted and what they save, beside the printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.datasets.splits import Split
from jndlab.files import read_csv
from jndlab.papers.vp_jnd.baselines import SIMPLE, TRUE_LABELS, simple_decision
from jndlab.papers.vp_jnd.measures import VMAF, Measures
from jndlab.paths import PUBLISHED
from jndlab.report.compare import compare_with_published, verdict_summary
from jndlab.training.samplers.coded_pairs import classification_scores, is_visible

PRINTED = PUBLISHED / "vp_jnd"

# Largest differences that count as reproduced: points of percent, quality factors.
TOLERANCE: dict[str, float | str] = {"precision_pct": 2.0, "mean_abs_dqf": 1.0, "saving_pct": 2.0}
SERIES = ["data", "method"]
PAPER_METHOD = "vp_jnd"
RESAMPLINGS = 2000


@dataclass(frozen=True)
class HeldOut:
    """All that is known of one data set: its pictures, labels, splits and what was chosen.

    ``content`` is ``published`` or ``demo``; ``obstacle`` says why its numbers cannot be held
    against the printed ones (empty: they can). ``choices`` are those of ``choices_of_split``, by
    split; ``fitted`` those of ``fit_simple_choices``, by split.
    """

    name: str
    data_set: str
    codec: str
    content: str
    label_kind: str
    obstacle: str
    labels: Mapping[str, int]
    measures: Mapping[str, Measures]
    splits: Sequence[Split]
    fitted: Mapping[str, Mapping[str, Any]]
    choices: Mapping[str, Sequence[Mapping[str, Any]]]


def decision_rows(tested: HeldOut) -> pd.DataFrame:
    """One row per held-out picture and choice: the label, the chosen quality and what it costs.

    ``dqf`` is chosen - label, positive where finer than needed (in QP the sign is turned); sizes
    are ours for all methods, whatever they say themselves.
    """
    rows = []
    for split in tested.splits:
        told = [
            (choices["method"], row["picture"], row["quality"], row["calls"], row["seconds"])
            for choices in tested.choices[split.name]
            for row in choices["pictures"]
        ]
        for name in split.parts["test"]:
            for method in SIMPLE:
                label = tested.labels[name]
                fitted, measured = tested.fitted[split.name], tested.measures[name]
                decision = simple_decision(method, fitted, measured, label)
                told.append((method, name, decision.quality, decision.calls, None))
        rows += [_decision_row(tested, split.name, *one) for one in told]
    return pd.DataFrame(rows)


def judgement_rows(tested: HeldOut) -> pd.DataFrame:
    """One row per held-out picture, choice and judged quality: visible by label, and as called.

    A classifier is asked at every quality; any other choice calls visible what is not finer than
    the quality that it chose.
    """
    rows: list[dict[str, Any]] = []
    decided = decision_rows(tested)
    raw = {
        (choices["method"], row["picture"]): row
        for of_split in tested.choices.values()
        for choices in of_split
        for row in choices["pictures"]
        if "logits" in row
    }
    for one in decided.itertuples():
        qualities = tested.measures[one.picture].qualities
        classified = raw.get((one.method, one.picture))
        called = {q: is_visible(qualities, one.quality, q) for q in qualities}
        if classified:
            pairs = zip(classified["qualities"], classified["logits"], strict=True)
            called = {quality: logit > 0 for quality, logit in pairs}
        rows += [
            {
                "data": tested.name,
                "method": one.method,
                "picture": one.picture,
                "quality": quality,
                "visible": is_visible(qualities, one.label, quality),
                "called_visible": visible,
                "judged_by": "classifier" if classified else "choice",
            }
            for quality, visible in called.items()
        ]
    return pd.DataFrame(rows)


def prediction_table(tested: Sequence[HeldOut]) -> pd.DataFrame:
    """Accuracy, precision and recall of "visible", and |dQF|, for each data set and choice."""
    rows = []
    for one in tested:
        decided, judged = decision_rows(one), judgement_rows(one)
        for method, group in decided.groupby("method", sort=False):
            calls = judged[judged["method"] == method]
            scores = classification_scores(
                calls["called_visible"].tolist(), calls["visible"].tolist()
            )
            errors = group["dqf"].abs()
            low, high = bootstrap_interval(errors)
            rows.append(
                {
                    **_head(one, method, len(group)),
                    "judged_by": calls["judged_by"].iloc[0],
                    "accuracy_pct": 100 * scores.accuracy,
                    "precision_pct": _percent(scores.precision),
                    "recall_pct": _percent(scores.recall),
                    "mean_abs_dqf": errors.mean(),
                    "low": low,
                    "high": high,
                    "median_abs_dqf": errors.median(),
                    "mean_dqf": group["dqf"].mean(),
                    "calls": group["calls"].mean(),
                    "seconds": group["seconds"].mean(),
                }
            )
    return _in_order(pd.DataFrame(rows))


def saving_table(tested: Sequence[HeldOut]) -> pd.DataFrame:
    """Bytes saved against the best quality, and what is left of the picture, for each choice."""
    rows = []
    for one in tested:
        for method, group in decision_rows(one).groupby("method", sort=False):
            low, high = bootstrap_interval(group["saving_pct"])
            rows.append(
                {
                    **_head(one, method, len(group)),
                    "saving_pct": group["saving_pct"].mean(),
                    "low": low,
                    "high": high,
                    "mean_quality": group["quality"].mean(),
                    "coarser_than_label_pct": 100 * (group["dqf"] < 0).mean(),
                    "ssim": group["ssim"].mean(),
                    "vmaf_neg": group["vmaf_neg"].mean(),
                }
            )
    return _in_order(pd.DataFrame(rows))


def comparison(
    table: pd.DataFrame, quantities: Sequence[str], folder: Path = PRINTED
) -> pd.DataFrame:
    """Quantities of a table beside those printed for the same data set and codec, with verdicts.

    Of several data sets of one kind the first is compared.
    """
    keys = ["data_set", "codec", "method"]
    ours = table[table["method"] == PAPER_METHOD].drop_duplicates(keys)
    printed = [
        row for row in read_csv(folder / "headline.csv") if any(row[name] for name in quantities)
    ]
    return compare_with_published(ours, printed, keys, quantities, TOLERANCE)


def correlation_table(tested: Sequence[HeldOut]) -> pd.DataFrame:
    """Correlation of each model's mean pixel-wise JND with the PW-JND over a data set.

    ``pearson`` with a 95 % bootstrap interval over pictures, ``spearman``, and the line.
    """
    from scipy.stats import spearmanr

    rows = []
    for one in tested:
        names = sorted(one.labels)
        labels = np.array([one.labels[name] for name in names], float)
        for model in one.measures[names[0]].pixel_jnd:
            means = np.array([one.measures[name].pixel_jnd[model] for name in names])
            slope, intercept = np.polyfit(means, labels, 1)
            low, high = _correlation_interval(means, labels)
            rows.append(
                {
                    **_head(one, model, len(names)),
                    "pearson": float(np.corrcoef(means, labels)[0, 1]),
                    "low": low,
                    "high": high,
                    "spearman": float(spearmanr(means, labels).statistic),
                    "slope": float(slope),
                    "intercept": float(intercept),
                }
            )
    return pd.DataFrame(rows).rename(columns={"method": "model"})


def picture_table(tested: Sequence[HeldOut]) -> pd.DataFrame:
    """Every held-out picture with its label and the quality that each choice takes."""
    tables = []
    for one in tested:
        decided = decision_rows(one)
        wide = decided[decided["method"] != TRUE_LABELS].pivot_table(
            index=["data", "split", "picture", "label"], columns="method", values="quality",
            sort=False,
        )  # fmt: skip
        tables.append(wide.astype(int).reset_index().rename_axis(columns=None))
    return pd.concat(tables, ignore_index=True)


def told_verdicts(caption: str, compared: pd.DataFrame) -> str:
    """A caption that ends with how often each verdict was given."""
    return f"{caption} Verdicts: {verdict_summary(compared)}."


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a mean over pictures: percentiles of 2,000 resamplings, fixed seed."""
    array = np.asarray(values, float)
    drawn = np.random.default_rng(0).integers(0, array.size, (RESAMPLINGS, array.size))
    low, high = np.percentile(array[drawn].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _correlation_interval(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    rng, found = np.random.default_rng(0), []
    for _ in range(RESAMPLINGS):
        drawn = rng.integers(0, x.size, x.size)
        if len(set(x[drawn])) > 1 and len(set(y[drawn])) > 1:
            found.append(np.corrcoef(x[drawn], y[drawn])[0, 1])
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _decision_row(
    tested: HeldOut,
    split: str,
    method: str,
    picture: str,
    quality: int,
    calls: int,
    seconds: float | None,
) -> dict[str, Any]:
    of, label = tested.measures[picture], tested.labels[picture]
    place = of.qualities.index(quality)
    return {
        "data": tested.name,
        "split": split,
        "picture": picture,
        "method": method,
        "label": label,
        "quality": quality,
        "dqf": place - of.qualities.index(label),
        "calls": calls,
        "seconds": seconds,
        "bytes": of.bytes[place],
        "saving_pct": 100 * (1 - of.bytes[place] / of.bytes[-1]),
        "ssim": of.scores["ssim"][place],
        "vmaf_neg": of.scores[VMAF][place],
    }


def _head(tested: HeldOut, method: Any, pictures: int) -> dict[str, Any]:
    return {
        "data": tested.name,
        "data_set": tested.data_set,
        "codec": tested.codec,
        "labels": tested.label_kind,
        "method": method,
        "content": tested.content,
        "not_comparable": tested.obstacle,
        "pictures": pictures,
    }


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The methods of the configuration first, then the simple choices, for each data set."""
    simple = [-1 if name not in SIMPLE else list(SIMPLE).index(name) for name in table["method"]]
    order = pd.DataFrame({"data": pd.factorize(table["data"])[0], "simple": simple})
    return table.loc[order.sort_values(["data", "simple"], kind="stable").index].reset_index(
        drop=True
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
