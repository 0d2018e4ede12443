"""Spatial and temporal information of frames (ITU-T P.910), by FFmpeg's filter `siti`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, Frame, bytes_of, raw_input_args

_FILTER = ["-map", "0:v:0", "-vf", "siti,metadata=print:file=-", "-f", "null", "-"]


class SiTi(NamedTuple):
    """Of one frame: deviation of its Sobel-filtered luma, and of its change to the frame before."""

    spatial: float
    temporal: float


def siti_of_frames(frames: Sequence[Frame], clip: ClipFormat) -> list[SiTi]:
    """Spatial and temporal information of the frames of a clip; the first has no temporal (0).

    Raises UserError where FFmpeg does not report it for every frame.
    """
    command = [str(ffmpeg.ffmpeg_path()), "-v", "error", "-nostdin"]
    command += [*raw_input_args(clip), "-i", "-"]
    raw = b"".join(bytes_of(frame, clip) for frame in frames)
    done = subprocess.run([*command, *_FILTER], input=raw, capture_output=True)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise ffmpeg.ToolError("FFmpeg's filter siti failed.", expected=said[-800:])
    measured = _parsed(done.stdout.decode(), "frames in memory")
    if len(measured) != len(frames):
        raise UserError(
            "FFmpeg's filter siti did not measure every frame.",
            expected=f"{len(frames)} values, found {len(measured)}",
        )
    return measured


def siti_of_file(path: str | Path) -> list[SiTi]:
    """The same of every frame of a clip's file."""
    log = ffmpeg.run(["-v", "error", "-i", str(path), *_FILTER]).stdout.decode()
    return _parsed(log, str(path))


def _parsed(log: str, where: str) -> list[SiTi]:
    spatial, temporal = (
        [float(number) for number in re.findall(rf"lavfi\.siti\.{name}=(\S+)", log)]
        for name in ("si", "ti")
    )
    if not spatial or len(spatial) != len(temporal):
        raise UserError(
            "FFmpeg's filter siti reported nothing that can be read.",
            where=where,
            expected=f"a pair per frame, found {len(spatial)} and {len(temporal)} values",
        )
    return [SiTi(*pair) for pair in zip(spatial, temporal, strict=True)]
