"""Pixel-wise JND of luminance adaptation and texture masking (Yang et al., 2005): NAMM.

Nonlinear additivity model for masking (IEEE TCSVT 15(6) and Signal Processing: Image Communication
20(7)): ``JND = T_l + T_t - 0.3 min(T_l, T_t)``, ``T_t = 0.117 G W`` with G the strongest gradient
and W small on edges. Assumptions: 0.117 for luma as later papers cite it; the edge weights (Canny
at 0.5 of the strongest gradient, 6 pixels to each side, 0.95 taken away) as a public program of the
model has them, which replaces 0.117 by the background-dependent slope and offset of Chou & Li.
"""

from __future__ import annotations

import numpy as np

from jndlab.jnd.pixel.parts import (
    background_luminance,
    edge_protection,
    fuse,
    luminance_adaptation,
    strongest_gradient,
)

TEXTURE_GAIN = 0.117


def yang2005_jnd(luma: np.ndarray) -> np.ndarray:
    """JND map (H x W, float32, grey levels) of luma (H x W, 0..255)."""
    adaptation = luminance_adaptation(background_luminance(luma))
    weights = edge_protection(luma, threshold=0.5, radius=6, strength=0.95, blur=7)
    return fuse(adaptation, np.float32(TEXTURE_GAIN) * strongest_gradient(luma) * weights)
