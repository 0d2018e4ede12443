"""Classes that a configuration names as ``package.module:Class``: loaded and explained."""

from __future__ import annotations

import difflib
import importlib
import inspect
import traceback
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from jndlab.errors import UserError


def load_class(
    target: str, options: Mapping[str, Any] | None, *, noun: str, methods: Sequence[str]
) -> Any:
    """Import ``package.module:Class`` and construct it with ``options``.

    ``methods`` are the methods (written as they are called) of which it must have at least one;
    ``noun`` names its kind in messages. Raises UserError that names what to write instead: not of
    this form, no such module or class, an option that the class does not have, options that it
    refuses, none of the methods.
    """
    module_name, colon, class_name = target.partition(":")
    if not (colon and module_name and class_name):
        raise UserError(f"'{target}' does not name a {noun}.", expected="package.module:Class")
    method_class = _find_class(_import(module_name, target, noun), class_name, target)
    if not any(has_method(method_class, method.partition("(")[0]) for method in methods):
        raise UserError(
            f"class {class_name} is no {noun}: it has "
            + ("neither of the two methods." if len(methods) == 2 else "not the method."),
            where=target,
            expected=" or ".join(methods),
        )
    return _construct(method_class, dict(options or {}), target)


def expanded_options(value: Any, **names: str) -> Any:
    """Options with ``{results}`` and the like in their texts replaced by the given names.

    So a configuration can name files that the run itself makes, wherever its results lie, e.g.
    ``expanded_options(options, results="results", sequence="bikes")``.
    """
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, Mapping):
        return {key: expanded_options(item, **names) for key, item in value.items()}
    if isinstance(value, list):
        return [expanded_options(item, **names) for item in value]
    return value


def texts_of(value: Any) -> list[str]:
    """All texts in nested options."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    return [value] if isinstance(value, str) else []


def has_method(thing: object, name: str) -> bool:
    """Whether an object or class has a method of this name."""
    return callable(getattr(thing, name, None))


def _import(module_name: str, target: str, noun: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and (module_name == missing or module_name.startswith(missing + ".")):
            raise UserError(
                f"there is no module '{missing}' for the {noun}.",
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


def _construct(method_class: type, options: dict[str, Any], target: str) -> Any:
    accepted = _accepted_options(method_class)
    if accepted is not None:
        unknown = [name for name in options if name not in accepted]
        required = [name for name, text in accepted.items() if "=" not in text]
        missing = [name for name in required if name not in options]
        if unknown or missing:
            wrong = [f"no option '{name}'" for name in unknown]
            wrong += [f"option '{name}' must be given" for name in missing]
            raise UserError(
                f"the options do not fit {method_class.__name__}: {'; '.join(wrong)}.",
                where=target,
                expected="options: " + (", ".join(accepted.values()) or "(it has none)"),
                remedy=_did_you_mean(unknown[0], accepted) if unknown else "",
            )
    try:
        return method_class(**options)
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
            f"{method_class.__name__}({given}) is refused: {error}", where=target
        ) from error


def _accepted_options(method_class: type) -> dict[str, str] | None:
    """Option names and how they are written (``alpha=0.5``); None if any name is accepted."""
    parameters = inspect.signature(method_class).parameters.values()
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
