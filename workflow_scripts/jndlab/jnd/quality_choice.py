"""What a quality choice is, how one is loaded by name, and the simple ones to compare with.

A quality choice returns the quality of a still-picture codec at which to code a picture. It is a
class whose options are keyword arguments, with one method; the base class :class:`StillChoice`
helps, but is not needed::

    class Always(StillChoice):
        def __init__(self, *, codec: str = "jpeg", quality: int = 50): ...
        def choose(self, picture): return self.decided(picture, self.quality)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jndlab.codecs.stills.base import StillCodec, get_still_codec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.jnd.method_class import load_class
from jndlab.jnd.pixel.maps import DEFAULT_MODEL, mean_pixel_jnd
from jndlab.jnd.quality_search import Call, search_pw_jnd
from jndlab.media.patches import luma_of
from jndlab.media.pictures import picture_sha256

# Says how alike two RGB pictures (H x W x 3, uint8) are, reference first; larger is more alike.
PictureMetric = Callable[[np.ndarray, np.ndarray], float]
SSIM = "jndlab.quality.picture_ssim:picture_ssim"


@dataclass(frozen=True)
class QualityDecision:
    """The chosen ``quality``, its size in bytes and that of the codec's best quality.

    ``path`` holds the classifier's answers on the way, none where there was no search.
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

    Raises UserError that says what to write instead.
    """
    return load_class(target, options, noun="quality choice", methods=("choose(picture)",))


class StillChoice:
    """Optional base of quality choices: a codec, and where its coded pictures are kept.

    ``codec`` is a name of ``jndlab.codecs.stills.base`` or a codec; ``store`` a folder in which
    each (picture, quality) is coded once, or none to keep nothing.
    """

    def __init__(self, codec: str | StillCodec, store: str | Path | None = None) -> None:
        self.codec = get_still_codec(codec) if isinstance(codec, str) else codec
        self.store = None if store is None else StillStore(store)

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


class FixedQuality(StillChoice):
    """The same quality for every picture."""

    def __init__(
        self, *, codec: str | StillCodec, quality: int, store: str | Path | None = None
    ) -> None:
        super().__init__(codec, store)
        self.quality = quality

    def choose(self, picture: np.ndarray) -> QualityDecision:
        return self.decided(picture, self.quality)


class MetricThreshold(StillChoice):
    """The best quality at which a metric is still below ``threshold``: where errors count as seen.

    ``metric`` is a function of two RGB pictures, or ``package.module:function`` (default: SSIM).
    """

    def __init__(
        self,
        *,
        codec: str | StillCodec,
        threshold: float,
        metric: str | PictureMetric = SSIM,
        search: str = "binary",
        store: str | Path | None = None,
    ) -> None:
        super().__init__(codec, store)
        self.threshold, self.search = threshold, search
        self.metric = _function(metric) if isinstance(metric, str) else metric

    def choose(self, picture: np.ndarray) -> QualityDecision:
        def is_visible(quality: int) -> bool:
            return self.metric(picture, self.decoded(picture, quality)) < self.threshold

        found = search_pw_jnd(is_visible, self.codec.qualities, self.search)
        return self.decided(picture, found.pw_jnd, found.path)


class PixelJndRegression(StillChoice):
    """A line from the mean pixel JND to the quality; see :func:`fit_pixel_jnd_regression`."""

    def __init__(
        self,
        *,
        codec: str | StillCodec,
        slope: float,
        intercept: float,
        model: str = DEFAULT_MODEL,
        store: str | Path | None = None,
    ) -> None:
        super().__init__(codec, store)
        self.slope, self.intercept, self.model = slope, intercept, model

    def choose(self, picture: np.ndarray) -> QualityDecision:
        wanted = self.slope * mean_pixel_jnd(luma_of(picture), self.model) + self.intercept
        return self.decided(picture, nearest_quality(self.codec.qualities, wanted))


class TrueLabels(StillChoice):
    """The PW-JND that observers (or whatever made the labels) found: the oracle.

    ``labels`` are qualities by the :func:`~jndlab.media.pictures.picture_sha256` of the picture.
    """

    def __init__(
        self,
        *,
        codec: str | StillCodec,
        labels: Mapping[str, int],
        store: str | Path | None = None,
    ) -> None:
        super().__init__(codec, store)
        self.labels = dict(labels)

    def choose(self, picture: np.ndarray) -> QualityDecision:
        key = picture_sha256(picture)
        if key not in self.labels:
            raise UserError(
                "a picture has no label.",
                where=f"picture {key[:12]} of {picture.shape[1]}x{picture.shape[0]}",
                remedy="give the labels of all pictures that are to be coded.",
            )
        return self.decided(picture, self.labels[key])


def nearest_quality(qualities: Sequence[int], wanted: float) -> int:
    """The quality nearest to a number; the better one of two as near."""
    return min(reversed(qualities), key=lambda quality: abs(quality - wanted))


def fit_pixel_jnd_regression(
    mean_jnds: Sequence[float], pw_jnds: Sequence[float]
) -> tuple[float, float]:
    """Slope and intercept of the least-squares line from mean pixel JND to PW-JND.

    Raises UserError for fewer than two different means.
    """
    if len(set(mean_jnds)) < 2 or len(mean_jnds) != len(pw_jnds):
        raise UserError(
            "a line cannot be drawn through these pictures.",
            expected="two or more pictures of different mean pixel JND, one label for each",
        )
    slope, intercept = np.polyfit(mean_jnds, pw_jnds, 1)
    return float(slope), float(intercept)


def fit_metric_threshold(
    curves: Sequence[Sequence[float]], pw_jnds: Sequence[int], qualities: Sequence[int]
) -> float:
    """The threshold of :class:`MetricThreshold` with the smallest mean |quality - PW-JND|.

    ``curves`` hold the metric of each training picture at all ``qualities`` (worst to best). Tried
    are all thresholds that make a difference; of equally good ones the middle one is taken.
    """
    values = np.asarray(curves, np.float64)
    cuts = np.unique(values)
    candidates = np.concatenate([(cuts[:-1] + cuts[1:]) / 2, [np.nextafter(cuts[-1], np.inf)]])
    order = np.asarray(qualities)
    labels = np.asarray(pw_jnds)[:, None]
    # What an exhaustive reading of the curve finds: its last value below the threshold.
    running = np.minimum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    below = np.stack([np.searchsorted(curve, candidates, side="left") for curve in running])
    errors = np.abs(order[np.maximum(below, 1) - 1] - labels).mean(axis=0)
    best = np.flatnonzero(errors == errors.min())
    return float(candidates[best[len(best) // 2]])


def _function(address: str) -> Callable[..., float]:
    module, _, name = address.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(
            f"there is no picture metric '{address}'.",
            expected="package.module:function",
            remedy=f"correct the name ({error}).",
        ) from error
