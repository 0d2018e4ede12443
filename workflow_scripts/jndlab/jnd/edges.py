"""Minor edges: contours that a sensitive Canny detector finds and a strict one does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jndlab.errors import UserError

# IQNet names two detectors and prints no thresholds: these are the suite's assumption, for
# OpenCV's Canny on luma 0..255 with aperture 3 and the L2 norm of the gradient.
CANNY_MAIN = (100.0, 200.0)
CANNY_DETAIL = (50.0, 100.0)


def minor_edges(
    luma: np.ndarray,
    main: Sequence[float] = CANNY_MAIN,
    detail: Sequence[float] = CANNY_DETAIL,
) -> np.ndarray:
    """Boolean map (H x W) of the pixels on edges of ``detail`` that are no edges of ``main``.

    ``luma`` is uint8; the thresholds are pairs (low, high) of :func:`cv2.Canny`. IQNet (2024),
    section II, where prefiltering is undone at these pixels. The edges are not dilated.
    """
    import cv2  # costs 0.2 s: only those who ask for edges pay

    # The gradients that Canny would compute by itself, once for both.
    luma = np.ascontiguousarray(luma)
    gradients = cv2.spatialGradient(luma, None, None, 3, cv2.BORDER_REPLICATE)

    def edges(thresholds: Sequence[float]) -> np.ndarray:
        low, high = thresholds
        return cv2.Canny(*gradients, low, high, L2gradient=True)  # 0 or 255

    return edges(detail) > edges(main)


def checked_thresholds(name: str, thresholds: Sequence[float]) -> tuple[float, float]:
    """A pair (low, high) with 0 <= low <= high; UserError naming the option if it is none."""
    try:
        low, high = (float(value) for value in thresholds)
    except (TypeError, ValueError):
        low, high = 1.0, 0.0
    if isinstance(thresholds, str) or not 0 <= low <= high < float("inf"):
        raise UserError(
            f"option {name} is not a pair of Canny thresholds.",
            expected=f"[low, high] with 0 <= low <= high, found {thresholds!r}",
        )
    return low, high
