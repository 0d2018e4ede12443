"""Cheap saliency models: the spectral residual, and the centre of the picture as a baseline."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from jndlab.jnd.block.pictures import rgb2gray


class SpectralResidual:
    """Spectral residual (Hou & Zhang, CVPR 2007) of the grey picture.

    The residual of the log amplitude spectrum after a 3x3 mean, with the phase as it is, goes back
    to the picture; its squared magnitude is smoothed.

    longest_side   the model works at this size in pixels (the paper: 64) and its map is enlarged.
    sigma          of the Gaussian that smooths the map, in those pixels (2.5 in the code that its
                   authors gave away).
    """

    def __init__(self, *, longest_side: int = 64, sigma: float = 2.5) -> None:
        self.longest_side, self.sigma = longest_side, sigma

    def saliency(self, rgb: np.ndarray) -> np.ndarray:
        """Saliency ``(H, W)``, float32 in 0..1, of RGB ``(H, W, 3)``, uint8."""
        small = reduced(rgb2gray(rgb), self.longest_side).astype(np.float64)
        if np.ptp(small) == 0:  # nothing stands out; its spectrum would be noise of rounding
            return np.zeros(rgb.shape[:2], np.float32)
        spectrum = fft.fft2(small)
        amplitude = np.abs(spectrum)
        # An amplitude of rounding errors only has no phase and, logarithmised, much weight.
        floor = amplitude.max() * np.finfo(np.float64).eps
        logarithm = np.log(np.maximum(amplitude, floor))
        residual = logarithm - ndimage.uniform_filter(logarithm, 3, mode="wrap")
        back = fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
        smooth = ndimage.gaussian_filter(np.square(np.abs(back)), self.sigma)
        return enlarged(stretched(smooth), rgb.shape[:2])


class Centre:
    """A Gaussian around the middle of the picture, whatever is in it: the baseline to beat.

    sigma   as a share of height and width.
    """

    def __init__(self, *, sigma: float = 0.25) -> None:
        self.sigma = sigma

    def saliency(self, rgb: np.ndarray) -> np.ndarray:
        """Saliency ``(H, W)``, float32 in 0..1, of RGB ``(H, W, 3)``, uint8."""
        height, width = rgb.shape[:2]
        down, across = (
            np.exp(-0.5 * (((np.arange(n) + 0.5) / n - 0.5) / self.sigma) ** 2)
            for n in (height, width)
        )
        return np.outer(down, across).astype(np.float32)


def reduced(picture: np.ndarray, longest_side: int) -> np.ndarray:
    """A picture ``(H, W[, 3])`` made so small by area averages; smaller ones stay as they are."""
    import cv2  # costs 0.2 s: only those who resize pay

    height, width = picture.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)


def enlarged(saliency: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A saliency map brought to ``shape`` (height, width) by linear interpolation, float32."""
    import cv2

    size = shape[1], shape[0]
    return cv2.resize(saliency.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)


def stretched(values: np.ndarray) -> np.ndarray:
    """Values brought to 0..1 by their smallest and largest; all 0 where these are equal."""
    smallest, span = values.min(), np.ptp(values)
    return (values - smallest) / span if span > 0 else np.zeros_like(values)
