"""Typed configuration: base class of all sections, field types, and one message for all mistakes.

A section is a frozen pydantic model next to the code that uses it. Types, defaults, ranges and the
prose of ``config/README.md`` come from it and stand nowhere else.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import json
import math
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from jndlab.errors import UserError
from jndlab.files import opens_as_formula

Item = TypeVar("Item")
Model = TypeVar("Model", bound=BaseModel)


def _with_prose(schema: dict[str, Any], section: type[BaseModel]) -> None:
    """Describe each key by the string below its field.

    As pydantic's ``use_attribute_docstrings`` does, but when a schema is asked for: reading the
    source of ninety sections takes a tenth of a second, which every start would pay.
    """
    for owner in reversed(section.__mro__):
        if not issubclass(owner, BaseModel) or owner.__module__.startswith("pydantic"):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body  # type: ignore[attr-defined]
        for field, prose in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(prose, ast.Expr):
                name = ast.unparse(field.target)
                key = section.model_fields[name].alias or name
                schema["properties"][key]["description"] = inspect.cleandoc(prose.value.value)  # type: ignore[attr-defined]


class Section(BaseModel):
    """Base of all sections: closed, frozen and strict (no text for numbers, no 1 for true).

    Prose of a field is the string below it. A value that is not allowed raises pydantic's
    ValidationError, a ValueError; :func:`checked` turns it into a UserError.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        json_schema_extra=_with_prose,
    )

    def plain(self) -> dict[str, Any]:
        """Plain nested data: dict, list, str, numbers, bool and None."""
        return self.model_dump(by_alias=True)


def _as_written(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """A number passes as it was written: 4 stays 4, so that files and hashes keep their form."""
    validate(value)
    return value


def _path_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def any_key(section: Model) -> Model:
    """Validator of a section of which at least one key is given."""
    if not section.model_fields_set:
        raise ValueError("no key is given; name at least one that changes")
    return section


def distinct(items: list[Any]) -> list[Any]:
    """Validator of a list that has no entry twice."""
    if any(item in items[:place] for place, item in enumerate(items)):
        raise PydanticCustomError("twice", "an entry is there twice")
    return items


def _plain(text: str) -> str:
    if opens_as_formula(text):
        raise ValueError("it begins with = + - or @, which spreadsheets take for a formula")
    if not text.strip() or not text.isprintable():
        raise ValueError("it has no character that is shown, or one that is not; write a name")
    return text


def _lower_first(pair: list[Any]) -> list[Any]:
    if not pair[0] < pair[1]:
        raise ValueError(f"{pair} does not rise; write the lower number first")
    return pair


def enough_to_split(sources: list[str] | None) -> list[str] | None:
    """Validator of chosen sources: training, validation and test take one each at least."""
    if sources is not None and len(sources) < 3:
        raise ValueError(
            f"{len(sources)} sources cannot be split; name at least 3, or null for all"
        )
    return sources


def a_source_for_each_fold(section: Model) -> Model:
    """Validator of a section with `sources` and a `split`: no more folds than chosen sources."""
    split, sources = section.split, section.sources  # type: ignore[attr-defined]
    if split.kind == "grouped_folds" and sources and split.folds > len(sources):
        raise ValueError(
            f"`split.folds: {split.folds}` is more than the {len(sources)} sources that are "
            f"chosen; set at most {len(sources)}, or name more `sources`"
        )
    return section


Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
AS_WRITTEN = WrapValidator(_as_written)
Real = Annotated[float, AS_WRITTEN]
NonNegative = Annotated[float, Field(ge=0), AS_WRITTEN]
Positive = Annotated[float, Field(gt=0), AS_WRITTEN]
Fraction = Annotated[float, Field(ge=0, lt=1), AS_WRITTEN]
Text = Annotated[str, Field(min_length=1)]
Label = Annotated[str, AfterValidator(_plain)]  # stands in tables that people open
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")]  # part of file names
Qp = Annotated[int, Field(ge=0, le=63)]
# Mean, median, or what a share of 1 to 99 % of the subjects is satisfied with.
Statistic = Annotated[
    str, Field(pattern="^(mean|median|sur(0[1-9]|[1-9][0-9]))$", examples=["mean, median or sur75"])
]
Share = Annotated[float, Field(gt=0, le=1), AS_WRITTEN]
CodingConfiguration = Literal["AI", "LDP"]
FilePath = Annotated[str, Field(min_length=1), BeforeValidator(_path_as_text)]
EvenSize = Annotated[int, Field(ge=16, multiple_of=2)]
# Sequences of any kind become lists: science code passes tuples.
Pair = Annotated[list[Item], Field(min_length=2, max_length=2, strict=False)]
Rising = Annotated[Pair[Item], AfterValidator(_lower_first)]
Triple = Annotated[list[Item], Field(min_length=3, max_length=3, strict=False)]
Distinct = Annotated[list[Item], Field(strict=False), AfterValidator(distinct)]
Several = Annotated[list[Item], Field(min_length=1, strict=False), AfterValidator(distinct)]
# A section of which only some keys are given, in place of those of the same section elsewhere.
Changes = Annotated[
    Item,
    AfterValidator(any_key),
    PlainSerializer(lambda section: section.model_dump(exclude_unset=True)),
    Field(json_schema_extra={"changes": True}),
]


class TrainingJobs(Section):
    """Resources of a training job."""

    gpus: Annotated[int, Field(ge=0, le=1)] = 1
    """GPUs of a training; one at a time then runs on a machine. 0 trains on the CPU, as many at
    once as threads allow."""
    threads: Count = 1
    """CPU threads of a training. A job of n threads waits until n cores are free at once."""


def sum_to_one(fractions: Model) -> Model:
    """Validator of a section of fractions."""
    total = sum(fractions.model_dump().values())
    if not math.isclose(total, 1):
        raise ValueError(f"the fractions sum to {total:g}; let them sum to 1")
    return fractions


class Fractions(Section):
    """Shares of the sources, which sum to 1."""

    train: Share
    """Learned from."""
    val: Share
    """Chooses the best epoch."""
    test: Share
    """Only predicted."""

    _sum = model_validator(mode="after")(sum_to_one)


def checked(model: type[Model], data: Any, source: str) -> Model:
    """``data`` as ``model``, defaults filled in.

    Raises one UserError that lists every mistake: key, value, what is allowed, what to write
    instead. ``source`` names the data.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        mistakes = [describe(model, mistake) for mistake in error.errors(include_url=False)]
    lines = "\n".join(f"  - {mistake}" for mistake in dict.fromkeys(mistakes))
    raise UserError(f"{source} has {len(mistakes)} mistake(s):\n{lines}")


def describe(model: type[BaseModel], mistake: ErrorDetails) -> str:
    """One sentence: the key, its value, what is allowed and what to write instead."""
    kind, value, location = mistake["type"], mistake["input"], mistake["loc"]
    inside = location
    if kind in ("extra_forbidden", "missing", "invalid_key"):
        inside = location[:-1]
    elif location[-1:] == ("[key]",):
        inside = location[:-2]
    key, rule = _located(schema_of(model), inside)
    place = key or "top level"
    if kind in ("extra_forbidden", "invalid_key"):
        known = sorted(rule.get("properties", {}))
        name = str(location[-1] if kind == "extra_forbidden" else value)
        return (
            f"{place}: unknown key '{name}'{did_you_mean(name, known)}; "
            f"known keys: {', '.join(known)}"
        )
    if kind == "missing":
        return f"{place}: '{location[-1]}' is a required key; add it"
    if kind.startswith("union_tag"):
        tag = mistake["ctx"]["discriminator"].strip("'")
        if kind == "union_tag_not_found":
            return f"{place}: '{tag}' is a required key; add it"
        key, value, rule = f"{place}.{tag}", value[tag], {"enum": list(variants_of(rule))}
        place = key
    if kind == "value_error":
        return f"{place}: {mistake['ctx']['error']}"
    shown = json.dumps(value, default=str, ensure_ascii=False)
    shown = shown if len(shown) < 80 else shown[:77] + "..."
    if location[-1:] == ("[key]",):
        return f"{place}: the name {shown} is not allowed; allowed: {allowed(_names_of(rule))}"
    if kind == "twice":
        return f"{place}: {shown} holds an entry twice; remove one"
    text = f"{place}: {shown} is not allowed; allowed: {allowed(rule)}"
    if isinstance(value, float) and value.is_integer() and "integer" in rule.get("type", []):
        return f"{text}; write {value:.0f} without a point"
    if not isinstance(value, str):
        return text
    if "enum" in rule:
        return text + did_you_mean(value, [str(item) for item in rule["enum"]])
    return text + _written_otherwise(key, value, rule)


def _written_otherwise(key: str, value: str, rule: Mapping[str, Any]) -> str:
    """How to write a text that looks like the wanted value: `--config` makes such."""
    kinds = rule.get("type", [])
    if "boolean" in kinds and value.lower() in ("true", "false"):
        word = value.lower()
        command = f"--config {key}={word.capitalize()}"
        return f"; write {word} without quotes, or `{command}` (capital letter)"
    if "integer" in kinds and re.fullmatch(r"\d+", value):
        return (
            f"; write {value} without quotes (`--config` turns numbers in a list into text: "
            "write the list into a YAML file and add it with `--configfile`)"
        )
    if "array" in kinds:
        return f"; write a list: [{value}]"
    return ""


def allowed(rule: Mapping[str, Any]) -> str:
    """The values that a rule of a JSON schema admits, in words."""
    if "enum" in rule:
        return "one of " + ", ".join(json.dumps(item) for item in rule["enum"])
    kinds = rule.get("type", "any value")
    text = " or ".join([kinds] if isinstance(kinds, str) else kinds).replace("null", "null (empty)")
    if rule.get("minLength"):
        text = text.replace("string", "non-empty string")
    low, high = rule.get("minimum"), rule.get("maximum")
    if low is not None and high is not None:
        text += f" from {low} to {high}"
    else:
        bounds = {
            "minimum": "at least", "exclusiveMinimum": "more than",
            "maximum": "at most", "exclusiveMaximum": "less than",
        }  # fmt: skip
        text += "".join(f", {words} {rule[key]}" for key, words in bounds.items() if key in rule)
    if "minItems" in rule:
        least = "" if rule.get("maxItems") == rule["minItems"] else "at least "
        text += f" of {least}{rule['minItems']} item(s)"
    if "multipleOf" in rule:
        text += f", a multiple of {rule['multipleOf']}"
    if "pattern" in rule:
        text += f" like {(rule.get('examples') or [rule['pattern']])[0]}"
    if isinstance(rule.get("items"), Mapping):
        text += f" of {allowed(rule['items'])}"
    return text


def did_you_mean(name: str, known: list[str]) -> str:
    """`` (did you mean 'x'?)`` when a known name is near, else nothing."""
    lowered = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return f" (did you mean '{lowered[near[0]]}'?)" if near else ""


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """JSON schema of a model, its references resolved and null written as a type."""
    schema = model.model_json_schema()
    resolved: dict[str, Any] = _resolved(schema, schema.get("$defs", {}))
    return resolved


def variants_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Rules of a union by the value of the discriminating key; empty for other rules."""
    return dict(rule.get("variants", {}))


def _resolved(rule: Any, defs: Mapping[str, Any]) -> Any:
    if isinstance(rule, list):
        return [_resolved(item, defs) for item in rule]
    if not isinstance(rule, Mapping):
        return rule
    rule = {key: value for key, value in rule.items() if key != "$defs"}
    if "$ref" in rule:
        rule = {**defs[rule.pop("$ref").rpartition("/")[2]], **rule}
    if "discriminator" in rule:
        rule.pop("oneOf")
        refs = rule.pop("discriminator")["mapping"].items()
        rule["variants"] = {tag: {"$ref": reference} for tag, reference in refs}
    if "const" in rule:
        rule["enum"] = [rule.pop("const")]
    if "anyOf" in rule:  # of which the other one is null
        inner = _resolved(next(item for item in rule["anyOf"] if item != {"type": "null"}), defs)
        rule = {**inner, **{key: value for key, value in rule.items() if key != "anyOf"}}
        if "enum" in rule:
            rule["enum"] = [*rule["enum"], None]
        else:
            rule["type"] = [rule["type"], "null"]
    return {key: _resolved(value, defs) for key, value in rule.items() if key != "default"} | (
        {"default": rule["default"]} if "default" in rule else {}
    )


def _located(rule: Mapping[str, Any], location: tuple[int | str, ...]) -> tuple[str, Any]:
    """Dotted key and rule of a place; the tag of a union is no key."""
    key = ""
    for part in location:
        if part in variants_of(rule):
            rule = rule["variants"][part]
        else:
            key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else str(part)
            rule = _child(rule, part)
    return key, rule


def _child(rule: Mapping[str, Any], part: int | str) -> Any:
    if isinstance(part, int):
        return rule.get("items", {})
    return rule.get("properties", {}).get(part) or entry_of(rule) or {}


def _names_of(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rule of the names of a mapping."""
    patterns = list(rule.get("patternProperties", {}))
    return rule.get("propertyNames") or {
        "type": "string",
        **({"pattern": patterns[0]} if patterns else {}),
    }


def entry_of(rule: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Rule of the values of a mapping with free names; None where there is no such rule."""
    entries = [*rule.get("patternProperties", {}).values(), rule.get("additionalProperties")]
    return next((entry for entry in entries if isinstance(entry, Mapping)), None)


def rows_of(
    rule: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Dotted key, rule and whether it is required, of all keys of a rule, nested ones included."""
    for variant in variants_of(rule).values():
        yield from rows_of(variant, prefix)
    for key, inner in rule.get("properties", {}).items():
        yield f"{prefix}{key}", inner, key in rule.get("required", [])
        if "changes" not in inner:
            yield from rows_of(inner, f"{prefix}{key}.")
    entry = entry_of(rule)
    if entry and "changes" not in entry:
        yield from rows_of(entry, f"{prefix}NAME.")
    if isinstance(rule.get("items"), Mapping):
        yield from rows_of(rule["items"], f"{prefix.removesuffix('.')}[].")
