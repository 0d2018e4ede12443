"""Interface of quality choices, their base class, and loading by name.

A quality choice returns the quality of a still-picture codec at which to encode a picture. It is a
class whose options are keyword arguments, with one method; the base class :class:`StillChoice`
helps, but is not needed::

    class Always(StillChoice):
        def __init__(self, *, codec: str = "jpeg", quality: int = 50): ...
        def choose(self, picture): return self.decided(picture, self.quality)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jndlab.codecs.stills.base import StillCodec, get_still_codec
from jndlab.codecs.stills.store import StillStore
from jndlab.jnd.method_class import load_class
from jndlab.jnd.quality_search import Call


@dataclass(frozen=True)
class QualityDecision:
    """The chosen ``quality``, its size in bytes and that of the codec's best quality.

    ``path`` holds the classifier's decisions on the way, none where there was no search.
    """

    quality: int
    bytes: int
    best_bytes: int
    path: tuple[Call, ...] = ()

    @property
    def calls(self) -> int:
        """How many coded pictures were looked at."""
        return len(self.path)

    @property
    def saving(self) -> float:
        """Share of the bytes of the best quality that is saved; below 0 where more are needed."""
        return 1 - self.bytes / self.best_bytes

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "quality": self.quality,
            "bytes": self.bytes,
            "best_bytes": self.best_bytes,
            "saving": self.saving,
            "calls": self.calls,
            "path": [{"quality": call.quality, "visible": call.visible} for call in self.path],
        }


class QualityChoice(Protocol):
    """Chooses the quality of a picture (H x W x 3, uint8 RGB)."""

    def choose(self, picture: np.ndarray) -> QualityDecision: ...


def load_quality_choice(target: str, options: Mapping[str, Any] | None = None) -> QualityChoice:
    """Import ``package.module:Class`` and construct it with ``options``.

    Raises UserError that names the fix.
    """
    return load_class(target, options, noun="quality choice", methods=("choose(picture)",))


class StillChoice:
    """Optional base of quality choices: a codec, and where its coded pictures are kept.

    ``codec`` is a name of ``jndlab.codecs.stills.base`` or a codec; ``store`` a store, or a folder,
    in which each (picture, quality) is coded once, or none to keep nothing.
    """

    def __init__(
        self, codec: str | StillCodec, store: str | Path | StillStore | None = None
    ) -> None:
        self.codec = get_still_codec(codec) if isinstance(codec, str) else codec
        self.store = StillStore(store) if isinstance(store, str | Path) else store

    def size(self, picture: np.ndarray, quality: int) -> int:
        """Bytes of the coded picture."""
        if self.store is None:
            return len(self.codec.encode(picture, quality))
        return self.store.sizes(self.codec, picture, [quality])[quality]

    def decoded(self, picture: np.ndarray, quality: int) -> np.ndarray:
        """The picture (H x W x 3, uint8) as the codec gives it back."""
        if self.store is None:
            return self.codec.decode(self.codec.encode(picture, quality))
        return self.store.get(self.codec, picture, quality).picture

    def decided(
        self, picture: np.ndarray, quality: int, path: Sequence[Call] = ()
    ) -> QualityDecision:
        """The decision for ``quality``, with the sizes that belong to it."""
        best = self.size(picture, self.codec.qualities[-1])
        return QualityDecision(quality, self.size(picture, quality), best, tuple(path))


def nearest_quality(qualities: Sequence[int], wanted: float) -> int:
    """The quality nearest to a number; the better one of two as near."""
    return min(reversed(qualities), key=lambda quality: abs(quality - wanted))
