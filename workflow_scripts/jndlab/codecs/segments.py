"""All-intra encodes in segments: cut the clip, and join the streams to that of the whole clip.

Only for codecs with ``independent_intra``: their intra pictures are coded independently, so
that a cluster may code them apart. The joined stream decodes to the very pictures of the whole
encode and may differ from its stream by one header byte a segment (the segment's first picture is
numbered from 0 again; VTM codes it as IDR in place of CRA).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jndlab.codecs.bitstream import StreamFacts, checked_stream, read_stream
from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat

_START_CODE = re.compile(rb"\x00?\x00\x00\x01")
# Parameter sets that hold for the whole stream (video, sequence, picture), by NAL unit type:
# ITU-T H.266 table 5, H.265 table 7-1, H.264 table 7-1. Adaptation sets belong to their pictures.
_PARAMETER_SETS = {".266": {14, 15, 16}, ".265": {32, 33, 34}, ".264": {7, 8}}


def segment_lengths(frames: int, length: int) -> list[int]:
    """Frames of each segment: all of ``length`` but the last, which has what is left."""
    full, rest = divmod(frames, length)
    return [length] * full + [rest] * (rest > 0)


def cut_segment(
    source: Path, clip: ClipFormat, length: int, index: int, target: Path
) -> ClipFormat:
    """Write segment ``index`` of a lossless clip to ``target``; returns the segment's format."""
    count = segment_lengths(clip.frames, length)[index]
    first = index * length
    ffmpeg.run(
        ["-v", "error", "-r", str(clip.fps), "-i", str(source), "-map", "0:v:0",
         "-vf", f"trim=start_frame={first}:end_frame={first + count},setpts=PTS-STARTPTS",
         "-fps_mode", "passthrough", "-c:v", "ffv1", "-level", "3", str(target)]
    )  # fmt: skip
    return replace(clip, frames=count)


def join_segments(
    streams: Sequence[Path], clip: ClipFormat, stream: Path, *, repeats_headers: bool
) -> StreamFacts:
    """Join the streams of all segments, in order, into that of ``clip``; returns its metadata.

    Parameter sets are kept once, as in the stream of a whole encode, unless the encoder itself
    repeats them with every picture (``repeats_headers``). Raises UserError where a segment's
    parameter sets are not those of the first, or where the whole lacks a picture.
    """
    wanted = [bits for part in streams for bits in read_stream(part).bits_per_frame]
    with atomic_path(stream) as path:
        with open(path, "wb") as joined:
            first = streams[0].read_bytes()
            joined.write(first)
            headers = _parameter_sets(first, stream.suffix)
            dropped = [0] * len(wanted)
            position = read_stream(streams[0]).frames
            for part in streams[1:]:
                data = part.read_bytes()
                if not repeats_headers:
                    data, dropped[position] = _without(data, headers, part)
                joined.write(data)
                position += read_stream(part).frames
        bits = [total - 8 * less for total, less in zip(wanted, dropped, strict=True)]
        return checked_stream(path, clip, "AI", bits)


def _without(data: bytes, headers: Sequence[bytes], part: Path) -> tuple[bytes, int]:
    """A segment's stream without its parameter sets, and how many bytes they took."""
    found = _parameter_sets(data, part.suffix)
    if list(found) != list(headers):
        raise UserError(
            "a segment was coded with other parameter sets than the first.",
            where=str(part),
            expected=f"{len(headers)} equal units, found {len(found)}",
            remedy="remove the segments of this point and run it again.",
        )
    kept = b"".join(unit for unit in _units(data) if _body(unit) not in set(headers))
    return kept, len(data) - len(kept)


def _parameter_sets(data: bytes, suffix: str) -> list[bytes]:
    return [
        _body(unit) for unit in _units(data) if _unit_type(unit, suffix) in _PARAMETER_SETS[suffix]
    ]


def _units(data: bytes) -> list[bytes]:
    """NAL units, start codes included, in order."""
    starts = [match.start() for match in _START_CODE.finditer(data)]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def _body(unit: bytes) -> bytes:
    start_code = _START_CODE.match(unit)
    assert start_code, "a unit of _units begins with one"
    return unit[start_code.end() :]


def _unit_type(unit: bytes, suffix: str) -> int:
    body = _body(unit)
    if suffix == ".266":
        return body[1] >> 3
    return (body[0] >> 1) & 0x3F if suffix == ".265" else body[0] & 0x1F
