"""LR-JNQD, the prefilter that scales ERJND by QP and block with a linear regression.

Ki et al., "Learning-based just-noticeable-quantization-distortion modeling for perceptual video
coding", IEEE TIP 2018. Six features of each 8x8 luma block and twelve weights for each QP give
the line by which the visibility of quantisation grows with the reduction of energy; the block's
``alpha`` is where this line reaches 1. All coefficients, DC too, are soft-thresholded by
``alpha * ERJND``; there is no overlap and no edge preservation. The published weights were fitted
for all-intra HEVC; IQNet's paper, and the suite, use them for VVC and low delay too.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.dct import BLOCK
from jndlab.jnd.erjnd import (
    erjnd_threshold,
    filter_blocks,
    from_scale_255,
    structural_contrast,
)
from jndlab.jnd.prefilter import Prefilter

EPS = float(np.finfo(np.float64).eps)  # keeps the logarithms finite


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

        filtered = filter_blocks(luma, thresholds, overlap=False, bit_depth=bit_depth)
        return from_scale_255(filtered, bit_depth)


def block_features(blocks: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """The six features ``(..., 6)`` of blocks ``(..., 8, 8)`` on 0..255 and their DCT.

    Michelson contrast, ln(sample standard deviation + EPS), minus slope and intercept of the
    magnitude spectrum on ln-ln axes (:func:`spectral_line`), ln(structural contrast index + EPS),
    1: as in the authors' code (shki1004/JNQD on GitHub). Some are NaN in black blocks, where ERJND
    is 0.
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
    """Slope and intercept of ln(magnitude) over ln(frequency) of blocks ``(..., 8, 8)``.

    As in the authors' code: the block (mean not removed) times 0.5 (1 - cos(2 pi k / 9)), k = 1..8,
    in both directions; magnitude of the 2-D DFT, its DC replaced by the mean of its two
    neighbours; mean over each circle of 1, 2, 3, 4 cycles per block (:func:`_circles`); least
    squares over the four, frequency in cycles per pixel. NaN or infinite for black blocks.
    """
    cycles = np.arange(1, BLOCK // 2 + 1)
    fit = np.linalg.pinv(np.stack([np.log(cycles / BLOCK), np.ones(len(cycles))], axis=1))
    phase = 2 * np.pi * np.arange(1, BLOCK + 1) / (BLOCK + 1)
    window = (0.5 * (1 - np.cos(phase))).astype(blocks.dtype)
    magnitude = np.abs(np.fft.fft2(blocks * np.outer(window, window)))
    magnitude[..., 0, 0] = (magnitude[..., 1, 0] + magnitude[..., 0, 1]) / 2
    averages = magnitude.reshape(-1, BLOCK * BLOCK) @ _circles().astype(magnitude.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        line = np.log(averages.astype(np.float64)) @ fit.T
    slope, intercept = line.T.reshape(2, *blocks.shape[:-2])
    return slope, intercept


@cache
def _circles() -> np.ndarray:
    """Weights (64, 4) of the DFT samples in the means over the circles of radius 1..4.

    360 points a circle, each bilinear between the four samples around it. On negative coordinates
    the authors' code exchanges the weights of the two samples; it is kept, since the published
    regression was fitted to features made so.
    """
    radius = np.arange(1, BLOCK // 2 + 1)[:, np.newaxis]
    angle = 2 * np.pi * np.arange(360) / 360

    def axis(place: np.ndarray) -> np.ndarray:  # (radius, angle, sample)
        size, sign = np.abs(place), np.sign(place).astype(int)
        near, far = np.floor(size).astype(int), np.ceil(size).astype(int)
        of_far = np.where(sign < 0, far - size, size - near)
        samples = np.eye(BLOCK)
        nearest, farthest = (samples[(sign * sample) % BLOCK] for sample in (near, far))
        return (1 - of_far[..., np.newaxis]) * nearest + of_far[..., np.newaxis] * farthest

    rows, columns = axis(radius * np.sin(angle)), axis(radius * np.cos(angle))
    means = np.einsum("rax,ray->rxy", rows, columns) / len(angle)
    return means.reshape(len(radius), -1).T


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
