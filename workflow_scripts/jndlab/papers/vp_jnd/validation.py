"""A trained classifier on its validation pictures: threshold, error, and whether it works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.jnd.quality_search import search_pw_jnd
from jndlab.models.vp_jnd.choice import Classifier, look_at
from jndlab.models.vp_jnd.picture_view import PictureView
from jndlab.training.samplers.coded_pairs import LabelledPicture

SOUND = "sound"
FALLING = -0.5  # rank correlation of logit and quality, above which a curve does not fall
COLLAPSED = 2.0  # times the error of a constant


def logit_curve(
    classifier: Classifier, labelled: LabelledPicture, codec: StillCodec, store: StillStore
) -> np.ndarray:
    """Logits at all of the codec's qualities, worst first, seen by the classifier's own view."""
    view = PictureView(**classifier.use["view"])
    verdict_on = look_at(classifier, labelled.picture, view, codec, store)
    coded = store.sweep(codec, labelled.picture)
    return np.array([verdict_on(one.picture).logit for one in coded])


def best_shift(
    curves: Sequence[np.ndarray], pictures: Sequence[LabelledPicture], qualities: Sequence[int]
) -> float:
    """The threshold of logits with the smallest mean |dQF|; of equal ones that nearest to 0.

    Tried are 201 evenly spaced quantiles of the logits, and 0.
    """
    tried = [0.0, *np.quantile(np.concatenate(curves), np.linspace(0, 1, 201)).tolist()]
    errors = [
        np.abs(errors_of([curve - shift for curve in curves], pictures, qualities)).mean()
        for shift in tried
    ]
    return min(zip(errors, map(abs, tried), tried, strict=True))[-1]


def errors_of(
    curves: Sequence[np.ndarray], pictures: Sequence[LabelledPicture], qualities: Sequence[int]
) -> np.ndarray:
    """Found - label in steps of quality, by the exhaustive search of each curve."""
    found = []
    for curve, picture in zip(curves, pictures, strict=True):
        visible = dict(zip(qualities, curve > 0, strict=True))
        chosen = search_pw_jnd(visible.__getitem__, qualities, "exhaustive").pw_jnd
        found.append(qualities.index(chosen) - qualities.index(picture.pw_jnd))
    return np.array(found)


def examine(
    curves: Sequence[np.ndarray],
    pictures: Sequence[LabelledPicture],
    learned: Sequence[int],
    qualities: Sequence[int],
) -> dict[str, Any]:
    """How a classifier does on validation ``pictures``, next to the median of ``learned`` labels.

    ``state`` is :data:`SOUND`, or says in words that the training failed: logits that do not
    fall with quality on half of the pictures or more, or a mean |dQF| of twice the constant's.
    """
    places = [qualities.index(label) for label in learned]
    constant = qualities[round(float(np.median(places)))]
    of_constant = [
        qualities.index(constant) - qualities.index(picture.pw_jnd) for picture in pictures
    ]
    error = float(np.abs(errors_of(curves, pictures, qualities)).mean())
    error_of_constant = float(np.abs(of_constant).mean())
    falling = float(np.mean([_rank_correlation(curve) < FALLING for curve in curves]))
    state = SOUND
    if falling <= 0.5:
        state = f"collapsed: its logits fall with quality on {100 * falling:.0f} % of pictures"
    elif error > COLLAPSED * error_of_constant:
        state = f"collapsed: mean |dQF| {error:.1f}, that of a constant {error_of_constant:.1f}"
    return {
        "pictures": len(pictures),
        "mean_abs_dqf": error,
        "constant_abs_dqf": error_of_constant,
        "falling": falling,
        "state": state,
    }


def _rank_correlation(curve: np.ndarray) -> float:
    """Spearman's correlation of a curve and its places; 0 where the curve is flat."""
    if np.ptp(curve) == 0:
        return 0.0
    ranks = np.argsort(np.argsort(curve, kind="stable"), kind="stable")
    return float(np.corrcoef(ranks, np.arange(len(curve)))[0, 1])
