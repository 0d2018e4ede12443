"""ERJND, the just noticeable difference of energy reduction, and the two prefilters made of it.

One threshold for each 8x8 luma block, from its structural contrast alone (Ki et al., IEEE TIP
2018), takes the same magnitude from all DCT coefficients (:class:`ErjndPrefilter`). IQNet (2024)
adds a weight for each frequency, boundary overlap and the preservation of minor edges
(:class:`IqnetFilter`). Luma is on the scale 0..255.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlab.errors import UserError
from jndlab.files import number_of, read_utf8
from jndlab.jnd.dct import BLOCK, dct_blocks, idct_blocks, radial_frequency
from jndlab.jnd.edges import CANNY_DETAIL, CANNY_MAIN, checked_thresholds, minor_edges
from jndlab.jnd.prefilter import Prefilter
from jndlab.media.blocks import contiguous_blocks, merge_blocks, pad_to_multiple, split_blocks

# Visual angle of a pixel in degrees at the 1.8963 picture heights of a 1080-line screen for
# which JNQD was made. Only the `csf` weighting depends on it: the threshold does not.
DEGREES_PER_PIXEL = 2 * math.degrees(math.atan(1 / (2 * 1.8963 * 1080)))

# No block of 8-bit samples that is not flat has less energy than 63/64, none of 10 bit less
# than a sixteenth of that; what a flat block has is the rounding error of its DC (about 1e-6).
FLAT_ENERGY = 1e-3

# Blocks that are filtered at once, for the processor's cache. BLAS takes up to 48 of them in one
# step and rounds otherwise in the last, shorter one: multiples of 48 round as the whole plane does.
AT_ONCE = 1920


class StructuralContrast(NamedTuple):
    """Of each block: spectral spread (>= 1), contrast intensity, and their index tau."""

    kappa: np.ndarray
    contrast: np.ndarray
    index: np.ndarray  # type: ignore[assignment] # tau of the paper, not tuple.index


def structural_contrast(coefficients: np.ndarray) -> StructuralContrast:
    """Structural contrast index of blocks, from their DCT coefficients ``(..., 8, 8)``.

    Bae & Kim, IEEE TIP 2014, as used by JNQD: over the 63 AC coefficients C at the radial
    frequencies w, ``E = sum C^2``, ``kappa = E sum(w^4 C^2) / sum(w^2 C^2)^2``,
    ``contrast = sqrt(E) / 1020``, ``index = kappa^-0.7 contrast^1.4``. A scale of w cancels,
    so the viewing distance does not matter. A flat block has kappa 1 and index 0.
    """
    flat = coefficients.reshape(-1, BLOCK * BLOCK)
    moments = np.square(flat) @ _moment_weights(flat.dtype)
    energy, second, fourth = moments.T.astype(np.float64, order="C")
    without = ~(energy > FLAT_ENERGY)
    energy[without], second[without] = 0, 1
    kappa = energy * fourth / (second * second)
    kappa[without] = 1
    contrast = np.sqrt(energy) / (BLOCK * 255 / 2)
    index = kappa**-0.7 * contrast**1.4
    shape = coefficients.shape[:-2]
    return StructuralContrast(kappa.reshape(shape), contrast.reshape(shape), index.reshape(shape))


@lru_cache(maxsize=2)
def _moment_weights(dtype: np.dtype) -> np.ndarray:
    """Weights (64, 3) of squared coefficients: 1 (but 0 for DC), w^2 and w^4."""
    squared_frequency = radial_frequency().reshape(-1) ** 2
    powers = np.stack([squared_frequency > 0, squared_frequency, squared_frequency**2], axis=1)
    return powers.astype(dtype)


def erjnd_threshold(coefficients: np.ndarray) -> np.ndarray:
    """ERJND of blocks, from their DCT coefficients ``(..., 8, 8)``: ``42.5 tau^0.54`` (float64).

    The magnitude by which every coefficient may shrink unseen; 0 for flat blocks, below 42.5.
    """
    return 42.5 * structural_contrast(coefficients).index ** 0.54


def frequency_weights(weighting: str) -> np.ndarray:
    """Weights (8x8, within 0..1) by which the threshold is multiplied.

    ``weighting`` is a name of :data:`WEIGHTINGS`, or the path of a CSV file: eight rows of eight
    numbers, vertical frequency downwards, horizontal to the right, DC first. Raises UserError for
    any other name, and for a file that does not hold 64 weights.
    """
    if weighting in WEIGHTINGS:
        return WEIGHTINGS[weighting]()
    if str(weighting).endswith(".csv"):
        return _weights_of_file(Path(weighting))
    raise UserError(
        f"there is no frequency weighting '{weighting}'.",
        where="option weighting",
        expected="one of " + ", ".join(WEIGHTINGS) + ", or the path of a CSV file of 8x8 weights",
    )


def filter_blocks(
    luma: np.ndarray,
    thresholds: Callable[[np.ndarray, np.ndarray], np.ndarray],
    overlap: bool,
    bit_depth: int = 8,
) -> np.ndarray:
    """Soft-threshold the DCT of a luma plane (H x W of ``bit_depth``); float32 on 0..255.

    ``thresholds(blocks, coefficients)``, both ``(blocks, 8, 8)``, returns the thresholds
    ``T`` of ``sign(C) max(|C| - T, 0)``. With ``overlap`` a second grid 4 px below and right of
    the first, which leaves out an outer ring of 4 px, is filtered too, and the mean of both taken
    where both are (IQNet, section II). Sizes that are no multiple of 8 are completed by repeating
    the last row and column, then cropped.
    """

    def removed(plane: np.ndarray) -> np.ndarray:
        blocks = contiguous_blocks(split_blocks(plane, BLOCK))
        flat = blocks.reshape(-1, BLOCK, BLOCK)
        taken = np.empty(flat.shape, np.float32)
        for first in range(0, len(flat), AT_ONCE):
            part = to_scale_255(flat[first : first + AT_ONCE], bit_depth)
            coefficients = dct_blocks(part)
            threshold = np.asarray(thresholds(part, coefficients), coefficients.dtype)
            np.minimum(coefficients, threshold, out=coefficients)  # `clip` takes ten times as long
            np.maximum(coefficients, -threshold, out=coefficients)
            taken[first : first + AT_ONCE] = idct_blocks(coefficients)
        return merge_blocks(taken.reshape(blocks.shape))

    # Subtracting what is taken away, and not transforming back what is left, keeps a picture
    # from which nothing is taken exact.
    height, width = luma.shape
    padded = pad_to_multiple(luma, BLOCK)
    difference = removed(padded)
    half = BLOCK // 2
    inside = (slice(half, -half), slice(half, -half))
    if overlap and padded[inside].size:
        difference[inside] += removed(padded[inside])
        difference[inside] *= 0.5
    samples = padded if bit_depth == 8 else to_scale_255(padded, bit_depth)
    return np.subtract(samples, difference, out=difference)[:height, :width]


class ErjndPrefilter(Prefilter):
    """ERJND as published in 2018: ``alpha * ERJND`` is taken from all 64 coefficients of the luma.

    alpha    0 (nothing) .. 1 (all of the just noticeable difference). Default 0.5, the middle of
             the range: an assumption, since no paper names one for ERJND alone.

    Rounded once, at the end. 10-bit luma is filtered on the scale 0..255 in steps of 1/4 and keeps
    its precision.
    """

    def __init__(self, *, alpha: float = 0.5) -> None:
        self.alpha = _checked_alpha(alpha)

    def filter_luma(self, luma: np.ndarray, bit_depth: int, qp: int | None = None) -> np.ndarray:
        """Filter one plane (H x W, uint8 or uint16); ``qp`` plays no part."""
        return _filtered(luma, bit_depth, self.alpha, frequency_weights("flat"), overlap=False)


class IqnetFilter(Prefilter):
    """IQNet's filter at one scale: ``alpha * ERJND * weight``, boundary overlap, minor edges kept.

    The paper's training data are made by it; its network learns it at an alpha for each patch.

    alpha          0 .. 1, as for :class:`ErjndPrefilter`.
    weighting      see :func:`frequency_weights`. There is no default: IQNet prints its weights
                   only as a picture (Fig. 4), and whichever are used is an assumption.
    overlap        average two block grids against block edges.
    minor_edges    keep the original pixels on minor edges, after the averaging.
    canny_main     thresholds (low, high) on 0..255 of the detector of main edges, and
    canny_detail   of the detector of details: assumptions, see :mod:`jndlab.jnd.edges`.

    Precision and rounding as in :class:`ErjndPrefilter`; edges are found in the picture rounded
    to 8 bit.
    """

    def __init__(
        self,
        *,
        alpha: float,
        weighting: str,
        overlap: bool = True,
        minor_edges: bool = True,
        canny_main: Sequence[float] = CANNY_MAIN,
        canny_detail: Sequence[float] = CANNY_DETAIL,
    ) -> None:
        for name, value in (("overlap", overlap), ("minor_edges", minor_edges)):
            if not isinstance(value, bool):
                raise UserError(
                    f"option {name} is neither true nor false.", expected=f"found {value!r}"
                )
        self.alpha, self.overlap, self.minor_edges = _checked_alpha(alpha), overlap, minor_edges
        self.weights = frequency_weights(weighting)
        self.canny_main = checked_thresholds("canny_main", canny_main)
        self.canny_detail = checked_thresholds("canny_detail", canny_detail)

    def filter_luma(self, luma: np.ndarray, bit_depth: int, qp: int | None = None) -> np.ndarray:
        """Filter one plane (H x W, uint8 or uint16); ``qp`` plays no part."""
        result = _filtered(luma, bit_depth, self.alpha, self.weights, self.overlap)
        if self.minor_edges:
            luma_8bit = luma if bit_depth == 8 else from_scale_255(to_scale_255(luma, bit_depth), 8)
            keep = minor_edges(luma_8bit, self.canny_main, self.canny_detail)
            np.copyto(result, luma, where=keep)
        return result


def _filtered(
    luma: np.ndarray, bit_depth: int, alpha: float, weights: np.ndarray, overlap: bool
) -> np.ndarray:
    weights = weights.astype(np.float32)

    def thresholds(_blocks: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        scale = (alpha * erjnd_threshold(coefficients)).astype(np.float32)
        return scale[..., np.newaxis, np.newaxis] * weights

    return from_scale_255(filter_blocks(luma, thresholds, overlap, bit_depth), bit_depth)


def _checked_alpha(alpha: float) -> float:
    is_number = isinstance(alpha, (int, float)) and not isinstance(alpha, bool)
    if not (is_number and 0 <= alpha <= 1):
        raise UserError(
            "option alpha is not a scale of ERJND.",
            expected=f"a number from 0 to 1, found {alpha!r}",
        )
    return float(alpha)


def to_scale_255(luma: np.ndarray, bit_depth: int) -> np.ndarray:
    """Samples of 8 or more bits as float32 on the scale 0..255 (10 bit: steps of 1/4)."""
    samples = luma.astype(np.float32)
    return samples if bit_depth == 8 else samples / np.float32(1 << (bit_depth - 8))


def from_scale_255(luma: np.ndarray, bit_depth: int) -> np.ndarray:
    """The inverse of :func:`to_scale_255`, rounded and clipped; ``luma`` is overwritten."""
    if bit_depth != 8:
        luma *= np.float32(1 << (bit_depth - 8))
    np.rint(luma, out=luma)
    np.clip(luma, 0, (1 << bit_depth) - 1, out=luma)
    return luma.astype(np.uint8 if bit_depth == 8 else np.uint16)


def _weights_of_file(path: Path) -> np.ndarray:
    if not path.is_file():
        raise UserError("the file of frequency weights does not exist.", where=str(path))
    rows = [line.split(",") for line in read_utf8(path).splitlines() if line.strip()]
    shape = f"{len(rows)} rows of {', '.join(map(str, sorted({len(row) for row in rows})))} columns"
    try:
        weights = np.array([[number_of(cell) for cell in row] for row in rows])
    except ValueError:
        weights, shape = np.empty(0), "cells that are not numbers, or rows of unequal length"
    if weights.shape != (BLOCK, BLOCK):
        found = shape
    elif not ((weights >= 0) & (weights <= 1)).all():
        found = f"weights from {weights.min():g} to {weights.max():g}"
    else:
        return weights
    raise UserError(
        "the file of frequency weights is not a table of 64 weights.",
        where=str(path),
        expected=f"{BLOCK} rows of {BLOCK} numbers from 0 to 1, separated by commas, without a "
        f"header; found {found}",
    )


def _flat_weights() -> np.ndarray:
    return np.ones((BLOCK, BLOCK))


def _xiang2016_weights() -> np.ndarray:
    # p(u, v) by u + v, attributed to Xiang et al., ISCAS 2016: 0 | 1..2 | 3..6 | 7 and more
    vertical, horizontal = np.mgrid[0:BLOCK, 0:BLOCK]
    return np.array([0.0, 0.25, 0.75, 1.0])[np.digitize(vertical + horizontal, [1, 3, 7])]


def _csf_weights() -> np.ndarray:
    # Base threshold of Bae & Kim (contrast sensitivity with oblique effect), largest one = 1
    radial = radial_frequency()
    vertical, horizontal = np.mgrid[0:BLOCK, 0:BLOCK]
    oblique = np.zeros((BLOCK, BLOCK))  # sin^2 of the direction's angle; 0 at DC
    np.divide(2 * vertical * horizontal, radial**2, out=oblique, where=radial > 0)
    frequency = radial / (2 * BLOCK * DEGREES_PER_PIXEL)  # cycles per degree
    straight = 0.0238 * frequency**2 - 0.1771 * frequency + 1.75
    diagonal = 0.0293 * frequency**2 - 0.1382 * frequency + 1.75
    threshold = (diagonal - straight) * oblique**2 + straight
    return threshold / threshold.max()


WEIGHTINGS: dict[str, Callable[[], np.ndarray]] = {
    "xiang2016": _xiang2016_weights,  # none at DC, more at high frequencies: mean luma is kept
    "flat": _flat_weights,  # ERJND as published: all 64 coefficients, DC too
    "sqrt_xiang2016": lambda: np.sqrt(_xiang2016_weights()),  # the same, if p weighs energy
    "csf": _csf_weights,  # shaped like the contrast sensitivity of the eye
}
