"""How well blocks mask distortion, by XPSNR: weights that know neither JND nor importance."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jndlab.jnd.block.grid import BlockGrid

TEMPORAL_WEIGHT = 2  # of the difference of frames, next to the spatial high-pass
FAST = 32  # frames/s above which differences are of second order
LARGE = 2048 * 1152  # samples above which the original filter works on half the size


def xpsnr_weights(lumas: Iterable[np.ndarray], grid: BlockGrid, fps: float) -> np.ndarray:
    """Weight of the squared error of each block, frames x rows x columns, mean 1.

    ``lumas`` are planes on the scale 0..255. The weight is the reciprocal of the block's activity:
    mean magnitude of the 3x3 high-pass of the luma plus twice that of the difference to the frame
    before (above 32 frames/s: of second order), at least 4 (Helmrich et al., ICASSP 2020; as in
    FFmpeg's filter ``xpsnr`` for pictures of up to 2048x1152, whose blocks at 1080p are 64x64).
    """
    weights: list[np.ndarray] = []
    before: list[np.ndarray] = []
    for luma in lumas:
        plane = luma.astype(np.float32)
        activity = _inner_means(np.abs(_high_pass(plane)), grid)
        if before:
            order = 2 if fps > FAST and len(before) > 1 else 1
            change = plane - before[-1] if order == 1 else plane - 2 * before[-1] + before[-2]
            activity += TEMPORAL_WEIGHT * grid.means(np.abs(change))
        weights.append(1 / np.maximum(activity, 4))
        before = [*before[-1:], plane]
    found = np.stack(weights)
    return found / found.mean()


def _high_pass(plane: np.ndarray) -> np.ndarray:
    import cv2

    kernel = np.array([[-1, -2, -1], [-2, 12, -2], [-1, -2, -1]], np.float32)
    return cv2.filter2D(plane, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)


def _inner_means(values: np.ndarray, grid: BlockGrid) -> np.ndarray:
    """Mean of each block without the samples on the border of the picture."""
    inside = np.zeros_like(values)
    inside[1:-1, 1:-1] = 1
    return grid.sums(values * inside) / np.maximum(grid.sums(inside), 1)
