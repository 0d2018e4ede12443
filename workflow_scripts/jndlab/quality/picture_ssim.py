"""SSIM and MS-SSIM of the luma of two pictures in memory (Wang et al. 2003, 2004)."""

from __future__ import annotations

import cv2
import numpy as np

from jndlab.errors import UserError
from jndlab.media.patches import luma_of

K1, K2 = 0.01, 0.03
WINDOW, SIGMA = 11, 1.5
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # fine to coarse, Wang et al. 2003


def picture_ssim(reference: np.ndarray, distorted: np.ndarray, *, k2: float = K2) -> float:
    """Mean SSIM, at most 1, of the luma of RGB pictures (H x W x 3, uint8) of one size.

    Gaussian window of 11 x 11 with sigma 1.5 at all positions where it is whole, full scale 255
    (Wang et al. 2004). VP-JND's program has ``k2 = 0.02``.
    """
    x, y = _planes(reference, distorted)
    return _similarity(x, y, k2)[0]


def picture_ms_ssim(reference: np.ndarray, distorted: np.ndarray) -> float:
    """MS-SSIM, 0..1, of the luma of RGB pictures (H x W x 3, uint8) of one size.

    Five scales, each half of the one before by means of 2 x 2 (Wang, Simoncelli & Bovik 2003). A
    picture in which the window does not fit at all five (less than 176 pixels high or wide) has
    fewer, with their weights scaled to sum to 1. Negative contrast terms count as 0.
    """
    x, y = _planes(reference, distorted)
    scales: list[tuple[float, float]] = []
    while len(scales) < len(SCALE_WEIGHTS) and min(x.shape) >= WINDOW:
        scales.append(_similarity(x, y, K2))
        x, y = (cv2.resize(p, (p.shape[1] // 2, p.shape[0] // 2), interpolation=cv2.INTER_AREA)
                for p in (x, y))  # fmt: skip
    weights = np.array(SCALE_WEIGHTS[: len(scales)])
    terms = np.array([contrast for _, contrast in scales[:-1]] + [scales[-1][0]])
    return float(np.prod(np.maximum(terms, 0) ** (weights / weights.sum())))


def _planes(reference: np.ndarray, distorted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if reference.shape != distorted.shape or min(reference.shape[:2]) < WINDOW:
        raise UserError(
            "SSIM compares pictures of one size, which hold its window.",
            expected=f"{WINDOW}x{WINDOW} at least; found shapes {reference.shape} and "
            f"{distorted.shape}",
        )
    return luma_of(reference).astype(np.float32), luma_of(distorted).astype(np.float32)


def _similarity(x: np.ndarray, y: np.ndarray, k2: float) -> tuple[float, float]:
    """Mean SSIM, and mean of its contrast and structure terms alone."""
    mean_x, mean_y = _local_mean(x), _local_mean(y)
    covariance = _local_mean(x * y) - mean_x * mean_y
    variances = _local_mean(x * x) - mean_x**2 + _local_mean(y * y) - mean_y**2
    c1, c2 = (K1 * 255) ** 2, (k2 * 255) ** 2
    contrast = (2 * covariance + c2) / (variances + c2)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float((luminance * contrast).mean()), float(contrast.mean())


def _local_mean(plane: np.ndarray) -> np.ndarray:
    border = WINDOW // 2
    return cv2.GaussianBlur(plane, (WINDOW, WINDOW), SIGMA)[border:-border, border:-border]
