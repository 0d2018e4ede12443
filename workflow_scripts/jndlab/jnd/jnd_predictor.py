"""JND predictors: interface, loading by name, and the QP at which a clip is coded.

A predictor estimates from a clip's frames the QPs at which its coding errors become noticeable. It
is a class whose options are keyword arguments, with one method; no base class is needed::

    class Always:
        def __init__(self, *, qp: float = 30.0): ...
        def predict(self, frames, clip): return [FrameJnd(0, (self.qp,))]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from statistics import median
from typing import Any, NamedTuple, Protocol

from jndlab.errors import UserError
from jndlab.jnd.method_class import load_class
from jndlab.media.clip import ClipFormat, Frame


class FrameJnd(NamedTuple):
    """Predicted JND levels (QP, level 1 first) of the frame with index ``frame``."""

    frame: int
    jnd: tuple[float, ...]


class JndPredictor(Protocol):
    """Predicts the JND levels of frames of a clip: of all of them or of a sample."""

    def predict(self, frames: Iterator[Frame], clip: ClipFormat) -> list[FrameJnd]: ...


def load_jnd_predictor(target: str, options: Mapping[str, Any] | None = None) -> JndPredictor:
    """Import ``package.module:Class`` and construct it with ``options``.

    Raises UserError that names what to write instead.
    """
    methods = ("predict(frames, clip)",)
    return load_class(target, options, noun="JND predictor", methods=methods)


def predict_clip(
    predictor: JndPredictor, frames: Iterable[Frame], clip: ClipFormat
) -> dict[str, Any]:
    """Predictions of a clip as JSON-able data.

    ``frames`` holds each predicted frame with its levels, ``jnd`` the clip's levels: per level
    the median over those frames. Raises UserError where the predictor returns nothing, differing
    numbers of levels, or something that is no finite number.
    """
    name = type(predictor).__name__
    returned = islice(predictor.predict(iter(frames), clip), clip.frames + 1)  # of endless ones
    predicted = [FrameJnd(int(frame), tuple(map(float, jnd))) for frame, jnd in returned]
    if len(predicted) > clip.frames:
        raise UserError(
            f"JND predictor {name} returned more predictions than its clip has frames.",
            expected=f"{clip.frames} at most",
        )
    counts = {len(frame.jnd) for frame in predicted}
    sound = all(math.isfinite(value) for frame in predicted for value in frame.jnd)
    if len(counts) != 1 or 0 in counts or not sound:
        raise UserError(
            f"JND predictor {name} returned no usable prediction.",
            expected="FrameJnd(index, (QP, ...)) for one frame or more, as many finite levels "
            f"for each; found {predicted[:2]}",
        )
    levels = zip(*(frame.jnd for frame in predicted), strict=True)
    return {
        "unit": "QP",
        "frames": [{"frame": frame.frame, "jnd": list(frame.jnd)} for frame in predicted],
        "jnd": [median(level) for level in levels],
    }


def qp_not_below_jnd(target_qp: int, predicted: Mapping[str, Any]) -> int:
    """QP that codes a clip: the target's, but never finer than the predicted JND1 (rounded).

    Quality beyond the first JND cannot be seen, so bits spent on it are saved.
    """
    return max(target_qp, math.floor(predicted["jnd"][0] + 0.5))
