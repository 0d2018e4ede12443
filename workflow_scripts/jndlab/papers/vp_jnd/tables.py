"""VP-JND's tables: errors of predicted qualities and their savings, compared with the printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.datasets.splits import Split
from jndlab.files import read_csv
from jndlab.papers.vp_jnd.baselines import BASELINES, ORACLE, baseline_decision
from jndlab.papers.vp_jnd.measures import VMAF, Measures
from jndlab.paths import PUBLISHED
from jndlab.report.compare import compare_with_published
from jndlab.training.samplers.coded_pairs import classification_scores, is_visible

PRINTED = PUBLISHED / "vp_jnd"

# Largest differences that count as reproduced: percentage points, quality factors.
TOLERANCE: dict[str, float | str] = {"precision_pct": 2.0, "mean_abs_dqf": 1.0, "saving_pct": 2.0}
PAPER_METHOD = "vp_jnd"
RESAMPLINGS = 2000


@dataclass(frozen=True)
class HeldOut:
    """The held-out evaluation of one data set: pictures, labels, splits and choices.

    ``content`` is ``published`` or ``demo``; ``obstacle`` says why its numbers cannot be compared
    with the printed ones (empty: they can). ``choices`` are those of ``choices_of_split``, by
    split; ``fitted`` those of ``fit_baselines``, by split.
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

    @property
    def classified(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Choices of the classifiers, which have logits, by method and picture."""
        return {
            (choices["method"], row["picture"]): row
            for of_split in self.choices.values()
            for choices in of_split
            for row in choices["pictures"]
            if "logits" in row
        }


def decision_rows(tested: HeldOut) -> pd.DataFrame:
    """One row per held-out picture and choice: the label, the chosen quality and what it costs.

    ``dqf`` is chosen - label, positive where finer than needed (in QP the sign is turned); sizes
    are ours for all methods, whatever they report themselves.
    """
    rows = []
    for split in tested.splits:
        for choices in tested.choices[split.name]:
            rows += [
                _decision_row(tested, split.name, choices["method"], row)
                for row in choices["pictures"]
            ]
        fitted = tested.fitted[split.name]
        for name in split.subsets["test"]:
            for method in BASELINES:
                label, measured = tested.labels[name], tested.measures[name]
                decision = baseline_decision(method, fitted, measured, label)
                row = {"picture": name, "seconds": None, **decision.as_json()}
                rows.append(_decision_row(tested, split.name, method, row))
    return pd.DataFrame(rows)


def visibility_rows(tested: HeldOut) -> pd.DataFrame:
    """One row per held-out picture, choice and quality: visible by label, and as called.

    A classifier is evaluated at every quality; any other choice calls visible what is not finer
    than the quality that it chose.
    """
    rows: list[dict[str, Any]] = []
    for one in decision_rows(tested).itertuples():
        qualities = tested.measures[one.picture].qualities
        classified = tested.classified.get((one.method, one.picture))
        if classified:
            pairs = zip(classified["qualities"], classified["logits"], strict=True)
            called = {quality: logit > 0 for quality, logit in pairs}
        else:
            called = {q: is_visible(qualities, one.quality, q) for q in qualities}
        rows += [
            {
                "method": one.method,
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
        decided, called = decision_rows(one), visibility_rows(one)
        for method, group in decided.groupby("method", sort=False):
            calls = called[called["method"] == method]
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
    return pd.DataFrame(rows)


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
    return pd.DataFrame(rows)


def comparison(
    table: pd.DataFrame, quantities: Sequence[str], folder: Path = PRINTED
) -> pd.DataFrame:
    """Quantities of a table next to those printed for the same data set and codec, with verdicts.

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
        keys = ["data", "split", "picture", "label"]
        wide = decided[decided["method"] != ORACLE].pivot_table(
            index=keys, columns="method", values="quality", sort=False
        )
        tables.append(wide.astype(int).reset_index().rename_axis(columns=None))
    return pd.concat(tables, ignore_index=True)


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
    tested: HeldOut, split: str, method: str, chosen: Mapping[str, Any]
) -> dict[str, Any]:
    picture, quality = chosen["picture"], chosen["quality"]
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
        "calls": chosen["calls"],
        "seconds": chosen["seconds"],
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


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
