"""Frames coded at every quality: their PSNR and size, and how each looks at its JND levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.codecs.bitstream import read_stream
from jndlab.datasets.authors_folder import read_authors_folder
from jndlab.datasets.jnd_labels import JndLabels
from jndlab.errors import UserError
from jndlab.files import number_of, own_content, read_rows, whole_number_of, write_csv
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_clip
from jndlab.media.ffmpeg import tool_pool
from jndlab.media.pictures import frame_to_rgb, read_picture, rgb_to_frame
from jndlab.quality.jnd_statistics import RANGES
from jndlab.quality.pooling import psnr_of_mse

FRAMES_PER_STREAM = 64  # bounds memory

# Frame -> quality of each of its JND levels, from the first on.
Qualities = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class CodedFrame:
    """One coding of a frame: luma PSNR in dB at 8 bit (None: lossless) and its size.

    ``quality`` is an H.264 QP or a JPEG QF (``unit``).
    """

    frame: str
    unit: str
    quality: int
    psnr_y: float | None
    bits: int


class Codings(NamedTuple):
    """Metadata of some codings; ``pictures`` (RGB) of those that are JNDs, by level and frame."""

    metadata: list[CodedFrame]
    pictures: dict[tuple[int, str], np.ndarray]


def jnd_qualities(labels: JndLabels) -> dict[str, tuple[int, ...]]:
    """Whole quality of each level of each frame: labels, which may be means, rounded."""
    low, high = RANGES[labels.unit]
    whole = np.rint(labels.values()).clip(low, high).astype(int)
    return {name: tuple(map(int, row)) for name, row in zip(labels.sources, whole, strict=True)}


def encode_frames(
    frames: Iterable[tuple[str, np.ndarray]],
    jnd: Qualities,
    codec: Codec,
    qps: Sequence[int],
    *,
    work_dir: Path,
    threads: int = 1,
) -> Iterator[Codings]:
    """Code named frames (H x W x 3 uint8 RGB, one size) all intra at ``qps`` and at their JNDs.

    Many frames share a stream, so the codec must code intra pictures independently of each other,
    as x264 does: UserError for others. 4:2:0 by BT.601, there and back. ``threads`` encoders run
    at a time.
    """
    if not codec.independent_intra:
        raise UserError(
            f"{type(codec).__name__} does not code intra pictures independently of each other.",
            expected="x264",
        )
    every = sorted({*qps, *(qp for of_frame in jnd.values() for qp in of_frame)})
    work_dir.mkdir(parents=True, exist_ok=True)
    waiting = iter(frames)
    while group := {name: rgb_to_frame(rgb) for name, rgb in islice(waiting, FRAMES_PER_STREAM)}:
        height, width = next(iter(group.values())).y.shape
        clip = ClipFormat(width, height, Fraction(25), len(group))
        with TemporaryDirectory(dir=work_dir) as scratch, tool_pool(threads) as pool:
            source = Path(scratch) / "frames.mkv"
            write_clip(source, group.values(), clip)
            yield from pool.map(partial(_encode, group, jnd, codec, clip, source), every)


def decode_frames(
    frames: Iterable[tuple[str, np.ndarray]],
    jnd: Qualities,
    streams: Mapping[int, Path],
    *,
    threads: int = 1,
) -> Iterator[Codings]:
    """The same of streams (QP -> file) that hold all frames in this order, as a sweep keeps them.

    All frames are in memory. Raises UserError for a stream of another number of frames.
    """
    planes = {name: rgb_to_frame(rgb) for name, rgb in frames}
    with tool_pool(threads) as pool:
        yield from pool.map(partial(_decode, planes, jnd), streams, streams.values())


def read_codings(
    frames: Iterable[tuple[str, np.ndarray]],
    jnd: Qualities,
    files: Mapping[str, Mapping[int, Path]],
    unit: str,
) -> Iterator[Codings]:
    """The same of picture files that a data set holds (frame -> quality -> file), by frame."""
    for name, rgb in frames:
        luma, codings = rgb_to_frame(rgb).y, Codings([], {})
        for quality, path in files[name].items():
            decoded = read_picture(path)
            if decoded.shape != rgb.shape:
                raise UserError(
                    "a coded picture has another size than its frame.",
                    where=str(path),
                    expected="{1}x{0}, found {3}x{2}".format(*rgb.shape[:2], *decoded.shape[:2]),
                )
            psnr = _psnr(luma, rgb_to_frame(decoded).y)
            size = 8 * path.stat().st_size
            codings.metadata.append(CodedFrame(name, unit, quality, psnr, size))
            for level in _levels_at(jnd, name, quality):
                codings.pictures[level, name] = decoded
        yield codings


def given_pictures(folder: str | Path) -> dict[tuple[int, str], Path]:
    """Frames at JND quality that a folder in the authors' layout brings along, by level, frame."""
    return {
        (level, path.stem): path
        for split in read_authors_folder(folder, order="warn").values()
        for level, paths in split.jnd_frames.items()
        for path in paths
    }


def write_coded(path: str | Path, coded: Iterable[CodedFrame]) -> None:
    """Write the table of codings as CSV, by frame and quality."""
    rows = sorted(coded, key=lambda row: (row.frame, row.quality))
    write_csv(path, map(asdict, rows), [field.name for field in fields(CodedFrame)])


def read_psnr(path: str | Path) -> dict[str, dict[int, float]]:
    """Frame -> quality -> luma PSNR in dB (infinite where lossless) of a table of codings."""
    table: dict[str, dict[int, float]] = {}
    for where, row in read_rows(path):
        with own_content(where):
            psnr = number_of(row["psnr_y"]) if row["psnr_y"] else math.inf
            of_frame, quality = table.setdefault(row["frame"], {}), whole_number_of(row["quality"])
            if quality in of_frame or psnr < 0:
                raise ValueError(f"a second coding at {quality}, or a negative PSNR")
            of_frame[quality] = psnr
    return table


def _encode(
    frames: Mapping[str, Frame],
    jnd: Qualities,
    codec: Codec,
    clip: ClipFormat,
    source: Path,
    qp: int,
) -> Codings:
    with TemporaryDirectory(dir=source.parent) as scratch:
        stream = Path(scratch) / f"coded.{codec.suffix}"
        codec.encode(EncodeJob(source, clip, "AI", qp, stream, Path(scratch)))
        return _decode(frames, jnd, qp, stream)


def _decode(frames: Mapping[str, Frame], jnd: Qualities, qp: int, stream: Path) -> Codings:
    metadata: list[CodedFrame] = []
    kept: dict[tuple[int, str], np.ndarray] = {}
    height, width = next(iter(frames.values())).y.shape
    clip = ClipFormat(width, height, Fraction(25), len(frames))
    sizes = read_stream(stream).bits_per_frame
    for (name, frame), coded, bits in zip(
        frames.items(), read_clip(stream, clip), sizes, strict=True
    ):
        metadata.append(CodedFrame(name, "QP", qp, _psnr(frame.y, coded.y), bits))
        if levels := _levels_at(jnd, name, qp):
            rgb = frame_to_rgb(coded)
            kept |= {(level, name): rgb for level in levels}
    return Codings(metadata, kept)


def _levels_at(jnd: Qualities, frame: str, quality: int) -> list[int]:
    of_frame = jnd.get(frame, ())
    return [level for level, of_level in enumerate(of_frame, start=1) if of_level == quality]


def _psnr(reference: np.ndarray, coded: np.ndarray) -> float | None:
    difference = reference.astype(np.float64) - coded
    psnr = psnr_of_mse(float(np.square(difference).mean()), 8)
    return None if psnr is None else round(psnr, 4)
