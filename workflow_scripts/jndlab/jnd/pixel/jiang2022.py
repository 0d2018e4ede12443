"""Pixel-wise JND from above, by a Karhunen-Loeve transform (Jiang et al., IEEE TIP 31, 2022).

A picture is taken apart into the principal components of its own 8x8 blocks. Its critical
perceptually lossless (CPL) version keeps the first of them; the JND is what it lacks. How many are
kept follows from an experiment of the authors with 500 pictures: the share of the energy in the
components up to the critical one has a Weibull distribution, whose density weights the components.

Numbers and order of the steps as in the authors' program: kernel of the blocks' covariance,
coefficients of the blocks as they are (with their mean), edges spared (Canny at 60 grey levels of
gradient, 3 pixels to each side, nothing is left on them). A deviation: rows and columns beyond the
last whole block, which the program cuts off, are repeated into one.
"""

from __future__ import annotations

import numpy as np

from jndlab.jnd.pixel.parts import edge_protection, strongest_gradient

SIDE = 8
SHAPE, SCALE = 894.16, 0.99805  # of the Weibull distribution of the share of energy
EDGE, MOST = 60.0, 0.8  # grey levels; share of the strongest gradient


def jiang2022_jnd(luma: np.ndarray) -> np.ndarray:
    """JND map (H x W, float32, grey levels) of luma (H x W, 0..255); 0 on sharp edges."""
    difference = np.abs(luma.astype(np.float32) - lossless_version(luma))
    strongest = float(strongest_gradient(luma).max())
    threshold = min(EDGE / strongest, MOST) if strongest > 0 else MOST
    return difference * edge_protection(luma, threshold=threshold, radius=3, strength=1.0, blur=5)


def lossless_version(luma: np.ndarray, components: int | None = None) -> np.ndarray:
    """The CPL version of luma (H x W, 0..255; float32) from a number of components (1..64).

    None takes :func:`critical_point`.
    """
    height, width = luma.shape
    padding = ((0, -height % SIDE), (0, -width % SIDE))
    whole = np.pad(luma.astype(np.float64), padding, mode="edge")
    rows, columns = whole.shape[0] // SIDE, whole.shape[1] // SIDE
    blocks = whole.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(-1, SIDE * SIDE)
    kernel = np.linalg.eigh(np.cov(blocks, rowvar=False))[1][:, ::-1]  # largest variance first
    coefficients = blocks @ kernel
    kept = components or critical_point(np.square(coefficients).mean(axis=0))
    lossless = coefficients[:, :kept] @ kernel[:, :kept].T
    tiled = lossless.reshape(rows, columns, SIDE, SIDE).swapaxes(1, 2).reshape(whole.shape)
    return tiled[:height, :width].astype(np.float32)


def critical_point(energies: np.ndarray) -> int:
    """How many components are kept, of their energies in order: their mean place, rounded up.

    Component k weighs as the Weibull density at the share of the energy in the first k.
    """
    total = energies.sum()
    shares = np.cumsum(energies) / total if total else np.ones(len(energies))
    relative = shares / SCALE
    weights = relative ** (SHAPE - 1) * np.exp(-(relative**SHAPE))
    places = np.arange(1, len(energies) + 1)
    return int(np.ceil(np.sum(places * weights) / weights.sum()))
