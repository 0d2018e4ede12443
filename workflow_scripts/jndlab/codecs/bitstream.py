"""Facts read from a VVC, HEVC, H.264 or AV1 stream: size, bits and slice type of every picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jndlab.codecs.base import CONFIGURATIONS
from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat

TRACING = ("-v", "info", "-bsf:v", "trace_headers")  # FFmpeg's options: the headers it writes
DEMUXERS = {".266": "vvc", ".265": "hevc", ".264": "h264", ".obu": "obu"}
REMEDY = "remove what is left of this point and run it again; see the log for the encoder's words."

# By code: ITU-T H.266 (table 9), H.265 (table 7-7) and H.264 (table 7-6: switching pictures count
# as P and I; 5 to 9: all slices of the picture are of that type).
# AV1's frame types (6.8.2): key, inter, intra only, switch. Its inter frames count as P: in
# low-delay coding they refer to frames before them only.
_SLICE_TYPES = {".266": "BPI", ".265": "BPI", ".264": "PBIPI" * 2, ".obu": "IPIP"}
_PACKET = re.compile(r"^\[trace_headers @ \S+\] Packet: (\d+) bytes", re.MULTILINE)
_SLICE_HEADER = re.compile(r"\] Slice (?:Segment )?Header\s*$|\sframe_type\s", re.MULTILINE)
_SLICE_TYPE = re.compile(r"\s(?:(?:sh_)?slice|frame)_type\s+[01]+ = (\d)\s*$", re.MULTILINE)
_NAMED = ("_type", "Header", "Packet: ", "Stream #0")  # in each line that these look for: 1 of 20
_SIZE = re.compile(r"Stream #0:0.*? Video: (?:vvc|hevc|h264|av1).*?, (\d+)x(\d+)")


@dataclass(frozen=True)
class StreamFacts:
    """Picture size, and per access unit in coding order: bits (start codes, parameter sets and
    SEI included) and slice type ``I``, ``P`` or ``B``."""

    width: int
    height: int
    bits_per_frame: list[int]
    slice_types: list[str]

    @property
    def frames(self) -> int:
        """Number of coded pictures."""
        return len(self.bits_per_frame)


def read_stream(stream: Path) -> StreamFacts:
    """Read the headers of a ``.266``, ``.265``, ``.264`` or ``.obu`` file in one pass.

    The bits sum to the file's size. Raises UserError for an empty file, one without pictures, or
    one whose access units do not account for every byte; ToolError if FFmpeg cannot read it.
    """
    if stream.stat().st_size == 0:
        raise UserError("the stream is empty.", where=str(stream), remedy=REMEDY)
    # The null muxer drops the packets after the filter.
    trace = ffmpeg.run([*_input_args(stream), "-c", "copy", *TRACING, "-f", "null", "-"]).stderr
    return _traced_stream(trace, stream)


def _traced_stream(trace: str, stream: Path) -> StreamFacts:
    """What TRACING says of a stream; see :func:`read_stream`."""
    size = stream.stat().st_size
    trace = "\n".join(line for line in trace.split("\n") if any(map(line.__contains__, _NAMED)))
    shape = _SIZE.search(trace)
    starts = list(_PACKET.finditer(trace))
    if shape is None or not starts:
        raise UserError("the stream holds no picture.", where=str(stream), remedy=REMEDY)
    ends = [later.start() for later in starts[1:]] + [len(trace)]
    slice_types = [
        _slice_type(trace[packet.end() : end], stream, number)
        for number, (packet, end) in enumerate(zip(starts, ends, strict=True))
    ]
    bits = [8 * int(packet[1]) for packet in starts]
    if sum(bits) != 8 * size:
        raise UserError(
            "the pictures of the stream do not account for all its bytes.",
            where=str(stream),
            expected=f"{size} bytes, found {sum(bits) // 8} in {len(bits)} pictures",
            remedy=REMEDY,
        )
    return StreamFacts(int(shape[1]), int(shape[2]), bits, slice_types)


def checked_stream(
    stream: Path,
    clip: ClipFormat,
    configuration: str,
    encoder_bits: Sequence[int] | None,
    trace: str = "",
) -> StreamFacts:
    """Read a stream and compare it with the configuration and with the encoder's own report.

    ``trace`` is what FFmpeg reported when it wrote the stream with TRACING. Where it does not pass,
    and without it, the stream itself is read.

    ``encoder_bits`` are the bits per picture by the encoder's own count, in coding order: they
    show a stream that was cut inside its last picture or grew a tail, which decoders let pass.
    None: the encoder counts none. Raises UserError for another size, frame count, bit count, or
    slice types than AI (all I) or LDP (I, then all P) have.
    """
    if trace:
        with suppress(UserError):
            return _checked(
                _traced_stream(trace, stream), stream, clip, configuration, encoder_bits
            )
    return _checked(read_stream(stream), stream, clip, configuration, encoder_bits)


def _checked(
    metadata: StreamFacts,
    stream: Path,
    clip: ClipFormat,
    configuration: str,
    encoder_bits: Sequence[int] | None,
) -> StreamFacts:
    where = str(stream)
    if metadata.frames != clip.frames:
        raise UserError(
            "the stream holds another number of frames than its source.",
            where=where,
            expected=f"{clip.frames} frames, found {metadata.frames}",
            remedy=REMEDY,
        )
    if (metadata.width, metadata.height) != (clip.width, clip.height):
        raise UserError(
            "the stream has another picture size than its source should have.",
            where=where,
            expected=f"{clip.width}x{clip.height}, found {metadata.width}x{metadata.height}",
            remedy="correct the size in the sheet, or replace the source.",
        )
    if encoder_bits is not None and metadata.bits_per_frame != list(encoder_bits):
        raise UserError(
            "the stream is not what its encoder reports: cut, or with something added.",
            where=where,
            expected=_first_difference(encoder_bits, metadata.bits_per_frame),
            remedy=REMEDY,
        )
    expected = expected_slice_types(configuration, clip.frames)
    if metadata.slice_types != expected:
        raise UserError(
            f"the stream's slice types are not those of configuration {configuration}.",
            where=where,
            expected=f"{_shortened(expected)}, found {_shortened(metadata.slice_types)}",
            remedy="check the codec's options (for VTM: the configuration file).",
        )
    return metadata


def expected_slice_types(configuration: str, frames: int) -> list[str]:
    """Slice types in coding order: all I for ``AI``, one I and then P for ``LDP``."""
    if configuration not in CONFIGURATIONS:
        raise UserError(
            f"unknown coding configuration '{configuration}'.", expected=" or ".join(CONFIGURATIONS)
        )
    return ["I"] * frames if configuration == "AI" else ["I"] + ["P"] * (frames - 1)


def decoded_md5(stream: Path, pix_fmt: str = "yuv420p10le") -> str:
    """MD5 (hex) of all decoded pictures as planar samples, as VTM's own decoder writes them.

    The first decoding error is fatal (ToolError). Not every cut is one: FFmpeg's decoders conceal
    some, above all in the last picture and for HEVC. :func:`checked_stream` finds those.
    """
    run = ffmpeg.run(
        ["-v", "error", "-xerror", "-err_detect", "explode", *_input_args(stream),
         "-fps_mode", "passthrough", "-pix_fmt", pix_fmt, "-f", "md5", "-"]
    )  # fmt: skip
    return run.stdout.decode().strip().removeprefix("MD5=")


def _input_args(stream: Path) -> list[str]:
    demuxer = DEMUXERS.get(stream.suffix)
    if demuxer is None:
        raise UserError(
            f"'{stream.name}' is no stream that can be read.", expected=" or ".join(DEMUXERS)
        )
    return ["-f", demuxer, "-i", str(stream)]


def _slice_type(trace: str, stream: Path, number: int) -> str:
    if not _SLICE_HEADER.search(trace):
        raise UserError(
            f"access unit {number} of the stream holds no picture.",
            where=str(stream),
            remedy=REMEDY,
        )
    found = {_SLICE_TYPES[stream.suffix][int(code)] for code in _SLICE_TYPE.findall(trace)}
    # H.266 leaves the type out where the picture header allows intra slices only.
    return next((kind for kind in "BPI" if kind in found), "I")


def _first_difference(wanted: Sequence[int], found: Sequence[int]) -> str:
    for number, (wanted_bits, found_bits) in enumerate(zip(wanted, found, strict=False)):
        if wanted_bits != found_bits:
            return f"{wanted_bits} bits for picture {number} (coding order), found {found_bits}"
    return f"{len(wanted)} pictures, found {len(found)}"


def _shortened(slice_types: Sequence[str]) -> str:
    text = "".join(slice_types)
    return text if len(text) <= 40 else f"{text[:40]}... ({len(text)})"
