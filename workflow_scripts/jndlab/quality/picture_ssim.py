"""SSIM of the luma of two pictures in memory (Wang et al. 2004)."""

from __future__ import annotations

import numpy as np
from skimage.metrics import structural_similarity

from jndlab.media.patches import luma_of

K1, K2 = 0.01, 0.03
SIGMA = 1.5


def picture_ssim(reference: np.ndarray, distorted: np.ndarray, *, k2: float = K2) -> float:
    """Mean SSIM, at most 1, of the luma of RGB pictures (H x W x 3, uint8) of one size.

    Gaussian window of 11 x 11 with sigma 1.5 at all positions where it is whole, full scale 255
    (Wang et al. 2004). VP-JND's program has ``k2 = 0.02``.
    """
    x, y = (luma_of(picture).astype(np.float32) for picture in (reference, distorted))
    return float(
        structural_similarity(
            x,
            y,
            data_range=255,
            gaussian_weights=True,
            sigma=SIGMA,
            use_sample_covariance=False,
            K1=K1,
            K2=k2,
        )
    )
