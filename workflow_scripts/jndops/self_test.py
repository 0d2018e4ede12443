"""The self-test: a tiny generated clip, encoded and measured, against scores that are known."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.codecs import EncodeJob, get_codec
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, read_clip, samples_sha256
from jndlab.media.ffmpeg import run
from jndlab.quality.full_reference import MEASURE_BIT_DEPTH, Measurement, measure

CLIP = ClipFormat(width=176, height=144, fps=Fraction(25), frames=3)
PATTERN = "testsrc2=size=176x144:rate=25"  # drawn by FFmpeg, the same on every machine
PATTERN_SHA256 = "dd3ceb194faabb1472d5dda68962822cd211f0e74d1cdce1bd754ee6d7339783"
CONFIGURATION, QP = "LDP", 32

# Codecs of the suite that need nothing but the packaged FFmpeg, and what FFmpeg n9.0.2 of
# imageio-ffmpeg 0.8.1 (VVenC 1.15.0-dev, x265 4.3, libvmaf 86da14d) makes of the clip: size of
# the stream in bits, and means over the frames. The PSNR was computed with NumPy from the decoded
# samples, not taken from FFmpeg; for VMAF there is no second implementation to ask.
PACKAGED_CODECS = {
    "vvenc-faster": {"adapter": "vvenc", "preset": "faster"},
    "x265-medium": {"adapter": "x265", "preset": "medium"},
}
KNOWN = {
    "vvenc-faster": {"bits": 13816, "psnr_y": 36.9139, "vmaf": 88.2583, "vmaf_neg": 85.4855},
    "x265-medium": {"bits": 25696, "psnr_y": 37.4260, "vmaf": 90.1768, "vmaf_neg": 88.5146},
}
# Wide enough for another processor or compiler, narrow enough for a wrong model, depth or pairing.
TOLERANCE = {"bits": 130.0, "psnr_y": 0.05, "vmaf": 0.1, "vmaf_neg": 0.1}
NUMPY_TOLERANCE_DB = 0.0005  # FFmpeg prints PSNR with six decimals


@dataclass(frozen=True)
class Score:
    """What one codec gave: values as in ``KNOWN``, the PSNR by NumPy, the encoder's version."""

    values: dict[str, float]
    numpy_psnr_y: float
    version: str

    def deviations(self, known: Mapping[str, float]) -> list[str]:
        """What differs from the known values by more than the tolerance, or from NumPy."""
        lines = [
            f"{name} {self.values[name]:.6g}, known {value:.6g} +- {TOLERANCE[name]:g}"
            for name, value in known.items()
            if abs(self.values[name] - value) > TOLERANCE[name]
        ]
        psnr_y = self.values["psnr_y"]
        if abs(psnr_y - self.numpy_psnr_y) > NUMPY_TOLERANCE_DB:
            lines.append(f"psnr_y {psnr_y:.4f} by FFmpeg, {self.numpy_psnr_y:.4f} by NumPy")
        return lines


def make_pattern(folder: Path) -> Path:
    """Draw the clip as a lossless file; raises UserError if its samples are not the known ones."""
    path = folder / "pattern.mkv"
    run(["-v", "error", "-f", "lavfi", "-i", PATTERN, "-frames:v", str(CLIP.frames),
         "-pix_fmt", CLIP.pix_fmt, "-c:v", "ffv1", str(path)])  # fmt: skip
    found = samples_sha256(path, CLIP)
    if found != PATTERN_SHA256:
        raise UserError(
            "FFmpeg draws or stores the test pattern differently.",
            expected=f"samples with SHA-256 {PATTERN_SHA256[:12]}..., found {found[:12]}...",
            remedy="unset JNDLAB_FFMPEG to use the packaged FFmpeg.",
        )
    return path


def score_codec(spec: Mapping[str, Any], source: Path, work_dir: Path) -> Score:
    """Encode and measure the clip with a codec entry; raises UserError as codecs and metrics do."""
    codec = get_codec(spec)
    with tempfile.TemporaryDirectory(dir=work_dir) as folder:
        stream = Path(folder) / f"pattern.{codec.suffix}"
        encoded = codec.encode(
            EncodeJob(source, CLIP, CONFIGURATION, QP, stream=stream, work_dir=Path(folder))
        )
        measured = measure(source, stream, CLIP, work_dir=Path(folder))
        values = {"bits": float(sum(encoded.bits_per_frame))}
        values |= {name: _mean(measured, name) for name in ("psnr_y", "vmaf", "vmaf_neg")}
        return Score(values, _psnr_y(source, stream), encoded.version)


def _mean(measured: Measurement, name: str) -> float:
    return float(np.mean([frame[name] for frame in measured.frames]))


def _psnr_y(source: Path, stream: Path) -> float:
    """Mean luma PSNR in dB by its definition, both sides at the depth of the measurement."""
    deep = ClipFormat(CLIP.width, CLIP.height, CLIP.fps, CLIP.frames, MEASURE_BIT_DEPTH)
    values = []
    for ours, theirs in zip(read_clip(source, deep), read_clip(stream, deep), strict=True):
        error = np.mean((ours.y.astype(float) - theirs.y) ** 2)
        values.append(10 * np.log10(deep.max_value**2 / error))
    return float(np.mean(values))
