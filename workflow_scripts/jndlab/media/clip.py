"""4:2:0 clips as planes in memory, streamed frame by frame from and to lossless files."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Generator, Iterable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.media.ffmpeg import STRICT, ToolError, errors_in, ffmpeg_path

if TYPE_CHECKING:  # a tenth of a second that encode and measure jobs need not spend
    import numpy as np

PIX_FMTS = {8: "yuv420p", 10: "yuv420p10le"}  # FFmpeg's names by bit depth
LOSSLESS_CODEC = ["-c:v", "ffv1", "-level", "3", "-g", "1", "-slices", "4"]


class Frame(NamedTuple):
    """Planes of one 4:2:0 picture: uint8 (8 bit) or uint16 (10 bit); luma H x W, chroma halved."""

    y: np.ndarray
    u: np.ndarray
    v: np.ndarray


@dataclass(frozen=True)
class ClipFormat:
    """Size, rate, length and depth of a clip; 4:2:0 sampling, even width and height."""

    width: int
    height: int
    fps: Fraction
    frames: int
    bit_depth: int = 8

    def __post_init__(self) -> None:
        if self.bit_depth not in PIX_FMTS:
            raise UserError(f"bit depth {self.bit_depth} is not supported.", expected="8 or 10")
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 2:
            raise UserError(
                f"{self.width}x{self.height} is not a 4:2:0 size.",
                expected="an even width and height of at least 2",
            )

    @property
    def pix_fmt(self) -> str:
        """FFmpeg's name of the sample format."""
        return PIX_FMTS[self.bit_depth]

    @property
    def max_value(self) -> int:
        """Largest sample value, 255 or 1023."""
        return (1 << self.bit_depth) - 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one raw frame."""
        return self.width * self.height * 3 // 2 * (1 if self.bit_depth == 8 else 2)

    @property
    def seconds(self) -> float:
        """Playing time."""
        return float(self.frames / self.fps)


def read_clip(path: str | Path, clip: ClipFormat) -> Generator[Frame, None, None]:
    """Yield the ``clip.frames`` pictures of a file that FFmpeg reads, one at a time.

    Sample values are not changed: the file must hold ``clip``'s size; a file of lower depth is
    raised, never dithered down. Raises UserError for damage, and if the count of frames differs.
    """
    command = [str(ffmpeg_path()), "-v", "level+error", "-nostdin", *STRICT, "-i", str(path),
               "-map", "0:v:0", "-fps_mode", "passthrough",
               "-f", "rawvideo", "-pix_fmt", clip.pix_fmt, "-"]  # fmt: skip
    count = 0
    # A file for what FFmpeg says: a pipe that nobody reads would fill up and stop it.
    with TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)
        assert process.stdout is not None
        try:
            while raw := _read_exactly(process.stdout, clip.frame_bytes):
                if len(raw) < clip.frame_bytes:
                    break
                count += 1
                yield planes_of(raw, clip)
        finally:
            process.stdout.close()
            code = process.wait()
        said.seek(0)
        message = said.read().decode(errors="replace").strip()
    if code != 0 or errors_in(message):
        raise ToolError(f"FFmpeg cannot read '{path}'.", expected=message[-800:])
    if count != clip.frames:
        raise UserError(
            "a clip has another number of frames than in its sheet.",
            where=str(path),
            expected=f"{clip.frames} frames of {clip.width}x{clip.height}, found {count}",
            remedy="correct `frames` in the sheet, or replace the file.",
        )


def write_clip(path: str | Path, frames: Iterable[Frame], clip: ClipFormat) -> None:
    """Write pictures as a lossless file (FFV1 in Matroska), whole or not at all.

    Raises UserError if a frame's size or sample type, or their count, differs from ``clip``.
    """
    with atomic_path(path) as part:
        command = [str(ffmpeg_path()), "-v", "error", "-nostdin", "-y",
                   *raw_input_args(clip), "-i", "-", *LOSSLESS_CODEC,
                   "-fflags", "+bitexact", "-f", "matroska", str(part)]  # fmt: skip
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdin is not None and process.stderr is not None
        count = 0
        try:
            for frame in frames:
                count += 1
                if count > clip.frames:  # it may yield without end
                    raise _other_count(path, clip, "more")
                process.stdin.write(bytes_of(frame, clip))
            process.stdin.close()
        except BrokenPipeError:
            pass  # FFmpeg ended early: its exit status and words are reported below
        except BaseException:
            process.kill()
            process.communicate()
            raise
        message = process.stderr.read().decode(errors="replace").strip()
        process.stderr.close()
        if process.wait() != 0:
            raise ToolError(f"FFmpeg cannot write '{path}'.", expected=message[-800:])
        if count != clip.frames:
            raise _other_count(path, clip, str(count))


def write_y4m(path: str | Path, frame: Frame, clip: ClipFormat) -> None:
    """Write one picture raw, with a header that FFmpeg reads (YUV4MPEG2), without starting it.

    For scratch: four times as large as a lossless file. Raises UserError as :func:`write_clip`.
    """
    size, rate = f"W{clip.width} H{clip.height}", f"F{clip.fps.numerator}:{clip.fps.denominator}"
    samples = "C420" if clip.bit_depth == 8 else f"C420p{clip.bit_depth}"
    header = f"YUV4MPEG2 {size} {rate} Ip A0:0 {samples}\nFRAME\n"
    Path(path).write_bytes(header.encode() + bytes_of(frame, clip))


def _other_count(path: str | Path, clip: ClipFormat, found: str) -> UserError:
    return UserError(
        "a filter returned another number of frames than it was given.",
        where=str(path),
        expected=f"{clip.frames} frames, found {found}",
    )


def samples_sha256(path: str | Path, clip: ClipFormat) -> str:
    """Hex SHA-256 over the raw planar samples of all frames: names the content, not the file."""
    digest = hashlib.sha256()
    for frame in read_clip(path, clip):
        digest.update(bytes_of(frame, clip))
    return digest.hexdigest()


def clip_from_text(values: Mapping[str, Any]) -> ClipFormat:
    """A format from plain values (``fps`` as text such as ``30000/1001``)."""
    return ClipFormat(**{**values, "fps": Fraction(values["fps"])})


def clip_as_text(clip: ClipFormat) -> dict[str, Any]:
    """The plain values of a format; the reverse of :func:`clip_from_text`."""
    return {**asdict(clip), "fps": str(clip.fps)}


def raw_input_args(clip: ClipFormat) -> list[str]:
    """FFmpeg's input options for headerless frames of this format."""
    return ["-f", "rawvideo", "-pix_fmt", clip.pix_fmt,
            "-video_size", f"{clip.width}x{clip.height}", "-framerate", str(clip.fps)]  # fmt: skip


def planes_of(raw: bytes, clip: ClipFormat) -> Frame:
    """Split one raw planar frame into its planes (read-only views)."""
    import numpy as np

    samples = np.frombuffer(raw, dtype=np.uint8 if clip.bit_depth == 8 else np.dtype("<u2"))
    luma, height, width = clip.width * clip.height, clip.height, clip.width
    chroma = luma // 4
    return Frame(
        samples[:luma].reshape(height, width),
        samples[luma : luma + chroma].reshape(height // 2, width // 2),
        samples[luma + chroma :].reshape(height // 2, width // 2),
    )


def bytes_of(frame: Frame, clip: ClipFormat) -> bytes:
    """One frame as raw planar bytes; raises UserError if it does not fit ``clip``."""
    import numpy as np

    dtype = np.dtype(np.uint8 if clip.bit_depth == 8 else "<u2")
    shapes = [(clip.height, clip.width)] + [(clip.height // 2, clip.width // 2)] * 2
    parts = []
    for name, plane, shape in zip("yuv", frame, shapes, strict=True):
        if plane.shape != shape or plane.dtype != dtype:
            raise UserError(
                f"plane {name} of a frame does not fit its clip.",
                expected=f"shape {shape} of {dtype}, found {plane.shape} of {plane.dtype}",
            )
        parts.append(np.ascontiguousarray(plane).tobytes())
    return b"".join(parts)


def evenly_spread(count: int, wanted: int, *, first: bool = False) -> list[int]:
    """``wanted`` of the numbers 0 to ``count`` - 1 (or all), each in the middle of its share.

    With ``first`` each is the first of its share.
    """
    wanted = min(wanted, count)
    return [(2 * place + (not first)) * count // (2 * wanted) for place in range(wanted)]


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        piece = stream.read(size - len(parts))
        if not piece:
            break
        parts += piece
    return bytes(parts)
