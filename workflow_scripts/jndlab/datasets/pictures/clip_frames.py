"""Single frames of 8-bit 4:2:0 clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from jndlab.datasets.pictures.picture_list import FoundPicture
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, Frame, evenly_spread, planes_of
from jndlab.media.decoding import StoredFormat, count_pictures, decode
from jndlab.media.pictures import frame_to_rgb


def read_frames(path: str | Path, size: tuple[int, int], numbers: Sequence[int]) -> Iterator[Frame]:
    """The frames of the given ``numbers`` (rising, from 0) of a clip of ``size`` (width, height).

    Raises UserError for a damaged file, another format (see ``decode``), and too few frames.
    """
    clip = ClipFormat(*size, Fraction(1), frames=len(numbers))
    chosen = "+".join(f"eq(n,{number})" for number in numbers)
    last = ["-frames:v", str(len(numbers))]  # nothing beyond it is decoded
    raw = decode(path, StoredFormat(*size, clip.bit_depth), [f"select='{chosen}'"], last)
    if not numbers or len(raw) != clip.frame_bytes * len(numbers):
        raise UserError(
            "a clip has fewer frames than are needed.",
            where=str(path),
            expected=f"frames {', '.join(map(str, numbers))} (from 0); "
            f"found {len(raw) // clip.frame_bytes} of these {len(numbers)}",
            remedy="fetch the file again.",
        )
    for start in range(0, len(raw), clip.frame_bytes):
        yield planes_of(raw[start : start + clip.frame_bytes], clip)


def pictures_of_clip(
    path: Path, size: tuple[int, int], wanted: int, source: str, origin: str
) -> Iterator[FoundPicture]:
    """``wanted`` evenly spread frames of a clip."""
    numbers = evenly_spread(count_pictures(path)[1], wanted)
    for number, frame in zip(numbers, read_frames(path, size, numbers), strict=True):
        name = f"{source}_f{number:04d}"
        yield FoundPicture(name, source, origin, frame_to_rgb(frame), number)
