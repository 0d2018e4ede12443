"""Shared parts of the pixel-wise JND models: luminance adaptation, gradients, edges, their fusion.

Luma is on the scale 0..255. Every window that reaches over the border sees the border pixels
repeated: the published programs see zeros there, which makes a dark frame and a false edge around
every picture.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

BORDER = cv2.BORDER_REPLICATE
# Weights of the background around a pixel, which itself has none (Chou & Li 1995). Their sum is 32.
_BACKGROUND = np.ones((5, 5), np.float32)
_BACKGROUND[1:4, 1:4] = 2
_BACKGROUND[2, 2] = 0
# Gradient operators of Chou & Li 1995 for horizontal and diagonal edges; each half sums to 16. The
# other two are their quarter turns.
_STRAIGHT = np.zeros((5, 5), np.float32)
_STRAIGHT[1], _STRAIGHT[3] = (1, 3, 8, 3, 1), (-1, -3, -8, -3, -1)
_DIAGONAL = np.array(
    [[0, 0, 1, 0, 0], [0, 8, 3, 0, 0], [1, 3, 0, -3, -1], [0, 0, -3, -8, 0], [0, 0, -1, 0, 0]],
    np.float32,
)
_OPERATORS = [np.rot90(k, turn) / 16 for k in (_STRAIGHT, _DIAGONAL) for turn in (0, 1)]
_CANNY_SIGMA = math.sqrt(2)
_CANNY_LOW = 0.4  # of the high threshold: what MATLAB's edge() takes when it is given one number
_CANNY_SCALE = 30_000.0  # the strongest gradient as OpenCV's 16-bit number


def background_luminance(luma: np.ndarray) -> np.ndarray:
    """Mean luminance around each pixel (float32, 0..255), by the 5x5 weights of Chou & Li."""
    return cv2.filter2D(luma, cv2.CV_32F, _BACKGROUND / 32, borderType=BORDER)


def lifted_background(background: np.ndarray) -> np.ndarray:
    """Whole-numbered background in which darkness begins at 32, as Wu et al. have it.

    ``round(32 + bg * 95 / 127)`` up to 127, unchanged above: a screen is never quite black.
    """
    # 1/64 of a level below half of the smallest step (1/32) absorbs float32 rounding.
    whole = np.floor(background + np.float32(1 / 128))
    return np.where(whole <= 127, np.floor(32 + whole * (95 / 127) + 0.5), whole)


def luminance_adaptation(background: np.ndarray) -> np.ndarray:
    """Threshold by background luminance (Chou & Li 1995, eq. 5), in grey levels.

    ``17 (1 - sqrt(bg / 127)) + 3`` up to 127, ``3 (bg - 127) / 128 + 3`` above: 20 at 0, 3 at
    127, 6 at 255.
    """
    background = background.astype(np.float32)
    dark = 17 * (1 - np.sqrt(background / 127)) + 3
    return np.where(background <= 127, dark, (3 / 128) * (background - 127) + 3).astype(np.float32)


def fuse(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Nonlinear additivity of two masking effects: their sum less 0.3 of the smaller (Yang 2005).

    The overlap is 0.3 for luma.
    """
    return first + second - np.float32(0.3) * np.minimum(first, second)


def strongest_gradient(luma: np.ndarray) -> np.ndarray:
    """Largest response (float32, 0..255) of the four 5x5 operators of Chou & Li."""
    largest = np.zeros(luma.shape, np.float32)
    for operator in _OPERATORS:
        response = cv2.filter2D(luma, cv2.CV_32F, operator, borderType=BORDER)
        np.maximum(largest, np.abs(response, out=response), out=largest)
    return largest


def local_deviation(luma: np.ndarray, size: int) -> np.ndarray:
    """Standard deviation (float32) within a window of ``size`` x ``size``."""
    window = (size, size)
    # Around 128 the squares are small enough for float32 to keep a flat picture at 0.
    centred = luma.astype(np.float32) - 128
    mean = cv2.boxFilter(centred, cv2.CV_32F, window, borderType=BORDER)
    variance = cv2.sqrBoxFilter(centred, cv2.CV_32F, window, borderType=BORDER) - mean * mean
    return np.sqrt(np.maximum(variance, 0))


def edge_protection(
    luma: np.ndarray, *, threshold: float, radius: int, strength: float, blur: int
) -> np.ndarray:
    """Weights 0..1 (float32) that are small on edges, where the eye sees errors well.

    ``1 - strength`` within ``radius`` of the Canny edges, 1 elsewhere, then smoothed by a Gaussian
    of ``blur`` x ``blur`` with sigma 0.8.
    """
    reach = np.arange(-radius, radius + 1)
    disk = (reach[:, None] ** 2 + reach**2 <= radius**2).astype(np.uint8)
    near = cv2.dilate(canny_edges(luma, threshold), disk, borderType=BORDER)
    weights = 1 - np.float32(strength / 255) * near
    return cv2.GaussianBlur(weights, (blur, blur), 0.8, borderType=BORDER)


def canny_edges(luma: np.ndarray, threshold: float) -> np.ndarray:
    """Canny edges (uint8, 0 or 255) with thresholds relative to the picture's strongest gradient.

    As MATLAB's ``edge(luma, 'canny', threshold)``: Gaussian of sigma sqrt(2), low threshold 0.4 of
    the high one. Without any gradient there are no edges.
    """
    smooth = cv2.GaussianBlur(luma.astype(np.float32), (0, 0), _CANNY_SIGMA, borderType=BORDER)
    gradients = [cv2.Sobel(smooth, cv2.CV_32F, *axis, ksize=1) for axis in ((1, 0), (0, 1))]
    largest = float(cv2.magnitude(*gradients).max())
    if largest < 1e-3:  # rounding of a flat picture
        return np.zeros(luma.shape, np.uint8)
    across, down = (np.rint(g * (_CANNY_SCALE / largest)).astype(np.int16) for g in gradients)
    high = threshold * _CANNY_SCALE
    return cv2.Canny(across, down, _CANNY_LOW * high, high, L2gradient=True)
