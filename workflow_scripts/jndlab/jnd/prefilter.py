"""What a prefilter method is, how one is loaded by name, and how it is applied to a clip.

A prefilter takes detail out of a clip before it is encoded. It is a class whose options are
keyword arguments and which has one of two methods; no base class is needed::

    class Halve:
        def __init__(self, *, strength: float = 0.5): ...
        def filter_luma(self, luma, bit_depth, qp): return ...   # H x W, same shape and type

``filter_frames(frames, clip, qp)`` is the general form, for filters that look at several frames
or change the chroma. A class with both is used through ``filter_frames``.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import traceback
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, ClassVar, Protocol

import numpy as np

from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, Frame


class Prefilter:
    """Optional base of prefilters: options as keyword arguments, and one of the two methods.

    ``per_qp`` is true for a filter whose output depends on the QP of the encode that follows:
    it is then run once per QP and told which. Others run once and are given ``qp=None``.
    """

    per_qp: ClassVar[bool] = False


class LumaPrefilter(Protocol):
    """A prefilter of single luma planes; the chroma stays as it is."""

    def filter_luma(self, luma: np.ndarray, bit_depth: int, qp: int | None) -> np.ndarray:
        """Filter one plane (H x W, uint8 or uint16; the filter may write in it)."""
        ...


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

    Raises UserError that says what to write instead: not of this form, no such module or
    class, an option that the class does not have, options that it refuses, neither method.
    """
    module_name, colon, class_name = target.partition(":")
    if not (colon and module_name and class_name):
        raise UserError(f"'{target}' does not name a prefilter.", expected="package.module:Class")
    prefilter_class = _find_class(_import(module_name, target), class_name, target)
    if not any(_has_method(prefilter_class, name) for name in ("filter_luma", "filter_frames")):
        raise UserError(
            f"class {class_name} is no prefilter: it has neither of the two methods.",
            where=target,
            expected="filter_luma(luma, bit_depth, qp) or filter_frames(frames, clip, qp)",
        )
    return _construct(prefilter_class, dict(options or {}), target)


def apply_prefilter(
    prefilter: LumaPrefilter | FramesPrefilter,
    frames: Iterable[Frame],
    clip: ClipFormat,
    qp: int | None = None,
) -> Iterator[Frame]:
    """Yield the filtered frames of a clip, one at a time, each checked against ``clip``.

    ``qp`` reaches only a filter with ``per_qp``. Raises UserError where the filter returns
    another shape, sample type or number of frames than it was given, or a sample above the
    depth's range. What the filter itself raises is passed on.
    """
    name = type(prefilter).__name__
    if not is_per_qp(prefilter):
        qp = None
    elif qp is None:
        raise UserError(f"prefilter {name} differs by QP, and no QP was given.")
    if _has_method(prefilter, "filter_frames"):
        filtered = prefilter.filter_frames(iter(frames), clip, qp)
    else:
        filtered = _filter_each_luma(prefilter, frames, clip, qp)
    count = 0
    for frame in filtered:
        yield _checked(frame, clip, f"prefilter {name}, frame {count}")
        count += 1
    if count != clip.frames:
        raise UserError(
            f"prefilter {name} returned another number of frames than its clip has.",
            expected=f"{clip.frames} frames, found {count}",
        )


def expanded_options(value: Any, results: str) -> Any:
    """Options with ``{results}`` in their texts replaced by the results folder.

    So a configuration can name a model that the run itself trains, wherever its results lie.
    """
    if isinstance(value, str):
        return value.replace("{results}", results)
    if isinstance(value, Mapping):
        return {key: expanded_options(item, results) for key, item in value.items()}
    if isinstance(value, list):
        return [expanded_options(item, results) for item in value]
    return value


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


def _has_method(thing: object, name: str) -> bool:
    return callable(getattr(thing, name, None))


def _import(module_name: str, target: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and (module_name == missing or module_name.startswith(missing + ".")):
            raise UserError(
                f"there is no module '{missing}' for the prefilter.",
                where=target,
                remedy="correct the name, or install the module, or add its folder to PYTHONPATH.",
            ) from error
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f"module '{module_name}' fails when it is imported: {type(error).__name__}: {error}",
            where=f"{target}, at {last.filename}:{last.lineno}",
        ) from error


def _find_class(module: ModuleType, class_name: str, target: str) -> type:
    found = getattr(module, class_name, None)
    if inspect.isclass(found):
        return found
    classes = [
        name
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    ]
    raise UserError(
        f"module '{module.__name__}' has no class '{class_name}'.",
        where=target,
        expected="one of its classes: " + (", ".join(sorted(classes)) or "(it has none)"),
        remedy=_did_you_mean(class_name, classes),
    )


def _construct(prefilter_class: type, options: dict[str, Any], target: str) -> Any:
    accepted = _accepted_options(prefilter_class)
    if accepted is not None:
        unknown = [name for name in options if name not in accepted]
        required = [name for name, text in accepted.items() if "=" not in text]
        missing = [name for name in required if name not in options]
        if unknown or missing:
            wrong = [f"no option '{name}'" for name in unknown]
            wrong += [f"option '{name}' must be given" for name in missing]
            raise UserError(
                f"the options do not fit {prefilter_class.__name__}: {'; '.join(wrong)}.",
                where=target,
                expected="options: " + (", ".join(accepted.values()) or "(it has none)"),
                remedy=_did_you_mean(unknown[0], accepted) if unknown else "",
            )
    try:
        return prefilter_class(**options)
    except UserError as error:
        raise UserError(
            error.what,
            where=", ".join(filter(None, [target, error.where])),
            expected=error.expected,
            remedy=error.remedy,
        ) from error
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise UserError(
            f"{prefilter_class.__name__}({given}) is refused: {error}", where=target
        ) from error


def _accepted_options(prefilter_class: type) -> dict[str, str] | None:
    """Option names and how they are written (``alpha=0.5``); None if any name is accepted."""
    parameters = inspect.signature(prefilter_class).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    nameable = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {
        parameter.name: parameter.name
        if parameter.default is parameter.empty
        else f"{parameter.name}={parameter.default!r}"
        for parameter in parameters
        if parameter.kind in nameable
    }


def _did_you_mean(word: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(names), n=1)
    return f"did you mean '{close[0]}'?" if close else ""
