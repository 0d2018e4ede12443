"""Prefilters: their interface, loading by name, and filtering of a clip.

A prefilter takes detail out of a clip before it is encoded. It is a class whose options are
keyword arguments and which has one of two methods; no base class is needed::

    class Halve:
        def __init__(self, *, strength: float = 0.5): ...
        def filter_luma(self, luma, bit_depth, qp): return ...   # H x W, same shape and type

``filter_frames(frames, clip, qp)`` is the general form, for filters that look at several frames
or change the chroma. A class with both is used through ``filter_frames``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.method_class import load_class
from jndlab.media.clip import ClipFormat, Frame


class Prefilter:
    """Optional base of prefilters: options as keyword arguments, and one of the two methods.

    ``per_qp`` is true for a filter whose output depends on the QP of the encode that follows:
    it is then run once per QP and receives it. Others run once and are given ``qp=None``.
    """

    per_qp: ClassVar[bool] = False


class LumaPrefilter(Protocol):
    """A prefilter of single luma planes; the chroma stays as it is."""

    def filter_luma(self, luma: np.ndarray, bit_depth: int, qp: int | None) -> np.ndarray:
        """Filter one plane (H x W, uint8 or uint16; the filter may write in it)."""
        ...


@runtime_checkable
class FramesPrefilter(Protocol):
    """A prefilter of whole clips: as many frames out as in, of the same format."""

    def filter_frames(
        self, frames: Iterator[Frame], clip: ClipFormat, qp: int | None
    ) -> Iterator[Frame]:
        """Filter a stream of frames (their planes are read-only)."""
        ...


def load_prefilter(
    target: str, options: Mapping[str, Any] | None = None
) -> LumaPrefilter | FramesPrefilter:
    """Import ``package.module:Class`` and construct it with ``options``.

    Raises UserError that names what to write instead (see :func:`load_class`).
    """
    return load_class(
        target,
        options,
        noun="prefilter",
        methods=(
            "filter_luma(luma, bit_depth, qp)",
            "filter_frames(frames, clip, qp)",
        ),
    )


def apply_prefilter(
    prefilter: LumaPrefilter | FramesPrefilter,
    frames: Iterable[Frame],
    clip: ClipFormat,
    qp: int | None = None,
) -> Iterator[Frame]:
    """Yield the filtered frames of a clip, one at a time, each checked against ``clip``.

    ``qp`` reaches only a filter with ``per_qp``. Raises UserError where the filter returns
    another shape, sample type or number of frames than it was given, or a sample above the
    depth's range. Errors of the filter itself are passed on.
    """
    name = type(prefilter).__name__
    if not is_per_qp(prefilter):
        qp = None
    elif qp is None:
        raise UserError(f"prefilter {name} differs by QP, and no QP was given.")
    if isinstance(prefilter, FramesPrefilter):
        filtered = prefilter.filter_frames(iter(frames), clip, qp)
    else:
        filtered = _filter_each_luma(prefilter, frames, clip, qp)
    count = 0
    for frame in filtered:
        if count == clip.frames:  # it may yield without end
            raise _other_count(name, clip, "more")
        yield _checked(frame, clip, f"prefilter {name}, frame {count}")
        count += 1
    if count != clip.frames:
        raise _other_count(name, clip, str(count))


def _other_count(name: str, clip: ClipFormat, found: str) -> UserError:
    return UserError(
        f"prefilter {name} returned another number of frames than its clip has.",
        expected=f"{clip.frames} frames, found {found}",
    )


def is_per_qp(prefilter: object) -> bool:
    """Whether a prefilter (object or class) gives another output for each QP."""
    return bool(getattr(prefilter, "per_qp", False))


def _filter_each_luma(
    prefilter: LumaPrefilter, frames: Iterable[Frame], clip: ClipFormat, qp: int | None
) -> Iterator[Frame]:
    for frame in frames:
        # A copy, since decoded planes are read-only and a user's filter may work in place.
        yield Frame(prefilter.filter_luma(frame.y.copy(), clip.bit_depth, qp), frame.u, frame.v)


def _checked(frame: Any, clip: ClipFormat, where: str) -> Frame:
    if not isinstance(frame, tuple) or len(frame) != len(Frame._fields):
        raise UserError(
            "a prefilter returned something that is no frame.",
            where=where,
            expected=f"Frame(y, u, v), found {type(frame).__name__}",
        )
    dtype = np.dtype(np.uint8 if clip.bit_depth == 8 else np.uint16)
    chroma = (clip.height // 2, clip.width // 2)
    shapes = {"y": (clip.height, clip.width), "u": chroma, "v": chroma}
    for plane, (name, shape) in zip(frame, shapes.items(), strict=True):
        found_shape, found_type = getattr(plane, "shape", None), getattr(plane, "dtype", None)
        if not isinstance(plane, np.ndarray):
            found = type(plane).__name__
        elif found_shape != shape or found_type != dtype:
            found = f"shape {found_shape} of {found_type}"
        elif plane.max() > clip.max_value:
            found = f"a sample of {plane.max()}"
        else:
            continue
        raise UserError(
            f"a prefilter returned a plane {name} that does not fit the clip.",
            where=where,
            expected=f"an array of shape {shape} of {dtype}, samples 0..{clip.max_value}; "
            f"found {found}",
            remedy="round, clip and convert to the type of the input as the filter's last step.",
        )
    return Frame(*frame)
