"""One HEVC intra picture by x265 inside the packaged FFmpeg: a still codec of its own, not BPG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from jndlab.codecs.packaged import ATTEMPTS
from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.x265 import X265Codec
from jndlab.errors import UserError
from jndlab.media import ffmpeg

SMALLEST = 16  # x265 refuses smaller pictures
# Colours as in JPEG and BPG: BT.601, full range, chroma in the middle of four pixels. The stream
# carries the tags (3 bytes), so that other players show it right.
_SCALE = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"
_TO_YUV = (
    f"scale=out_color_matrix=bt601:out_range=full:out_chroma_loc=center:{_SCALE},format=yuv420p,"
    "setparams=range=full:colorspace=smpte170m:color_primaries=unknown:color_trc=unknown,setsar=0"
)
_TO_RGB = f"scale=in_color_matrix=bt601:in_range=full:in_chroma_loc=center:{_SCALE},format=rgb24"
_TOGETHER = 8  # encoders in one process: each holds the memory of its own


class HevcIntraCodec(StillCodec):
    """A single intra picture at constant QP 51 to 0, 8 bit, 4:2:0, with the pinned options of
    :mod:`jndlab.codecs.x265`; even sizes of 16x16 at least.

    Size means the bare stream: parameter sets and slice, no container. Qualities of one picture
    are coded several in one FFmpeg process, each by an encoder of its own, which gives the same
    bytes. Several pictures through one encoder do not quite: x265 sets a bit of each slice header
    by the number of the picture (the decoded pictures are the same).
    """

    name = "hevc_intra"
    suffix = ".265"
    qualities = tuple(range(51, -1, -1))

    def __init__(self, preset: str = "medium") -> None:
        self._x265 = X265Codec(preset)

    def recipe(self, quality: int) -> dict[str, Any]:
        """See :meth:`StillCodec.recipe`."""
        return {
            "codec": self.name,
            "x265": self._x265.version(),
            "ffmpeg_version": ffmpeg.ffmpeg_version(),
            "preset": self._x265.preset,
            "filter": _TO_YUV,
            "parameters": self._x265.parameters("AI", quality),
            "quality": quality,
        }

    def encode(self, picture: np.ndarray, quality: int) -> bytes:
        """See :meth:`StillCodec.encode`; UserError also for odd or too small sizes."""
        return self.encode_many(picture, [quality])[0]

    def decode(self, data: bytes) -> np.ndarray:
        """See :meth:`StillCodec.decode`."""
        return self.decode_many([data])[0]

    def encode_many(self, picture: np.ndarray, qualities: Sequence[int]) -> list[bytes]:
        """See :meth:`StillCodec.encode_many`; uses the cores that there are."""
        for quality in qualities:
            self.check(picture, quality)
        height, width = picture.shape[:2]
        if width % 2 or height % 2 or min(width, height) < SMALLEST:
            raise UserError(
                f"{self.name} codes no picture of {width}x{height}.",
                expected=f"an even width and height (4:2:0) of {SMALLEST} at least",
                remedy="crop the picture by its last row or column.",
            )
        coded: list[bytes] = []
        with TemporaryDirectory() as scratch:
            source = Path(scratch) / "picture.rgb"
            source.write_bytes(np.ascontiguousarray(picture).tobytes())
            raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}"]
            for first in range(0, len(qualities), _TOGETHER):
                some = qualities[first : first + _TOGETHER]
                coded += self._encode([*raw, "-i", str(source)], some, Path(scratch))
        return coded

    def decode_many(self, coded: Sequence[bytes]) -> list[np.ndarray]:
        """See :meth:`StillCodec.decode_many`: one process for all, as each picture stands alone."""
        if not coded:
            return []
        with TemporaryDirectory() as scratch:
            stream = Path(scratch) / "pictures.265"
            stream.write_bytes(b"".join(coded))
            printed = ffmpeg.run(
                ["-v", "error", "-xerror", "-err_detect", "explode", "-f", "hevc", "-i",
                 str(stream), "-fps_mode", "passthrough", "-vf", _TO_RGB,
                 "-c:v", "ppm", "-f", "image2pipe", "-"]
            ).stdout  # fmt: skip
        pictures = _split_ppm(printed)
        if len(pictures) != len(coded):
            raise UserError(
                "coded pictures do not decode to as many pictures.",
                expected=f"{len(coded)}, found {len(pictures)}",
                remedy="one of them is cut or damaged: code them again.",
            )
        return pictures

    def _encode(self, source: list[str], qualities: Sequence[int], folder: Path) -> list[bytes]:
        args = ["-v", "error", *source]
        targets = [folder / f"{place}.265" for place in range(len(qualities))]
        for quality, target in zip(qualities, targets, strict=True):
            options = {**self._x265.parameters("AI", quality), "pools": "1"}
            args += ["-map", "0:v:0", "-vf", _TO_YUV, "-c:v", "libx265",
                     "-preset", self._x265.preset,
                     "-x265-params", ":".join(f"{k}={v}" for k, v in options.items()),
                     "-f", "hevc", str(target)]  # fmt: skip
        for _ in range(ATTEMPTS):  # see jndlab.codecs.packaged: an encode may end without a picture
            ffmpeg.run(args)
            coded = [target.read_bytes() for target in targets]
            if all(coded):
                return coded
        raise UserError(
            "x265 ended without an error and without a picture.",
            where=str(ffmpeg.ffmpeg_path()),
            remedy="run it again; see `make doctor`.",
        )


def _split_ppm(data: bytes) -> list[np.ndarray]:
    """The pictures of a sequence of binary PPM files (``P6``, size, 255, each on its line)."""
    pictures, start = [], 0
    while start < len(data):
        _, size, _, rest = data[start : start + 40].split(b"\n", 3)
        width, height = map(int, size.split())
        start += min(40, len(data) - start) - len(rest)
        samples = np.frombuffer(data, np.uint8, width * height * 3, start)
        pictures.append(samples.reshape(height, width, 3))
        start += samples.size
    return pictures
