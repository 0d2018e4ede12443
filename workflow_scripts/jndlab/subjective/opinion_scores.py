"""Opinion scores from ratings: MOS and DMOS with confidence intervals, screening, rater model.

The models are those of the package `sureal`: plain means, means after the rejection of outliers
by ITU-R BT.500, and the maximum-likelihood model of ITU-T P.910 Annex E (P.913, 12.6):
score = quality of the stimulus + bias of the rater + noise of the rater's inconsistency.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from jndlab.subjective.ratings import Ratings, Stimulus

Model = Literal["mos", "bt500", "p910"]
Status = Literal["ok", "collapsed", "no_estimate", "disconnected"]
# A maximum-likelihood estimate can follow one rater exactly (or some who agree): that inconsistency
# goes to zero and the weight of all others with it. Weights are relative.
MOST_WEIGHT = 0.9
LEAST_INCONSISTENCY = 0.01  # grades
MODELS: tuple[Model, ...] = ("mos", "bt500", "p910")

# ITU-R BT.500: a rater is rejected who is outside often, and about as often above as below.
OUTSIDE_SHARE = 0.05
BALANCE = 0.3


@dataclass(frozen=True)
class OpinionScores:
    """Estimate of each stimulus: ``score`` and half the width of its 95 % interval, ``ci95``.

    Both are arrays in the order of the rows given; ``raters`` is how many people count. Where
    ``status`` is not ``ok``, they are NaN: ``collapsed``, the scores would be those of one person
    or of few who agree exactly; ``no_estimate``, the model found no finite ones; ``disconnected``,
    groups of raters have no stimulus in common, so that their biases cannot be separated from the
    qualities of what they rated.
    """

    score: np.ndarray
    ci95: np.ndarray
    raters: int
    status: Status = "ok"


@dataclass(frozen=True)
class RaterStatistics:
    """One rater: bias and inconsistency (P.910 Annex E, in grades), and BT.500's screening.

    ``outside_share`` is the share of stimuli at which the rater was outside the expected range
    of all, ``balance`` |above - below| / (above + below) of those, None if there are none. Where
    ``status`` of the model (``OpinionScores``) is not ``ok``, its bias and inconsistency are NaN.
    """

    subject: str
    bias: float
    bias_ci95: float
    inconsistency: float
    outside_share: float
    balance: float | None
    rejected: bool
    status: Status


def opinion_scores(scores: np.ndarray, model: Model) -> OpinionScores:
    """Scores of all stimuli from a matrix of ratings, stimuli x raters, NaN where none was given.

    ``mos``: means over all raters; ``bt500``: means over the raters that BT.500 keeps;
    ``p910``: the maximum-likelihood quality, which weighs raters by their consistency. The
    intervals are 1.96 standard errors, as BT.500 prescribes, also for few raters, for whom they are
    too narrow; intervals over contents are those of ``quality.intervals``.
    """
    if model == "bt500":
        scores = scores[:, ~_screening(scores).rejected]
    rated = ~np.isnan(scores).all(axis=1)
    if not rated.all():
        return _spread_over(rated, opinion_scores(scores[rated], _PLAIN.get(model, model)))
    with _quiet():
        import sureal

        kind = sureal.P910AnnexEModel if model == "p910" else sureal.MosModel
        fitted = kind(_reader(scores)).run_modeling()
    below, _ = fitted["quality_scores_ci95"]
    found = OpinionScores(np.array(fitted["quality_scores"]), np.array(below), scores.shape[1])
    status = _status(fitted, scores, model)
    if status != "ok":
        nothing = np.full(len(scores), np.nan)
        found = OpinionScores(nothing, nothing, found.raters, status)
    return found


def _status(fitted: Mapping[str, Any], scores: np.ndarray, model: Model) -> Status:
    """Whether a model's fit to ``scores`` is of use (``OpinionScores``)."""
    if model == "p910" and not _connected(scores):
        return "disconnected"
    if not np.isfinite(fitted["quality_scores"]).all():
        return "no_estimate"
    if model == "p910" and _collapsed(np.array(fitted["observer_inconsistency"])):
        return "collapsed"
    return "ok"


def _connected(scores: np.ndarray) -> bool:
    """Whether common stimuli lead from every rater to every other one."""
    rated = ~np.isnan(scores)
    reached = np.zeros(scores.shape[1], dtype=bool)
    found = reached.copy()
    found[0] = True
    while (found & ~reached).any():
        reached = found
        found = reached | rated[rated[:, reached].any(axis=1)].any(axis=0)
    return bool(reached.all())


# Those that BT.500 rejects are left out before; a second screening would go on with the rest.
_PLAIN: dict[Model, Model] = {"bt500": "mos"}


def _spread_over(rated: np.ndarray, found: OpinionScores) -> OpinionScores:
    """The scores of the rated stimuli in their places, NaN in those of the others."""
    arrays = np.full((2, rated.size), np.nan)
    arrays[:, rated] = found.score, found.ci95
    return OpinionScores(arrays[0], arrays[1], found.raters, found.status)


def _collapsed(inconsistency: np.ndarray) -> bool:
    exact = inconsistency < LEAST_INCONSISTENCY
    if len(exact) > 1 and exact.all():  # all agree in everything
        return False
    weights = np.maximum(inconsistency, LEAST_INCONSISTENCY) ** -2.0
    return bool(exact.any() or weights.max() > MOST_WEIGHT * weights.sum())


def rater_statistics(ratings: Ratings) -> list[RaterStatistics]:
    """Bias, inconsistency and screening of every rater, in the order of the subjects."""
    screened = _screening(ratings.scores)
    scores = ratings.scores[~np.isnan(ratings.scores).all(axis=1)]
    with _quiet():
        import sureal

        fitted = sureal.P910AnnexEModel(_reader(scores)).run_modeling()
    status = _status(fitted, scores, "p910")
    of_model = np.full((3, len(ratings.subjects)), np.nan)  # a fit of no use has no numbers
    if status == "ok":
        bias_ci95, _ = fitted["observer_bias_ci95"]
        of_model[:] = fitted["observer_bias"], bias_ci95, fitted["observer_inconsistency"]
    return [
        RaterStatistics(
            subject,
            bias,
            ci95,
            inconsistency,
            float(screened.outside[i]),
            None if np.isnan(screened.balance[i]) else float(screened.balance[i]),
            bool(screened.rejected[i]),
            status,
        )
        for i, (subject, (bias, ci95, inconsistency)) in enumerate(
            zip(ratings.subjects, of_model.T.tolist(), strict=True)
        )
    ]


def differential_scores(ratings: Ratings) -> np.ndarray:
    """Differential viewer scores DV = score - score of the hidden reference + highest grade.

    Each rater's own score of the reference of the same sequence is taken (ITU-T P.910, ACR-HR;
    5 for five grades), so the highest grade means "as good as the reference". DV above it, a
    clip preferred to its reference, is kept as it is (no crushing). Stimuli whose sequence has
    no hidden reference are NaN. Their means are DMOS on the P.910 scale; the loss DMOS of the
    BL-JUNIPER paper ("close to 0") is the highest grade minus that.
    """
    rows = _reference_rows(ratings.stimuli)
    found = np.array([rows.get(stimulus.sequence, -1) for stimulus in ratings.stimuli])
    reference = np.where(found[:, None] >= 0, ratings.scores[found], np.nan)
    return ratings.scores - reference + ratings.scale[1]


@dataclass(frozen=True)
class _Screening:
    outside: np.ndarray
    balance: np.ndarray
    rejected: np.ndarray


def _screening(scores: np.ndarray) -> _Screening:
    """BT.500's test of every rater, by the counts of `sureal`.

    A stimulus that all rate equally (a hidden reference: 5 by everyone) has no deviation, but
    `sureal` would count every rater as both above and below it and reject them for it. Such
    stimuli are kept from it; they count in the number of stimuli only.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # stimuli that nobody rated
        differing = np.nanstd(scores, axis=1) > 0
    raters = scores.shape[1]
    if not differing.any():
        none = np.zeros(raters)
        return _Screening(none, np.full(raters, np.nan), none.astype(bool))
    with _quiet():
        import sureal

        fitted = sureal.BT500Model(_reader(scores[differing])).run_modeling()
    counts = np.array(fitted["observer_rejected_1st_stats"]) * differing.sum()
    outside = counts / np.maximum((~np.isnan(scores)).sum(axis=0), 1)  # of those that one rated
    balance = np.array(fitted["observer_rejected_2nd_stats"], dtype=float)
    rejected = (outside > OUTSIDE_SHARE) & (balance < BALANCE)
    if rejected.all():  # nobody would be left: the criterion has no meaning
        rejected[:] = False
    return _Screening(outside, balance, rejected)


def _reference_rows(stimuli: Sequence[Stimulus]) -> dict[str, int]:
    return {s.sequence: row for row, s in enumerate(stimuli) if s.is_reference}


def _reader(scores: np.ndarray) -> Any:
    """The matrix as a data set of `sureal`; names and contents play no part in these models."""
    from sureal.dataset_reader import RawDatasetReader

    return RawDatasetReader(
        SimpleNamespace(
            ref_videos=[{"content_id": 0, "path": "reference"}],
            dis_videos=[
                {"content_id": 0, "asset_id": row, "path": str(row), "os": list(given)}
                for row, given in enumerate(scores)
            ],
        )
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the iterations that `sureal` prints and its divisions by zero (0 outside of 0)."""
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        yield
