"""Videos of one's own: an entry of the experiment's file, completed from the video itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jndlab.configuration import Count, Label, Natural, Section, Text
from jndlab.datasets.prepare import is_raw
from jndlab.datasets.sequences import OWN, Sequence
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat
from jndlab.media.decoding import StoredFormat, count_pictures, stored_format

LEAST_SIDE = 18  # libvmaf crashes on 16
MOST_SIDE = 16384
# In the name of a raw file: size, then rate and depth, as in `name_416x240_50fps_10bit.yuv`.
_SIZE = re.compile(r"(?<!\d)(\d{2,5})x(\d{2,5})(?!\d)")
_RATE = re.compile(r"(?:^|[_.-])(\d{2,3})(?:fps|hz)?(?=$|[_.-])", re.IGNORECASE)
_DEEP = re.compile(r"(?<!\d)10-?(?:bit|b|le)(?![a-z])", re.IGNORECASE)
_FRAME_MARK = len("FRAME\n")  # of Y4M, before each picture

SequenceId = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Side = Annotated[int, Field(ge=LEAST_SIDE, le=MOST_SIDE, multiple_of=2)]


def _as_rate(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class OwnSequence(Section):
    """A video of one's own. Only `file` is needed for Y4M, Matroska, MP4 and all else that FFmpeg
    reads. A raw `.yuv` states its format in its name (`name_416x240_50.yuv`, with `10bit` for 10
    bit), or the keys do."""

    file: Text
    """Path of the video: absolute, or from the folder in which the suite runs."""
    name: Label | None = None
    """Name in tables; the entry's own name if empty."""
    class_: Annotated[Label, Field(min_length=1)] = Field(default=OWN, alias="class")
    """Class for means over sequences."""
    content: Literal["own", "published", "demo"] = "own"
    """`published` is what the papers coded, `demo` stands in for it, `own` is neither."""
    width: Side | None = None
    """Width in pixels of a raw file; null takes it from the name."""
    height: Side | None = None
    """Height in pixels of a raw file; null takes it from the name."""
    fps: Annotated[
        str | None,
        Field(pattern="^[1-9][0-9]{0,5}(/[1-9][0-9]{0,3})?$", examples=["50 or 30000/1001"]),
        BeforeValidator(_as_rate),
    ] = None
    """Frames per second of a raw file, or of a stream without a rate; null takes it from the
    name or the video."""
    bit_depth: Literal[8, 10] | None = None
    """Bits per sample of a raw file; null takes it from the name, 8 if that is silent."""
    frames: Count | None = None
    """Frames that may be used, from `start` on; null takes all that follow."""
    start: Natural = 0
    """First frame that is used, counted from 0."""
    note: str = ""
    """Notes on the entry."""


def own_sequence(name: str, entry: Mapping[str, Any]) -> Sequence:
    """The sequence of an entry; what the entry leaves out is read from the file or its name.

    Raises UserError where the file is not there, is no video, or does not state what is left out.
    """
    path = Path(entry["file"])
    given = {
        key: entry[key]
        for key in ("width", "height", "fps", "bit_depth", "frames")
        if entry[key] is not None
    }
    if not path.is_file():
        if {"width", "height", "fps", "frames"} <= given.keys():  # its results can still be read
            return _sequence(name, entry, {"bit_depth": 8, **given})
        raise UserError(
            f"the video of own_sequences.{name} is missing.",
            where=str(path),
            expected="a file that is there",
            remedy="correct the path: absolute, or from the folder in which the suite runs.",
        )
    read = _read_by_raw(name, path, given) if is_raw(path) else _read_by_video(path)
    frames = read.pop("frames") - entry["start"]
    if given.get("frames", 1) > frames:
        raise UserError(
            f"own_sequences.{name}: the video is shorter than that.",
            where=str(path),
            expected=f"at most {max(frames, 0)} frames from frame {entry['start']} on",
            remedy="lower `frames` or `start`.",
        )
    return _sequence(name, entry, {"frames": frames, **read, **given})


def _sequence(name: str, entry: Mapping[str, Any], facts: Mapping[str, Any]) -> Sequence:
    if min(facts["width"], facts["height"]) < LEAST_SIDE:
        raise UserError(
            f"own_sequences.{name}: the pictures are too small to be measured.",
            where=entry["file"],
            expected=f"at least {LEAST_SIDE}x{LEAST_SIDE}, "
            f"found {facts['width']}x{facts['height']}",
        )
    return Sequence(
        id=name,
        name=entry["name"] or name,
        class_name=entry["class"],
        file=entry["file"],
        dataset="",
        content=entry["content"],
        start=entry["start"],
        note=entry["note"],
        **{**facts, "fps": Fraction(facts["fps"])},
    )


def _read_by_raw(name: str, path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    size = _SIZE.search(path.stem)
    read: dict[str, Any] = {}
    if size:
        read = {"width": int(size[1]), "height": int(size[2])}
    behind = path.stem[size.end() :] if size else ""
    if rate := _RATE.search(behind):
        read["fps"] = rate[1]
    read["bit_depth"] = 10 if _DEEP.search(path.stem) else 8
    known = {**read, **given}
    if missing := [key for key in ("width", "height", "fps") if key not in known]:
        raise UserError(
            f"own_sequences.{name}: a raw file does not state its {', '.join(missing)}.",
            where=str(path),
            expected="a name such as name_416x240_50.yuv, or the keys width, height and fps",
        )
    clip = ClipFormat(
        known["width"], known["height"], Fraction(known["fps"]), 1, known["bit_depth"]
    )
    frames, rest = divmod(path.stat().st_size, clip.frame_bytes)
    if rest or not frames:
        raise UserError(
            f"own_sequences.{name}: a raw file holds no whole number of frames.",
            where=str(path),
            expected=f"a multiple of {clip.frame_bytes} bytes ({clip.width}x{clip.height}, "
            f"{clip.bit_depth} bit, 4:2:0), found {path.stat().st_size}",
            remedy="correct width, height or bit_depth; 4:2:0 is meant.",
        )
    return {**read, "frames": frames}


def _read_by_video(path: Path) -> dict[str, Any]:
    state = path.stat()
    return dict(_facts(path, state.st_size, state.st_mtime_ns))


@lru_cache  # by size and time of the file as well: it may change between two runs of a session
def _facts(path: Path, size: int, changed: int) -> dict[str, Any]:
    stored = stored_format(path)
    if stored.fps is None:
        raise UserError("a video does not state its frame rate.", where=str(path))
    return {
        "width": stored.width,
        "height": stored.height,
        "fps": str(stored.fps),
        "bit_depth": stored.bit_depth,
        "frames": _y4m_frames(path, stored, size) or count_pictures(path)[1],
    }


def _y4m_frames(path: Path, stored: StoredFormat, size: int) -> int:
    """Pictures of a Y4M file by its size; 0 where that is unclear. Large files are not read."""
    if path.suffix.lower() != ".y4m":
        return 0
    with open(path, "rb") as stream:
        header = len(stream.readline(1000))
    one = ClipFormat(stored.width, stored.height, Fraction(1), 1, stored.bit_depth).frame_bytes
    frames, rest = divmod(size - header, one + _FRAME_MARK)
    return 0 if rest else frames
