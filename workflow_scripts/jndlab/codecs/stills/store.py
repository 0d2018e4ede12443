"""Coded still pictures kept by hash: every (picture, recipe, quality) is coded once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jndlab.codecs.stills.base import StillCodec
from jndlab.files import atomic_path, sha256_of_json
from jndlab.media.pictures import picture_sha256

_TOGETHER = 16  # qualities coded or decoded at a time: bounds the pictures held in memory


@dataclass(frozen=True)
class CodedStill:
    """A coded picture: its ``size`` in bytes, the decoded ``picture`` (H x W x 3 uint8), a file."""

    quality: int
    size: int
    picture: np.ndarray
    path: Path


class StillStore:
    """Coded pictures in a folder, which may be shared by jobs and deleted at any time.

    A file is ``<codec>/<picture>/q<quality>.<recipe>.<content><suffix>``, where picture, recipe and
    content are hashes. The last one reveals a broken, cut or exchanged file, which is coded again.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def get(self, codec: StillCodec, picture: np.ndarray, quality: int) -> CodedStill:
        """The coded and decoded picture (H x W x 3 uint8) at one quality."""
        return next(self.sweep(codec, picture, [quality]))

    def sweep(
        self, codec: StillCodec, picture: np.ndarray, qualities: Sequence[int] | None = None
    ) -> Iterator[CodedStill]:
        """The picture at each of ``qualities`` (all that the codec has, worst first, unless given).

        Some are coded and decoded together, as the codec can; not all are held at once.
        """
        for some in _groups(_wanted(codec, picture, qualities)):
            files = self._files(codec, picture, some)
            decoded = codec.decode_many([data for _, data in files])
            for quality, (path, data), one in zip(some, files, decoded, strict=True):
                yield CodedStill(quality, len(data), one, path)

    def sizes(
        self, codec: StillCodec, picture: np.ndarray, qualities: Sequence[int] | None = None
    ) -> dict[int, int]:
        """Quality -> size in bytes, without decoding."""
        return {
            quality: len(data)
            for some in _groups(_wanted(codec, picture, qualities))
            for quality, (_, data) in zip(some, self._files(codec, picture, some), strict=True)
        }

    def _files(
        self, codec: StillCodec, picture: np.ndarray, qualities: Sequence[int]
    ) -> list[tuple[Path, bytes]]:
        """Path and content of each quality, in that order; what is not there is coded."""
        folder = self.folder / codec.name / picture_sha256(picture)[:32]
        stems = {q: f"q{q:03d}.{sha256_of_json(codec.recipe(q))[:16]}" for q in qualities}
        found = {q: file for q, stem in stems.items() if (file := _whole(folder, stem))}
        absent = [quality for quality in stems if quality not in found]
        coded = codec.encode_many(picture, absent) if absent else []
        for quality, data in zip(absent, coded, strict=True):
            path = folder / f"{stems[quality]}.{_content(data)}{codec.suffix}"
            with atomic_path(path) as part:
                part.write_bytes(data)
            found[quality] = (path, data)
        return [found[quality] for quality in qualities]


def _whole(folder: Path, stem: str) -> tuple[Path, bytes] | None:
    """The file of that stem whose content matches the hash in its name; others are removed."""
    for path in sorted(folder.glob(f"{stem}.*")):
        data = path.read_bytes()
        if path.name.split(".")[2] == _content(data):
            return path, data
        path.unlink(missing_ok=True)
    return None


def _content(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _wanted(codec: StillCodec, picture: np.ndarray, qualities: Sequence[int] | None) -> list[int]:
    wanted = codec.qualities if qualities is None else qualities
    for quality in wanted:
        codec.check(picture, quality)
    return [int(quality) for quality in wanted]


def _groups(qualities: Sequence[int]) -> Iterator[list[int]]:
    for first in range(0, len(qualities), _TOGETHER):
        yield list(qualities[first : first + _TOGETHER])
