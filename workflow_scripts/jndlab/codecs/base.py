"""Interface of codecs: one small protocol for every encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat

CONFIGURATIONS = ("AI", "LDP")  # all intra, low-delay P: the coding configurations of the papers


@dataclass(frozen=True)
class EncodeJob:
    """One encode: a lossless source, the coding point and where the stream goes.

    ``threads`` and ``work_dir`` (scratch, emptied by the caller) never change the stream.
    ``qp`` is a fraction for codecs with ``fractional_crf`` at a rate factor alone.
    ``qp_map`` (only for codecs with ``takes_qp_map``) is an .npz file with ``qp``, int16 of frames
    x rows x columns: the QP of every block of ``block_size`` luma samples, partial ones included;
    ``qp`` then only names the point.
    """

    source: Path
    clip: ClipFormat
    configuration: str
    qp: float
    stream: Path
    work_dir: Path
    threads: int = 1
    log: Path | None = None
    qp_map: Path | None = None


@dataclass(frozen=True)
class EncodeResult:
    """What came out, in coding order: ``bits_per_frame`` sums to the size of the stream file."""

    command: list[str]
    version: str
    wall_seconds: float
    cpu_seconds: float
    bits_per_frame: list[int]
    slice_types: list[str]


class Codec(ABC):
    """An encoder with its options fixed."""

    suffix: ClassVar[str]
    bit_depths: ClassVar[tuple[int, ...]] = (8, 10)  # of the sources that it takes
    size_multiple: ClassVar[int] = 2  # of their width and height
    min_qp: ClassVar[int] = 0
    max_qp: ClassVar[int] = 63
    takes_qp_map: ClassVar[bool] = False
    map_step: ClassVar[int] = 1  # least step between blocks of a map that is coded
    takes_crf: ClassVar[bool] = False  # then a keyword ``rate="crf"`` makes ``qp`` a rate factor
    fractional_crf: ClassVar[bool] = False
    # Whether all-intra pictures are coded without regard to each other (found by encoding), and
    # whether the encoder repeats parameter sets with each of them: see codecs/segments.py.
    independent_intra: ClassVar[bool] = False
    repeats_headers: ClassVar[bool] = False

    @classmethod
    def check_source(cls, clip: ClipFormat, where: str) -> None:
        """Raises UserError for a clip of a size or bit depth that it cannot code."""
        encoder = cls.__name__.removesuffix("Codec")
        remedy = "choose a codec of another adapter for this clip, or convert the clip."
        if clip.bit_depth not in cls.bit_depths:
            raise UserError(
                f"{encoder} codes no clips of {clip.bit_depth} bit.",
                where=where,
                expected=" or ".join(f"{depth} bit" for depth in cls.bit_depths),
                remedy=remedy,
            )
        if clip.width % cls.size_multiple or clip.height % cls.size_multiple:
            raise UserError(
                f"{encoder} codes no pictures of {clip.width}x{clip.height}.",
                where=where,
                expected=f"a width and height that are multiples of {cls.size_multiple}",
                remedy=remedy,
            )

    @classmethod
    def check_qp(cls, qp: float, where: str = "") -> None:
        """Raises UserError for a QP, or constant rate factor, that it does not have."""
        if not cls.min_qp <= qp <= cls.max_qp:
            raise UserError(
                f"QP {qp} is out of the range of {cls.__name__.removesuffix('Codec').lower()}.",
                where=where,
                expected=f"{cls.min_qp} to {cls.max_qp}",
            )

    @abstractmethod
    def recipe(self, configuration: str, qp: float) -> dict[str, Any]:
        """Everything that changes the stream for this point, and nothing else (JSON-able)."""

    @abstractmethod
    def encode(self, job: EncodeJob) -> EncodeResult:
        """Encode ``job.source`` into ``job.stream``, whole or not at all.

        Raises ToolError when the encoder fails and UserError when the stream is empty, cut, or
        holds another number of frames or other slice types than the configuration asks for.
        """
