"""Codecs for still pictures behind one small interface, and JPEG."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from PIL import Image, __version__, features

from jndlab.errors import UserError
from jndlab.media.pictures import require_picture

# Name -> its module and class.
STILL_CODECS = {
    "jpeg": ("jndlab.codecs.stills.base", "JpegCodec"),
    "hevc_intra": ("jndlab.codecs.stills.hevc", "HevcIntraCodec"),
    "bpg": ("jndlab.codecs.stills.bpg", "BpgCodec"),
}


class StillCodec(ABC):
    """A still-picture codec with its options fixed; only the quality is left open.

    ``qualities`` holds every quality that there is, from the worst to the best picture.
    ``worse_to_better``: whether that is also the order of the numbers: true of JPEG's quality
    factor (QF), false of a quantisation parameter (QP).
    """

    name: ClassVar[str]
    suffix: ClassVar[str]  # of a coded file, with its dot
    qualities: ClassVar[tuple[int, ...]]

    @property
    def worse_to_better(self) -> bool:
        """Whether a larger number is a better picture."""
        return self.qualities[0] < self.qualities[-1]

    @abstractmethod
    def recipe(self, quality: int) -> dict[str, Any]:
        """Everything that changes the coded bytes of a picture, and nothing else (JSON-able)."""

    @abstractmethod
    def encode(self, picture: np.ndarray, quality: int) -> bytes:
        """Code a picture (H x W x 3 uint8 RGB). The same picture and quality give the same bytes.

        Raises UserError for another array, or a quality that the codec does not have.
        """

    @abstractmethod
    def decode(self, data: bytes) -> np.ndarray:
        """The picture (H x W x 3 uint8 RGB) of what :meth:`encode` returned.

        Raises UserError for data that is no coded picture. A cut one is noticed for JPEG only: HEVC
        decoders conceal the loss, which is why files are kept by their hash
        (:class:`jndlab.codecs.stills.store.StillStore`).
        """

    def encode_many(self, picture: np.ndarray, qualities: Sequence[int]) -> list[bytes]:
        """:meth:`encode` at several qualities: the same bytes, where possible in less time."""
        return [self.encode(picture, quality) for quality in qualities]

    def decode_many(self, coded: Sequence[bytes]) -> list[np.ndarray]:
        """:meth:`decode` of several coded pictures of one size, where possible in less time."""
        return [self.decode(data) for data in coded]

    def check(self, picture: np.ndarray, quality: int) -> None:
        """Raise UserError unless this is a picture, and a quality of this codec."""
        require_picture(picture)
        if quality not in self.qualities:
            raise UserError(
                f"{self.name} has no quality {quality}.",
                expected=f"a whole number from {min(self.qualities)} to {max(self.qualities)}",
            )


class JpegCodec(StillCodec):
    """Baseline JPEG by libjpeg-turbo through Pillow: quality factor 1 to 100, in this process.

    Chroma is subsampled by ``subsampling`` at every quality (Pillow's default is 4:2:0, too).
    Huffman tables are the standard's, there are no restart markers and no metadata.
    """

    name = "jpeg"
    suffix = ".jpg"
    qualities = tuple(range(1, 101))
    SUBSAMPLINGS: ClassVar[Mapping[str, int]] = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}

    def __init__(self, subsampling: str = "4:2:0") -> None:
        if subsampling not in self.SUBSAMPLINGS:
            raise UserError(
                f"JPEG has no chroma subsampling '{subsampling}'.",
                expected=" or ".join(self.SUBSAMPLINGS),
            )
        self.subsampling = subsampling

    def recipe(self, quality: int) -> dict[str, Any]:
        """See :meth:`StillCodec.recipe`."""
        return {
            "codec": self.name,
            "pillow": __version__,
            "libjpeg_turbo": features.version_feature("libjpeg_turbo"),
            "subsampling": self.subsampling,
            "quality": quality,
        }

    def encode(self, picture: np.ndarray, quality: int) -> bytes:
        """See :meth:`StillCodec.encode`."""
        self.check(picture, quality)
        coded = io.BytesIO()
        Image.fromarray(picture).save(
            coded, "JPEG", quality=int(quality), subsampling=self.SUBSAMPLINGS[self.subsampling]
        )
        return coded.getvalue()

    @staticmethod
    def tagged(data: bytes, exif: bytes = b"", icc_profile: bytes = b"") -> bytes:
        """A coded picture with Exif data and a colour profile; its samples are not coded again."""
        parts = [icc_profile[at : at + 65519] for at in range(0, len(icc_profile), 65519)]
        segments = [(0xE1, exif)] if exif else []
        segments += [
            (0xE2, b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part)
            for number, part in enumerate(parts, start=1)
        ]
        end = 4 + int.from_bytes(data[4:6], "big")  # after SOI and the JFIF segment
        tags = [bytes([0xFF, mark]) + (len(s) + 2).to_bytes(2, "big") + s for mark, s in segments]
        return b"".join([data[:end], *tags, data[end:]])

    def decode(self, data: bytes) -> np.ndarray:
        """See :meth:`StillCodec.decode`."""
        try:
            with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
                return np.asarray(picture.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise UserError(
                "this is no whole JPEG picture.", expected=f"what {self.name} coded; {error}"
            ) from error


def get_still_codec(name: str, **options: Any) -> StillCodec:
    """The codec of that name: ``jpeg`` (option ``subsampling``), ``hevc_intra`` (option ``preset``)
    or ``bpg``.

    Raises UserError for another name, a wrong option, or where ``bpgenc`` is not installed.
    """
    if name not in STILL_CODECS:
        raise UserError(f"unknown still codec '{name}'.", expected=", ".join(STILL_CODECS))
    module, kind = STILL_CODECS[name]
    return getattr(import_module(module), kind)(**options)
