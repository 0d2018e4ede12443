"""Videos of one's own: an entry of the experiment's file, completed from the video itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
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
_SIZE = re.compile(r"(?<!\d)(\d{2,5})x(\d{2,5})(?!\d|x\d)", re.IGNORECASE | re.ASCII)
_RATE = re.compile(r"(?:^|[_.-])(\d{2,3})(?:fps|hz)?(?=$|[_.-])", re.IGNORECASE | re.ASCII)
_DECIMAL = re.compile(r"[_.-](\d{1,3}\.\d+)(?:fps|hz)?(?=$|[_.-])", re.IGNORECASE | re.ASCII)
_DEEP = re.compile(r"(?<!\d)10-?(?:bit|b|le)(?![a-z])|p10(?!\d|be)", re.IGNORECASE | re.ASCII)
# What a name says of samples that are not 4:2:0 of 8 or 10 bit, planar, the low byte first.
_OTHER_SAMPLES = re.compile(
    r"(?<!\d)(?:9|1[1-6])-?(?:bit|b|le|be)(?![a-z])|(?<!\d)10(?:bit|b)?[_-]?be(?![a-z])"
    r"|p(?:9|1[1-6])(?!\d)|(?:nv|yv)\d\d|p01[06]|yuyv\w*|[uy]yvy\w*|(?<![a-z])rgb\w*"
    r"|(?<![a-z])bgr\w*|(?<![a-z])gbr\w*|(?<![a-z])gr[ae]y\w*|(?:yuv|i)4(?:00|1[01]|22|4[04])\w*",
    re.IGNORECASE | re.ASCII,
)
_SAMPLING = re.compile(r"(?<=[_.-])4:?(?:0:?0|1:?[01]|2:?2|4:?[04])(?=$|[_.p-])", re.ASCII)
_CONTAINERS = {  # in the first 12 bytes of what is no raw file
    b"YUV4MPEG2": "Y4M", b"\x1aE\xdf\xa3": "Matroska", b"ftyp": "MP4", b"RIFF": "AVI",
    b"DKIF": "IVF", b"PK\3\4": "a zip archive", b"\x1f\x8b\x08": "a gzip archive",
    b"7z\xbc\xaf": "an archive", b"\xfd7zXZ": "an archive", b"BZh91AY": "an archive",
}  # fmt: skip
_COMMON_RATES = {24, 25, 30, 48, 50, 60, 100, 120}
_Y4M_RATE = re.compile(rb" F[1-9]\d{0,8}:[1-9]\d{0,8}(?= |$)")

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
    _check_given(name, path, read, given)
    frames = read.pop("frames") - entry["start"]
    if given.get("frames", 1) > frames:
        raise UserError(
            f"own_sequences.{name}: the video is shorter than that.",
            where=str(path),
            expected=f"at most {max(frames, 0)} frames from frame {entry['start']} on",
            remedy="lower `frames` or `start`.",
        )
    return _sequence(name, entry, {"frames": frames, **read, **given})


def _sequence(name: str, entry: Mapping[str, Any], video: Mapping[str, Any]) -> Sequence:
    if max(video["width"], video["height"]) > MOST_SIDE or (video["width"] | video["height"]) % 2:
        raise UserError(
            f"own_sequences.{name}: the pictures have a size that is not coded.",
            where=entry["file"],
            expected=f"an even width and height of at most {MOST_SIDE}, found "
            f"{video['width']}x{video['height']}",
        )
    if min(video["width"], video["height"]) < LEAST_SIDE:
        raise UserError(
            f"own_sequences.{name}: the pictures are too small to be measured.",
            where=entry["file"],
            expected=f"at least {LEAST_SIDE}x{LEAST_SIDE}, "
            f"found {video['width']}x{video['height']}",
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
        **{**video, "fps": Fraction(video["fps"])},
    )


def _check_given(name: str, path: Path, read: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise UserError where keys contradict a video, or nothing states its rate."""
    if "fps" not in {**read, **given}:
        raise UserError(
            f"own_sequences.{name}: the video does not state its frame rate.",
            where=str(path),
            expected="the key fps, such as 50 or 30000/1001 (of a command: FPS=50)",
        )
    for key in () if is_raw(path) else ("width", "height", "bit_depth", "fps"):
        if key in read and key in given and Fraction(read[key]) != Fraction(given[key]):
            raise UserError(
                f"own_sequences.{name}.{key}: {given[key]} is not that of the video.",
                where=str(path),
                expected=f"{read[key]}, as the video has",
                remedy="leave the key out: it is for raw files and for streams that lack it.",
            )


def _read_by_raw(name: str, path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {match.groups(): match for match in _SIZE.finditer(path.stem)}
    size = next(iter(sizes.values())) if sizes else None
    read: dict[str, Any] = {}
    if size:
        read = {"width": int(size[1]), "height": int(size[2])}
    behind = path.stem[size.end() :] if size else ""
    found = _OTHER_SAMPLES.search(path.stem) or _SAMPLING.search(behind)
    other = [found[0]] if found else []
    if len(sizes) > 1 and not {"width", "height"} <= given.keys():
        other = ["x".join(one) for one in sizes]
    decimal = None if "fps" in given else _DECIMAL.search(behind)
    rates = list(map(int, _RATE.findall(behind)))
    common = [rate for rate in dict.fromkeys(rates) if rate in _COMMON_RATES]
    if decimal or (len(common) > 1 and "fps" not in given):
        other = [decimal[1]] if decimal else list(map(str, common))
    if other:
        raise UserError(
            f"own_sequences.{name}: the name of a raw file says {' and '.join(other)}.",
            where=str(path),
            expected="planar 4:2:0 of 8 or 10 bit, the low byte first, of one size and whole rate",
            remedy="convert other samples and rename the file; give what the name says twice, or a "
            "rate such as 30000/1001, by the keys width, height and fps.",
        )
    if common or any(rates):
        read["fps"] = str((common or [rate for rate in rates if rate])[0])
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
    _require_raw(name, path, clip)
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


def _require_raw(name: str, path: Path, clip: ClipFormat) -> None:
    """Raise UserError for a file whose first picture cannot be samples of the stated depth."""
    with open(path, "rb") as stream:
        picture = np.frombuffer(stream.read(clip.frame_bytes), np.uint8)
    found = next((kind for mark, kind in _CONTAINERS.items() if mark in bytes(picture[:12])), "")
    low, high = picture[:-1:2], picture[1::2]
    # Of 10 bit in two bytes the second is at most 3; no picture of 8 bit has that in each other.
    if clip.bit_depth == 8 and picture.size and high.max() <= 3 < low.max() and np.ptp(high):
        found = "samples of 10 bit"
    if found:
        raise UserError(
            f"own_sequences.{name}: a raw file holds {found}.",
            where=str(path),
            expected=f"samples alone, of {clip.bit_depth} bit",
            remedy="name a file with a header by its own suffix (.y4m, .mkv, .mp4); state 10 bit "
            "in the name of a raw file, or by the key bit_depth.",
        )


def _read_by_video(path: Path) -> dict[str, Any]:
    state = path.stat()
    return dict(_read_video(path, state.st_size, state.st_mtime_ns))


@lru_cache  # by size and time of the file as well: it may change between two runs of a session
def _read_video(path: Path, size: int, changed: int) -> dict[str, Any]:
    stored = stored_format(path)
    whole = _y4m_frames(path, stored) if path.suffix.lower() == ".y4m" else None
    rate = {} if stored.fps is None else {"fps": str(stored.fps)}
    return {
        "width": stored.width,
        "height": stored.height,
        **rate,
        "bit_depth": stored.bit_depth,
        "frames": count_pictures(path)[1] if whole is None else whole,
    }


def _y4m_frames(path: Path, stored: StoredFormat) -> int:
    """Pictures of a Y4M file, by the marks before them: large files are not read.

    Raises UserError for a header without a rate, for which FFmpeg takes 25, and for a file that is
    cut or goes on behind its pictures.
    """
    clip = ClipFormat(stored.width, stored.height, Fraction(1), 1, stored.bit_depth)
    size, frames, wrong = path.stat().st_size, 0, ""
    with open(path, "rb") as stream:
        header = stream.readline(1000)
        keys = [
            part.partition(b"=")[0] if part[:1] == b"X" else part[:1] for part in header.split()
        ]
        if not _Y4M_RATE.search(header.rstrip(b"\n")):
            wrong = "its header states no rate (F25:1)"
        elif twice := {key.decode() for key in keys if keys.count(key) > 1}:
            wrong = f"its header states {', '.join(sorted(twice))} twice"
        while stream.tell() < size and not wrong:
            mark = stream.readline(1000)
            if mark != b"FRAME\n" and not (mark.startswith(b"FRAME ") and mark.endswith(b"\n")):
                wrong = f"it has no mark FRAME before picture {frames}"
            elif re.search(rb" I(?![12]?p\b)", mark):
                wrong = f"picture {frames} is interlaced, by its mark {mark!a}"
            elif stream.tell() + clip.frame_bytes > size:
                wrong = f"it ends within picture {frames}"
            stream.seek(clip.frame_bytes, os.SEEK_CUR)
            frames += 1
    if wrong:
        raise UserError(
            f"a Y4M file is not whole: {wrong}.",
            where=str(path),
            expected="a header with size and rate, and whole pictures, each behind the mark FRAME",
            remedy="copy or make the file again.",
        )
    return frames
