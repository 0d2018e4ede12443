"""Clips that every browser plays, visually lossless: 8-bit H.264 of a source or a coded stream."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import atomic_path, sha256_of
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_clip
from jndlab.media.ffmpeg import run

DECODED_DEPTH = 10
# High profile, 4:2:0, 8 bit: what hardware and all browsers decode. Lossless H.264 would be the
# High 4:4:4 profile, which they do not; lossless VP9 stutters at 1080p and is new to Safari.
ENCODER = ["-c:v", "libx264", "-preset", "medium", "-crf", "4", "-profile:v", "high",
           "-pix_fmt", "yuv420p", "-g", "24", "-movflags", "+faststart"]  # fmt: skip
# Marked BT.709 limited range, so that reference and coded clip look the same in every browser. By
# a filter: as options of the encoder the same words make FFmpeg convert the samples (to 37 dB).
MARK = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
MIN_PSNR = 45.0  # dB, luma, of the worst frame; crf 4 gives 48 and more


@dataclass(frozen=True)
class RatingClip:
    """Facts of a clip for the browser.

    ``repeats`` is how often the coded frames are shown one after another; ``min_psnr_y`` (dB) is
    that of the worst frame against the decoded stream rounded to 8 bit, None if it is lossless.
    """

    width: int
    height: int
    frames: int
    seconds: float
    repeats: int
    min_psnr_y: float | None
    bytes: int
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def write_rating_clip(
    source: Path,
    clip: ClipFormat,
    target: Path,
    *,
    seconds: float,
    work_dir: Path,
    log: Path | None = None,
) -> RatingClip:
    """Re-encode ``source`` (a lossless clip or a coded stream of ``clip``'s size and length).

    Samples above 8 bit are rounded to the nearest 8-bit value, without dither. A clip shorter than
    ``seconds`` is repeated whole until it lasts as long. Raises UserError if the number of frames
    differs from ``clip`` or if a frame's luma PSNR to the decoded one is below ``MIN_PSNR``.
    """
    shown = replace(clip, bit_depth=8)
    repeats = max(1, math.ceil(seconds / clip.seconds - 1e-9))
    exact = work_dir / "exact.mkv"
    write_clip(exact, _rounded(source, clip), shown)
    with atomic_path(target) as part:
        run(
            ["-stream_loop", str(repeats - 1), "-i", str(exact), "-vf", MARK, *ENCODER, str(part)],
            log=log,
        )
        worst = _worst_psnr(exact, repeats, part, shown, log)
        if worst is not None and worst < MIN_PSNR:
            raise UserError(
                "a clip for rating differs visibly from the decoded stream.",
                where=str(source),
                expected=f"a luma PSNR of at least {MIN_PSNR} dB, found {worst:.1f}",
            )
        size, digest = part.stat().st_size, sha256_of(part)
    frames = clip.frames * repeats
    return RatingClip(
        clip.width, clip.height, frames, float(frames / clip.fps), repeats, worst, size, digest
    )


def _rounded(source: Path, clip: ClipFormat) -> Iterator[Frame]:
    """Frames in 8 bit, read at 10 bit: FFmpeg raises exactly but dithers on the way down."""
    import numpy as np

    shift = DECODED_DEPTH - 8
    for frame in read_clip(source, replace(clip, bit_depth=DECODED_DEPTH)):
        yield Frame(
            *(
                np.minimum((plane + (1 << shift >> 1)) >> shift, 255).astype(np.uint8)
                for plane in frame
            )
        )


def _worst_psnr(
    exact: Path, repeats: int, target: Path, clip: ClipFormat, log: Path | None
) -> float | None:
    align = f"settb=1/({clip.fps}),setpts=N"
    graph = f"[0:v]{MARK},{align}[a];[1:v]{align}[b];[a][b]psnr=stats_file=-:shortest=0"
    compared = run(
        ["-stream_loop", str(repeats - 1), "-i", str(exact), "-i", str(target),
         "-lavfi", graph, "-f", "null", "-"],
        log=log,
    )  # fmt: skip
    values = [float(v) for v in re.findall(r"psnr_y:(\S+)", compared.stdout.decode())]
    if len(values) != clip.frames * repeats:
        raise UserError(
            "a clip for rating has another number of frames than it was given.",
            where=str(target),
            expected=f"{clip.frames * repeats}, found {len(values)}",
        )
    return min((v for v in values if math.isfinite(v)), default=None)
