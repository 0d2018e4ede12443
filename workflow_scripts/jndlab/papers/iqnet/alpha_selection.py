"""IQNet: which prefiltered candidate each patch of a training picture is taken from.

IQNet (2024), section II: a picture is prefiltered with a sweep of scales alpha, coded and
decoded; in each 64x64 patch the candidate is taken whose quality score is nearest to, and not
lower than, that of the coded original, with the largest alpha; smooth patches first lose the
candidates whose mean absolute error (MAE) is too far above that of the smallest alpha.
What the paper leaves open is an option of :class:`~jndlab.papers.iqnet.config.SelectionOptions`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from jndlab.errors import UserError
from jndlab.media.blocks import merge_blocks, split_blocks
from jndlab.papers.iqnet.config import NIMA_TOLERANCE, SelectionOptions

PATCH = 64  # side of a patch in samples
# Scores that differ by no more are equal: the same patch in another batch can differ by as much.
EQUAL_SCORES = 1e-3


class Reason(StrEnum):
    """Why a patch got its alpha."""

    SCORE = "score"  # its score is not lower than the reference's
    TOLERANCE = "tolerance"  # none is not lower; its score is lower by at most the tolerance
    SMOOTH_LIMITED = "smooth_limited"  # without the MAE bound another alpha had been taken
    FALLBACK = "fallback"  # all scores are lower by more than the tolerance


class Selection(NamedTuple):
    """Per patch: index into the alphas, why, and whether it counted as smooth."""

    choice: np.ndarray
    reasons: list[Reason]
    smooth: np.ndarray


def select_alphas(
    scores: np.ndarray,
    reference_scores: np.ndarray,
    mae: np.ndarray,
    options: SelectionOptions | None = None,
) -> Selection:
    """Choose a candidate for every patch.

    ``scores`` and ``mae`` are ``(alpha, patch)`` for ascending alphas; higher scores are better.
    ``reference_scores`` ``(patch,)`` are those of the coded originals. Give all patches of the data
    set at once, since ``smooth_quantile`` is a share of them. Patches count as smooth by the MAE of
    the smallest alpha, which a patch gets where nothing is acceptable.

    Raises UserError for NaN or infinite values.
    """
    options = options or SelectionOptions()
    scores, mae = np.asarray(scores, float), np.asarray(mae, float)
    reference_scores = np.asarray(reference_scores, float)
    for name, values in (("score", scores), ("reference score", reference_scores), ("MAE", mae)):
        _require_finite(name, values)
    smooth = _smooth_patches(mae[0], options)
    admitted = np.ones(scores.shape, bool)
    bounded = ~smooth | (mae <= options.mae_ratio * mae[0])

    choice, kind = _choose(scores, reference_scores, bounded, options)
    unbounded_choice, _ = _choose(scores, reference_scores, admitted, options)
    limited = choice != unbounded_choice
    reasons = [
        Reason.SMOOTH_LIMITED if is_limited else reason
        for is_limited, reason in zip(limited, kind, strict=True)
    ]
    return Selection(choice, reasons, smooth)


def assemble_training_picture(
    candidates: np.ndarray, choice: np.ndarray, patch: int = PATCH
) -> np.ndarray:
    """Put the chosen patches of the candidates ``(alpha, H, W)`` together to one picture.

    ``choice`` is the grid ``(H // patch, W // patch)`` of alpha indices. Samples right of and
    below the last whole patch are left out. The candidates are the prefiltered pictures before
    coding, of any sample type.
    """
    patches = split_blocks(candidates, patch, partial="drop")
    if choice.shape != patches.shape[1:3] or choice.size == 0:
        raise ValueError(
            f"a choice of shape {choice.shape} does not fit {patches.shape[1:3]} patches a picture"
        )
    rows, columns = np.indices(choice.shape)
    return merge_blocks(patches[choice, rows, columns])


def _smooth_patches(mae_of_smallest: np.ndarray, options: SelectionOptions) -> np.ndarray:
    if options.smooth_absolute is not None:
        return mae_of_smallest <= options.smooth_absolute
    if options.smooth_quantile == 0 or mae_of_smallest.size == 0:
        return np.zeros(mae_of_smallest.shape, bool)
    return mae_of_smallest <= np.quantile(mae_of_smallest, options.smooth_quantile)


def _choose(
    scores: np.ndarray, reference: np.ndarray, admitted: np.ndarray, options: SelectionOptions
) -> tuple[np.ndarray, list[Reason]]:
    """Apply the score rule to the admitted candidates; every patch has one at least."""
    shortfall = reference - scores  # positive where the candidate is worse
    not_lower = admitted & (shortfall <= EQUAL_SCORES)
    tolerance = NIMA_TOLERANCE if options.tolerance is None else options.tolerance
    tolerated = admitted & (shortfall <= tolerance)
    any_not_lower, any_tolerated = not_lower.any(axis=0), tolerated.any(axis=0)

    eligible = np.where(any_not_lower, not_lower, tolerated)
    if options.tie_mode == "closest":
        distance = np.where(eligible, np.abs(shortfall), np.inf)
        eligible &= distance <= distance.min(axis=0) + EQUAL_SCORES
    largest = len(scores) - 1 - eligible[::-1].argmax(axis=0)
    choice = np.where(eligible.any(axis=0), largest, 0)
    reasons = [
        Reason.SCORE if good else Reason.TOLERANCE if fair else Reason.FALLBACK
        for good, fair in zip(any_not_lower, any_tolerated, strict=True)
    ]
    return choice, reasons


def _require_finite(name: str, values: np.ndarray) -> None:
    patches = np.unique(np.nonzero(~np.isfinite(values))[-1])
    if len(patches):
        raise UserError(
            f"the {name} of {len(patches)} patches is not a finite number.",
            where="patches " + ", ".join(map(str, patches[:10])),
            remedy="score these patches again; a scorer that returns NaN cannot be used.",
        )
