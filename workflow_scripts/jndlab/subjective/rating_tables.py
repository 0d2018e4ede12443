"""Tables of ratings: scores of every stimulus and rater, BD-rate under MOS, headline savings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from jndlab.quality.aggregate import bd_rate_table
from jndlab.quality.intervals import Comparison, mean_interval, paired_difference, standings
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.compare import content_of
from jndlab.subjective.dmos_predicted import dmos_predicted
from jndlab.subjective.opinion_scores import (
    MODELS,
    Model,
    differential_scores,
    opinion_scores,
    rater_statistics,
)
from jndlab.subjective.raters import record_table, repeated_votes
from jndlab.subjective.ratings import Ratings, Stimulus

HIDDEN_REFERENCE = "hidden reference"
SCORE_COLUMNS = [
    "model",
    *POINT_KEY,
    "content",
    "bitrate_kbps",
    "raters",
    "status",
    "mos",
    "mos_ci95",
    "dmos",
    "dmos_ci95",
    "differential_score",
    "vmaf_mean",
    "dmos_predicted",
]
HEADLINE_COLUMNS = [
    "model",
    "configuration",
    "codec",
    "method",
    "content",
    "mean_saving_pct",
    "saving_low",
    "saving_high",
    "mean_dmos",
    "mean_dmos_anchor",
    "difference",
    "difference_low",
    "difference_high",
    "p_holm",
    "better",
    "like_reference_pct",
    "bd_rate_gain_pct",
    "bd_rate_sequences",
    "bd_rate_left_out",
    "points",
    "sequences",
    "raters",
]


def score_table(ratings: Ratings, points: pd.DataFrame) -> pd.DataFrame:
    """One row per model (``subjective.MODELS``) and stimulus; columns: ``SCORE_COLUMNS``.

    ``mos`` is on the scale of the ratings. ``dmos`` is the loss against the hidden reference as
    the same person rated it: 0 as good (the "DMOS" of BL-JUNIPER is another, see the module
    ``delta_mos``); ``differential_score`` is the mean differential viewer score, highest
    grade - dmos: P.910's DMOS where the test was ACR-HR. ``*_ci95`` are half widths, ``raters``
    those of the stimulus. For ``bt500`` both count the same raters. References have no dmos, nor
    have stimuli without one.
    ``status`` other than ``ok`` says why a model has no scores (``OpinionScores``).
    ``points`` (frame of ``quality.points.read_points``) gives rate and VMAF, from which
    ``dmos_predicted``.
    """
    differences = differential_scores(ratings)
    paired = np.array([not s.is_reference for s in ratings.stimuli])
    paired &= ~np.isnan(differences).all(axis=1)
    kept = np.array([not rater.rejected for rater in rater_statistics(ratings)])
    frames = []
    for model in MODELS:
        mos = opinion_scores(ratings.scores, model)
        # The raters that BT.500 rejects are those of the plain ratings, not of differences.
        of_pairs: tuple[np.ndarray, Model] = (differences[paired], model)
        if model == "bt500":
            of_pairs = (differences[paired][:, kept], "mos")
        frame = pd.DataFrame([_identity(stimulus) for stimulus in ratings.stimuli])
        counted = ratings.scores[:, kept] if model == "bt500" else ratings.scores
        raters = (~np.isnan(counted)).sum(axis=1)
        frame = frame.assign(model=model, raters=raters, mos=mos.score, mos_ci95=mos.ci95)
        frame["status"] = mos.status
        frame[["differential_score", "dmos_ci95"]] = np.nan
        if paired.any():
            dmos = opinion_scores(*of_pairs)
            frame.loc[paired, "differential_score"] = dmos.score
            frame.loc[paired, "dmos_ci95"] = dmos.ci95
            if mos.status == "ok":
                frame.loc[paired, "status"] = dmos.status
        frame["dmos"] = ratings.scale[1] - frame["differential_score"]
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    known = points.assign(qp=points["qp"].astype("Int64"))
    table["qp"] = table["qp"].astype("Int64")
    table = table.merge(known[[*POINT_KEY, "bitrate_kbps", "vmaf_mean"]], on=POINT_KEY, how="left")
    contents = dict(zip(points["sequence"], points["content"], strict=True))
    table["content"] = table["sequence"].map(contents)
    table["dmos_predicted"] = table["vmaf_mean"].map(dmos_predicted)
    # References first, then by rate from low to high QP, for each model in its order.
    table["model"] = pd.Categorical(table["model"], MODELS)
    table = table.sort_values(
        ["model", "sequence", "configuration", "method", "qp"], ignore_index=True
    )
    return table.astype({"model": str})[SCORE_COLUMNS]


def rater_table(ratings: Ratings) -> pd.DataFrame:
    """One row per rater: the fields of ``RaterStatistics`` and those of ``raters.record_table``.

    Subjects who failed too many checks have the latter alone.
    """
    records = record_table(ratings.answers, ratings.subjects, repeated_votes(ratings.answers))
    statistics = pd.DataFrame([asdict(rater) for rater in rater_statistics(ratings)])
    table = statistics.merge(records, on="subject", how="outer").sort_values("subject")
    by_bt500 = table["rejected"].eq(True)
    table.loc[by_bt500, "left_out"] = "of the model bt500, by BT.500"
    return table.reset_index(drop=True)


def mos_bd_rate_table(
    scores: pd.DataFrame,
    points: pd.DataFrame,
    anchor_method: str,
    interpolation: str = "pchip",
    classes: Mapping[str, str] | None = None,
    trained: Collection[str] = (),
) -> pd.DataFrame:
    """BD-rate against the anchor with MOS as quality: ``aggregate.bd_rate_table``, statuses kept.

    The metric is ``mos``, ``mos_bt500`` or ``mos_p910``. A curve of opinion often turns back
    (``non_monotonic``) where codings cannot be distinguished; then there is no BD-rate.
    """
    rated = _with_mos(scores, points)
    metrics = [_metric(model) for model in MODELS]
    return bd_rate_table(rated, anchor_method, metrics, interpolation, classes, trained)


def headline_table(
    scores: pd.DataFrame,
    bd_rates: pd.DataFrame,
    points: pd.DataFrame,
    anchor_method: str,
    trained: Collection[str] = (),
) -> pd.DataFrame:
    """Savings and losses of a method on all rated points; columns: ``HEADLINE_COLUMNS``.

    ``mean_saving_pct`` is the mean saving against the anchor at equal QP, ``mean_dmos`` the mean
    loss there (next to the anchor's), ``difference`` method - anchor of the loss at equal sequence
    and QP, with its interval over sequences (raters are in it only as far as they make sequences
    differ) and what is shown (``quality.intervals``; ``trained`` names the methods with a network,
    trained once), ``like_reference_pct`` the share of points whose 95 %
    interval of dmos holds 0, ``bd_rate_gain_pct`` the mean BD-rate over sequences as a saving.
    """
    rated = scores[scores["method"] != HIDDEN_REFERENCE].astype({"qp": int})
    rated = rated.merge(points[[*POINT_KEY, "saving_pct"]], on=POINT_KEY, how="left")
    overall = bd_rates[bd_rates["level"] == "all"].set_index(
        ["metric", "configuration", "codec", "method"]
    )
    rows: list[dict[str, Any]] = []
    compared = []
    for (model, configuration, codec), group in rated.groupby(
        ["model", "configuration", "codec"], sort=False
    ):
        of_anchor = group[group["method"] == anchor_method]
        for method in sorted(set(group["method"]) - {anchor_method}):
            own = group[group["method"] == method]
            pairs = own.merge(of_anchor, on=["sequence", "qp"], suffixes=("", "_anchor"))
            pairs = pairs.dropna(subset=["dmos", "dmos_anchor"])
            seeds = [0] * len(pairs) if method in trained else None
            difference = paired_difference(
                pairs["dmos"], pairs["dmos_anchor"], pairs["sequence"], seeds
            )
            compared.append(Comparison(method, anchor_method, "dmos", difference, True))
            known = own.dropna(subset=["dmos"])  # none where the model collapsed
            saving = mean_interval(own["saving_pct"], own["sequence"])
            key = (_metric(model), configuration, codec, method)
            bd_rate = overall.loc[key] if key in overall.index else None
            rows.append(
                {
                    "model": model,
                    "configuration": configuration,
                    "codec": codec,
                    "method": method,
                    "content": content_of(own["content"]),
                    **saving.columns("mean_saving_pct", "saving_"),
                    "mean_dmos": own["dmos"].mean(),
                    "mean_dmos_anchor": of_anchor["dmos"].mean(),
                    "like_reference_pct": 100 * (known["dmos"] <= known["dmos_ci95"]).mean(),
                    "bd_rate_gain_pct": None if bd_rate is None else -bd_rate["bd_rate_pct"],
                    "bd_rate_sequences": 0 if bd_rate is None else bd_rate["sequences"],
                    "bd_rate_left_out": None if bd_rate is None else bd_rate["left_out"],
                    "points": len(own),
                    "sequences": own["sequence"].nunique(),
                    "raters": own["raters"].max(),
                }
            )
    found = standings(compared)
    rows = [row | shown for row, shown in zip(rows, found, strict=True)]
    table = pd.DataFrame(rows, columns=HEADLINE_COLUMNS)
    table["bd_rate_gain_pct"] = table["bd_rate_gain_pct"].astype(float)
    return table.astype({"bd_rate_sequences": "Int64", "bd_rate_left_out": "Int64"})


def _identity(stimulus: Stimulus) -> dict[str, Any]:
    return {
        "sequence": stimulus.sequence,
        "configuration": stimulus.configuration,
        "codec": stimulus.codec,
        "method": HIDDEN_REFERENCE if stimulus.is_reference else stimulus.method,
        "qp": stimulus.qp,
    }


def _metric(model: str) -> str:
    return "mos" if model == "mos" else f"mos_{model}"


def _with_mos(scores: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """The rated points with the scores of all models as columns."""
    coded = scores[scores["method"] != HIDDEN_REFERENCE].astype({"qp": int})
    wide = coded.pivot(index=POINT_KEY, columns="model", values="mos").rename(columns=_metric)
    return points.merge(wide.reset_index(), on=POINT_KEY, how="inner")
