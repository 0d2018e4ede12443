"""LR-JNQD, the prefilter that scales ERJND by QP and block with a linear regression.

Ki et al., "Learning-based just-noticeable-quantization-distortion modeling for perceptual video
coding", IEEE TIP 2018. Six features of each 8x8 luma block and twelve weights for each QP give
the line by which the visibility of quantisation grows with the reduction of energy; the block's
``alpha`` is where this line reaches 1. All coefficients, DC too, are soft-thresholded by
``alpha * ERJND``; there is no overlap and no edge preservation.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.dct import BLOCK
from jndlab.jnd.erjnd import (
    erjnd_threshold,
    filter_blocks,
    from_scale_255,
    structural_contrast,
    to_scale_255,
)
from jndlab.jnd.prefilter import Prefilter

EPS = float(np.finfo(np.float64).eps)  # keeps the logarithms finite; its size is an assumption


class VisibilityWeights(NamedTuple):
    """Weights of the six features, in the order of :func:`block_features`."""

    gradient: tuple[float, ...]
    offset: tuple[float, ...]


# Per QP, as published with the method (shki1004/JNQD on GitHub).
WEIGHTS: dict[int, VisibilityWeights] = {
    22: VisibilityWeights(
        gradient=(0.11134, -0.06487, 0.03772, 0.09459, 0.15945, 1.08009),
        offset=(0.0318, -0.0631, 0.0475, 0.0068, -0.1913, -0.2250),
    ),
    27: VisibilityWeights(
        gradient=(0.3012, -0.07886, 0.09374, 0.13266, 0.11378, 0.54109),
        offset=(-0.4134, -0.0331, -0.1112, -0.0699, -0.1558, 0.7283),
    ),
    32: VisibilityWeights(
        gradient=(0.37367, -0.04061, 0.1365, 0.14883, 0.04475, -0.11385),
        offset=(-0.7386, -0.0158, -0.2685, -0.1363, -0.0983, 1.7837),
    ),
    37: VisibilityWeights(
        gradient=(0.30266, -0.02738, 0.11794, 0.11527, 0.02683, -0.20019),
        offset=(-0.7525, 0.0494, -0.3136, -0.1335, -0.0977, 2.0304),
    ),
}


class LrJnqdPrefilter(Prefilter):
    """The prefilter; it has no options, and weights for QP 22, 27, 32 and 37 only."""

    per_qp: ClassVar[bool] = True

    def filter_luma(self, luma: np.ndarray, bit_depth: int, qp: int | None) -> np.ndarray:
        """Filter one plane (H x W, uint8 or uint16) for an encode at ``qp``.

        Raises UserError for a QP for which no weights were published.
        """
        if qp not in WEIGHTS:
            raise UserError(
                f"LR-JNQD has no weights for QP {qp}.",
                expected="one of the published QPs: " + ", ".join(map(str, WEIGHTS)),
                remedy="leave this QP or this method out.",
            )

        def thresholds(blocks: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
            alpha = visibility_alpha(block_features(blocks, coefficients), qp)
            return (alpha * erjnd_threshold(coefficients))[..., np.newaxis, np.newaxis]

        filtered = filter_blocks(to_scale_255(luma, bit_depth), thresholds, overlap=False)
        return from_scale_255(filtered, bit_depth)


def block_features(blocks: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """The six features ``(..., 6)`` of blocks ``(..., 8, 8)`` on 0..255 and their DCT.

    Michelson contrast, ln(standard deviation), minus slope and intercept of the magnitude
    spectrum on ln-ln axes, ln(structural contrast index), 1. Some are NaN in flat blocks,
    where ERJND is 0.

    Assumptions where the paper is open: sample standard deviation (n - 1); EPS added under both
    logarithms; spectrum as in :func:`spectral_line`.
    """
    largest, smallest = blocks.max(axis=(-2, -1)), blocks.min(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = (largest - smallest) / (largest + smallest)
    deviation = blocks.std(axis=(-2, -1), ddof=1)
    slope, intercept = spectral_line(blocks)
    index = structural_contrast(coefficients).index
    return np.stack(
        [
            contrast,
            np.log(deviation + EPS),
            -slope,
            intercept,
            np.log(index + EPS),
            np.ones_like(index),
        ],
        axis=-1,
    )


def spectral_line(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept of ln(magnitude) over ln(frequency) of blocks; NaN for flat ones.

    Assumptions, all of them: the block (mean not removed) times the symmetric Hann window, plain
    DFT; magnitudes averaged in four rings by the radius rounded to 1, 2, 3, 4 cycles per block;
    least squares over the four; frequency in cycles per pixel. Of the readings tried (mean
    removed or not, luma 0..1 or 0..255, DFT normalised or not, frequency per block or per
    pixel) this is the plainest under which the filter weakens as QP grows, as the authors'
    networks trained on LR-JNQD do.
    """
    cycles = np.fft.fftfreq(BLOCK, 1 / BLOCK)
    radius = np.rint(np.hypot(cycles[:, np.newaxis], cycles)).reshape(-1)
    rings = np.arange(1, BLOCK // 2 + 1)
    members = (radius[:, np.newaxis] == rings).astype(blocks.dtype)
    fit = np.linalg.pinv(np.stack([np.log(rings / BLOCK), np.ones(len(rings))], axis=1))

    window = np.hanning(BLOCK).astype(blocks.dtype)
    magnitude = np.abs(np.fft.fft2(blocks * np.outer(window, window)))
    averages = magnitude.reshape(-1, BLOCK * BLOCK) @ (members / members.sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        line = np.log(averages.astype(np.float64)) @ fit.T
    slope, intercept = line.T.reshape(2, *blocks.shape[:-2])
    return slope, intercept


def visibility_alpha(features: np.ndarray, qp: int) -> np.ndarray:
    """Scale of ERJND, 0..1, of blocks from their features ``(..., 6)``.

    With gradient g and offset o of the visibility line: ``clip((1 - o) / g, 0, 1)``; where g is
    0, 0 if o is above 1, else 1; where a feature is NaN, 0.
    """
    gradient = features @ np.array(WEIGHTS[qp].gradient)
    offset = features @ np.array(WEIGHTS[qp].offset)
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = np.clip((1 - offset) / gradient, 0, 1)
    alpha = np.where(gradient == 0, np.where(offset > 1, 0.0, 1.0), alpha)
    return np.where(np.isnan(alpha) | np.isnan(offset), 0.0, alpha)
