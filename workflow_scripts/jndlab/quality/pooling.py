"""Pooling of per-frame metrics into one named value each for a clip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from jndlab.errors import UserError

Pooled = dict[str, float | int | None]


def pool(frames: Sequence[Mapping[str, float | None]], bit_depth: int = 10) -> Pooled:
    """Pool the frames of a :class:`~jndlab.quality.full_reference.Measurement`.

    ``bit_depth`` is the depth that the MSE was taken at. What each name means, for N frames:

    * ``psnr_{y,u,v}_framemean``: mean of the frames' PSNR in dB, as in the logs of HM and VTM.
      None as soon as one frame's plane is lossless: its PSNR is infinite, and so is the mean.
    * ``psnr_y_mse``: PSNR of the mean MSE in dB, as in FFmpeg's summary. None only when every
      frame is lossless.
    * ``ssim_y``, ``vmaf_mean``, ``vmaf_neg_mean``: arithmetic means.
    * ``vmaf_harmonic``: N / sum(1 / (VMAF + 1)) - 1, libvmaf's harmonic mean.
    * ``xpsnr_y``: XPSNR in dB of the mean square root of the weighted squared error, the average
      of the metric's authors; a lossless frame adds no error. None when all are lossless.
    * ``lossless_frames``: frames whose luma is identical (MSE 0).

    Raises UserError when there are no frames.
    """
    if not frames:
        raise UserError("no frames to pool.", expected="at least one measured frame")
    vmaf = [_number(frame, "vmaf") for frame in frames]
    mse = [_number(frame, "mse_y") for frame in frames]
    pooled: Pooled = {f"psnr_{c}_framemean": _mean_or_none(frames, f"psnr_{c}") for c in "yuv"}
    pooled |= {
        "psnr_y_mse": psnr_of_mse(_mean(mse), bit_depth),
        "ssim_y": _mean([_number(frame, "ssim_y") for frame in frames]),
        "vmaf_mean": _mean(vmaf),
        "vmaf_harmonic": len(vmaf) / math.fsum(1 / (value + 1) for value in vmaf) - 1,
        "vmaf_neg_mean": _mean([_number(frame, "vmaf_neg") for frame in frames]),
        "xpsnr_y": _xpsnr([frame["xpsnr_y"] for frame in frames]),
        "lossless_frames": sum(value == 0 for value in mse),
    }
    return pooled


def psnr_of_mse(mse: float, bit_depth: int) -> float | None:
    """PSNR in dB of a mean squared error at ``bit_depth``; None (infinite) when it is 0."""
    return 10 * math.log10(((1 << bit_depth) - 1) ** 2 / mse) if mse > 0 else None


def _number(frame: Mapping[str, float | None], key: str) -> float:
    value = frame[key]
    if value is None or not math.isfinite(value):
        raise UserError(
            f"'{key}' of frame {frame.get('n', '?')} is {value}.", expected="a finite number"
        )
    return value


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _mean_or_none(frames: Sequence[Mapping[str, float | None]], key: str) -> float | None:
    values = [frame[key] for frame in frames]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return _mean(finite) if len(finite) == len(values) else None


def _xpsnr(values: Sequence[float | None]) -> float | None:
    # XPSNR of a frame is -20 log10 of its root error, up to a constant of the clip.
    roots = [0.0 if x is None or x == math.inf else 10 ** (-x / 20) for x in values]
    mean = _mean(roots)
    return -20 * math.log10(mean) if mean > 0 else None
