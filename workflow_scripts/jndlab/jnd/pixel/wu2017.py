"""Pixel-wise JND with pattern complexity (Wu et al., IEEE TIP 26(6), 2017).

What hides errors is not contrast alone: the more orientations meet around a pixel, the less the
eye makes of them. Follows the formulas of the authors' program, oddities included: orientations of
+90 and -90 degrees, which are one, count as two, and luminance adaptation is not scaled (a public
port in Python takes 0.7 of it).
"""

from __future__ import annotations

import cv2
import numpy as np

from jndlab.jnd.pixel.parts import (
    BORDER,
    background_luminance,
    edge_protection,
    fuse,
    lifted_background,
    local_deviation,
    luminance_adaptation,
    strongest_gradient,
)

BIN_DEGREES = 12
FLAT_GRADIENT = 5.0  # grey levels: weaker gradients have no orientation
FLAT_BIN = 180 // BIN_DEGREES + 1
EDGE_HEIGHT = 60.0
MARGIN = 2  # pixels along the border for which the contrast window is not whole


def wu2017_jnd(luma: np.ndarray) -> np.ndarray:
    """JND map (H x W, float32, grey levels) of luma (H x W, 0..255)."""
    adaptation = luminance_adaptation(lifted_background(background_luminance(luma)))
    return fuse(adaptation, visual_masking(luma))


def visual_masking(luma: np.ndarray) -> np.ndarray:
    """The larger of contrast masking and pattern masking (float32, grey levels).

    Contrast masking ``1.84 L^2.4 / (L^2 + 26^2)`` with L the local deviation; pattern masking
    ``0.3 L P^2.7 / (P^2 + 1)`` with P the pattern complexity, less along edges.
    """
    contrast = np.zeros(luma.shape, np.float32)
    inside = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    contrast[inside] = local_deviation(luma, 5)[inside]
    by_contrast = 1.84 * cv2.pow(contrast, 2.4) / (contrast * contrast + 26**2)
    complexity = cv2.GaussianBlur(pattern_complexity(luma), (3, 3), 1.0, borderType=BORDER)
    by_pattern = 0.3 * contrast * cv2.pow(complexity, 2.7) / (complexity * complexity + 1)
    height = float(strongest_gradient(luma).max())
    threshold = min(EDGE_HEIGHT / height, 0.8) if height > 0 else 0.8
    by_pattern *= edge_protection(luma, threshold=threshold, radius=3, strength=1.0, blur=5)
    return np.maximum(by_contrast, by_pattern)


def pattern_complexity(luma: np.ndarray) -> np.ndarray:
    """How many orientations meet in the 3x3 pixels around each pixel (float32, 1..9).

    Orientations are in bins of 12 degrees; pixels without a gradient make a bin of their own. A
    pixel without a gradient itself, or on the border, has complexity 1.
    """
    slope = np.array([[-1, 0, 1]] * 3, np.float32) / 3
    across = cv2.filter2D(luma, cv2.CV_32F, slope, borderType=BORDER)
    down = cv2.filter2D(luma, cv2.CV_32F, slope.T, borderType=BORDER)
    flat = across * across + down * down < FLAT_GRADIENT**2
    degrees = np.floor(np.degrees(np.arctan2(down, across)) + 0.5)
    degrees = np.where(degrees > 90, degrees - 180, np.where(degrees < -90, degrees + 180, degrees))
    bins = np.floor((degrees + 90) / BIN_DEGREES + 0.5).astype(np.uint32)
    bins[flat] = FLAT_BIN
    seen = np.left_shift(np.uint32(1), bins)  # a bit for each bin, so that a union is an "or"
    seen[:, 1:-1] |= seen[:, :-2] | seen[:, 2:]
    columns = seen.copy()
    seen[1:-1] |= columns[:-2] | columns[2:]
    complexity = np.bitwise_count(seen).astype(np.float32)
    complexity[flat] = 1
    complexity[[0, -1]] = 1
    complexity[:, [0, -1]] = 1
    return complexity
