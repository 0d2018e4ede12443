"""What FFmpeg decoded of the two sides of a measurement, checked against the sheet."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat
from jndlab.media.ffmpeg import ToolError, ffmpeg_path, run_tool

MEASURE_BIT_DEPTH = 10
STRICT = ("-xerror", "-err_detect", "explode")  # FFmpeg input options: any error is fatal


@dataclass(frozen=True)
class DecodedSide:
    """What FFmpeg's log says about one input: (width, height, samples), count, error lines."""

    formats: list[tuple[int, int, str]]
    frames: int
    errors: str

    @classmethod
    def of(cls, said: str, number: int) -> DecodedSide:
        formats = re.findall(
            rf"^\[graph -?\d+ input from stream {number}:\d+ @ \w+\] \[verbose\] "
            r"w:(\d+) h:(\d+) pixfmt:(\w+)",
            said,
            re.MULTILINE,
        )
        count = re.search(rf"Input stream #{number}:\d+ \(video\):.*?(\d+) frames decoded", said)
        return cls(
            [(int(width), int(height), pix_fmt) for width, height, pix_fmt in formats],
            int(count[1]) if count else 0,
            error_lines(said),
        )


def check_sides(
    decoded: list[DecodedSide], reference: Path, distorted: Path, clip: ClipFormat
) -> None:
    """Raise UserError unless both sides decoded to ``clip``'s size, depth and count, cleanly."""
    for side, path in zip(decoded, (reference, distorted), strict=True):
        # The reference has the sheet's depth; a codec may return more, never less.
        deeper = {f"yuv420p{MEASURE_BIT_DEPTH}le"} if side is decoded[1] else set()
        allowed = {clip.pix_fmt} | deeper
        for width, height, pix_fmt in side.formats:
            if (width, height) != (clip.width, clip.height) or pix_fmt not in allowed:
                raise UserError(
                    "a file to measure has another size or sample format than its sheet says.",
                    where=str(path),
                    expected=f"{clip.width}x{clip.height} {' or '.join(sorted(allowed))}, "
                    f"found {width}x{height} {pix_fmt}",
                    remedy="correct the sheet, or make the file again.",
                )
        if side.errors:
            raise ToolError(
                "a file to measure cannot be decoded without errors.",
                where=str(path),
                expected=f"no error; FFmpeg reported:{side.errors}",
                remedy="make the file again.",
            )
        if side.frames != clip.frames:
            raise UserError(
                "a file to measure has another number of frames than its sheet says.",
                where=str(path),
                expected=f"{clip.frames} frames, found {side.frames}",
                remedy="correct `frames` in the sheet, or make the file again.",
            )


def decode_alone(folder: Path, name: str) -> str:
    """FFmpeg's log of decoding one file of ``folder``, whether it succeeds or not."""
    log = folder / f"{name}.log"
    with suppress(ToolError):
        run_tool(
            [ffmpeg_path(), "-hide_banner", "-nostdin", "-v", "level+verbose", *STRICT, "-i", name,
             "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "null", "-"],
            log=log, cwd=folder,
        )  # fmt: skip
    return log.read_text(encoding="utf-8")


def error_lines(said: str) -> str:
    """The first lines that FFmpeg marked as errors, indented, or an empty text."""
    lines = [line for line in said.splitlines() if re.search(r"\[(error|fatal|panic)\]", line)]
    return "".join("\n    " + re.sub(r" @ 0x[0-9a-f]+", "", line) for line in lines[:8])
