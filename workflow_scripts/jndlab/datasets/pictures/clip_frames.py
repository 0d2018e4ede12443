"""Single frames of 8-bit 4:2:0 clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from jndlab.datasets.pictures.picture_list import FoundPicture
from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, Frame, evenly_spread, planes_of
from jndlab.media.pictures import frame_to_rgb


def count_frames(path: str | Path) -> int:
    """Number of frames of a clip, by its packets: nothing is decoded."""
    packets = ffmpeg.run(["-v", "error", "-i", str(path), "-map", "0:v:0", "-c", "copy",
                          "-f", "framecrc", "-"]).stdout  # fmt: skip
    return sum(not line.startswith(b"#") for line in packets.splitlines())


def read_frames(path: str | Path, size: tuple[int, int], numbers: Sequence[int]) -> Iterator[Frame]:
    """The frames of the given ``numbers`` (rising, from 0) of a clip of ``size`` (width, height).

    Raises UserError where another amount of samples comes out.
    """
    clip = ClipFormat(*size, Fraction(1), frames=len(numbers))
    chosen = "+".join(f"eq(n,{number})" for number in numbers)
    raw = ffmpeg.run(
        ["-v", "error", "-i", str(path), "-map", "0:v:0", "-vf", f"select='{chosen}'",
         "-fps_mode", "passthrough", "-pix_fmt", clip.pix_fmt, "-f", "rawvideo", "-"]
    ).stdout  # fmt: skip
    wanted = clip.frame_bytes * len(numbers)
    if not numbers or len(raw) != wanted:
        raise UserError(
            "frames of a clip cannot be read.",
            where=str(path),
            expected=f"{len(numbers)} frames of {size[0]}x{size[1]}, {wanted} bytes; "
            f"found {len(raw)} bytes",
            remedy="fetch the file again, or correct the resolution.",
        )
    for start in range(0, wanted, clip.frame_bytes):
        yield planes_of(raw[start : start + clip.frame_bytes], clip)


def pictures_of_clip(
    path: Path, size: tuple[int, int], wanted: int, source: str, origin: str
) -> Iterator[FoundPicture]:
    """``wanted`` evenly spread frames of a clip."""
    numbers = evenly_spread(count_frames(path), wanted)
    for number, frame in zip(numbers, read_frames(path, size, numbers), strict=True):
        name = f"{source}_f{number:04d}"
        yield FoundPicture(name, source, origin, frame_to_rgb(frame), number)
