"""IQNet's candidates: each picture prefiltered at every alpha, coded and decoded at the base QP."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.files import atomic_path
from jndlab.jnd.erjnd import IqnetFilter
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_y4m
from jndlab.media.ffmpeg import tool_pool

AT_ONCE = 3  # candidates: while FFmpeg starts or ends for one of them, the others take the core
DECODED_DEPTH = 10  # VVC's internal depth; a stream of 8 bit is raised to it

# The arrays of one picture in a file of candidates.
_ARRAYS = ("source", "prefiltered", "decoded_y", "decoded_u", "decoded_v", "bits")


@dataclass(frozen=True)
class CandidateOptions:
    """How candidates are made: the scales of ERJND, the filter's other options, the base QP.

    ``alphas`` rise and are above 0; ``filter_options`` are those of :class:`IqnetFilter` other
    than ``alpha``.
    """

    alphas: Sequence[float]
    filter_options: Mapping[str, Any]
    qp: int = 27

    def prefilters(self) -> list[IqnetFilter]:
        """One prefilter for each alpha; UserError for options that it refuses."""
        return [IqnetFilter(alpha=alpha, **self.filter_options) for alpha in self.alphas]


@dataclass(frozen=True)
class Candidates:
    """A picture's candidates. A alphas; entry 0 of what is coded is the picture unfiltered.

    source       luma, H x W, uint8
    prefiltered  luma, A x H x W, uint8
    decoded      planes of 10 bit, (A + 1) x H x W, chroma halved, uint16
    bits         of each stream, A + 1
    """

    picture: str
    source: np.ndarray
    prefiltered: np.ndarray
    decoded: Frame
    bits: np.ndarray


def make_candidates(
    name: str,
    picture: Frame,
    options: CandidateOptions,
    codec: Codec,
    work_dir: Path,
    log: Path | None = None,
) -> Candidates:
    """Prefilter, encode and decode one picture (8 bit) at all alphas, and once unfiltered.

    Each candidate is an all-intra stream of its own: pictures packed into one stream do not get
    the bits that each gets alone. Chroma is coded as it is. ``work_dir`` is scratch.
    """
    height, width = picture.y.shape
    clip = ClipFormat(width, height, Fraction(25), frames=1)
    coded_clip = replace(clip, bit_depth=DECODED_DEPTH)
    prefiltered = [prefilter.filter_luma(picture.y, 8) for prefilter in options.prefilters()]

    def code(number: int, luma: np.ndarray) -> tuple[int, Frame]:
        source, stream = (work_dir / f"{number}.{end}" for end in ("y4m", codec.suffix))
        write_y4m(source, picture._replace(y=luma), clip)
        job = EncodeJob(source, clip, "AI", options.qp, stream, work_dir, threads=1, log=log)
        bits = sum(codec.encode(job).bits_per_frame)
        (decoded,) = read_clip(stream, coded_clip)
        return bits, decoded

    lumas = [picture.y, *prefiltered]
    with tool_pool(AT_ONCE) as pool:
        bits, decoded = zip(*pool.map(code, range(len(lumas)), lumas), strict=True)
    planes = Frame(*(np.stack(plane) for plane in zip(*decoded, strict=True)))
    return Candidates(name, picture.y, np.stack(prefiltered), planes, np.array(bits))


def batch_of(pictures: Sequence[Any], number: int, count: int) -> Sequence[Any]:
    """The pictures of job ``number`` (from 0) out of ``count``: consecutive, shared out evenly."""
    first, last = (place * len(pictures) // count for place in (number, number + 1))
    return pictures[first:last]


def write_candidates(path: str | Path, candidates: Iterable[Candidates]) -> None:
    """Write candidates as a compressed .npz, one picture in memory at a time, always alike."""
    with atomic_path(path) as part, zipfile.ZipFile(part, "w") as archive:
        for made in candidates:
            arrays = (made.source, made.prefiltered, *made.decoded, made.bits)
            for name, array in zip(_ARRAYS, arrays, strict=True):
                # A ZipInfo made by hand bears no date: the same candidates give the same bytes.
                entry = zipfile.ZipInfo(f"{made.picture}/{name}.npy")
                entry.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(entry, "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)


def read_candidates(paths: Iterable[str | Path]) -> Iterator[Candidates]:
    """Read files of candidates, picture by picture."""
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            names = [entry.rpartition("/")[0] for entry in archive.namelist()]
            for picture in dict.fromkeys(names):
                arrays = []
                for name in _ARRAYS:
                    with archive.open(f"{picture}/{name}.npy") as stream:
                        arrays.append(np.lib.format.read_array(stream, allow_pickle=False))
                source, prefiltered, *decoded, bits = arrays
                yield Candidates(picture, source, prefiltered, Frame(*decoded), bits)
