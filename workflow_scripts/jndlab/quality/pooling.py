"""Pooling of per-frame values of a metric into one value per clip.

Each function takes the frames and the name of their column; the frames are those of a
:class:`~jndlab.quality.full_reference.Measurement`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from jndlab.errors import UserError
from jndlab.quality.decode_check import MEASURE_BIT_DEPTH

Frames = Sequence[Mapping[str, float | None]]


def mean(frames: Frames, column: str) -> float:
    """Arithmetic mean. Raises UserError for a frame without a finite value."""
    return _mean(_finite(frames, column))


def harmonic_mean(frames: Frames, column: str) -> float:
    """libvmaf's harmonic mean of N values, N / sum(1 / (value + 1)) - 1. Raises as ``mean``."""
    values = _finite(frames, column)
    return len(values) / math.fsum(1 / (value + 1) for value in values) - 1


def mean_db(frames: Frames, column: str) -> float | None:
    """Mean of the frames' PSNR in dB, as in the logs of HM and VTM.

    None as soon as one frame's plane is lossless: its PSNR is infinite, and so is the mean.
    """
    values = [frame[column] for frame in frames]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return _mean(finite) if len(finite) == len(values) else None


def psnr_of_mean_mse(frames: Frames, column: str) -> float | None:
    """PSNR in dB of the mean MSE at 10 bit, as in FFmpeg's summary; None when all are lossless."""
    return psnr_of_mse(_mean(_finite(frames, column)), MEASURE_BIT_DEPTH)


def mean_xpsnr(frames: Frames, column: str) -> float | None:
    """XPSNR in dB of the mean root of the weighted MSE, the average of the metric's authors.

    A lossless frame adds no error. None when all frames are lossless.
    """
    # XPSNR of a frame is -20 log10 of its root error, up to a constant of the clip.
    values = [frame[column] for frame in frames]
    roots = [0.0 if x is None or x == math.inf else 10 ** (-x / 20) for x in values]
    mean = _mean(roots)
    return -20 * math.log10(mean) if mean > 0 else None


def psnr_of_mse(mse: float, bit_depth: int) -> float | None:
    """PSNR in dB of a mean squared error at ``bit_depth``; None (infinite) when it is 0."""
    return 10 * math.log10(((1 << bit_depth) - 1) ** 2 / mse) if mse > 0 else None


def _finite(frames: Frames, column: str) -> list[float]:
    values = []
    for frame in frames:
        value = frame[column]
        if value is None or not math.isfinite(value):
            raise UserError(
                f"'{column}' of frame {frame.get('n', '?')} is {value}.",
                expected="a finite number",
            )
        values.append(value)
    return values


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
