"""Closed JSON schemas: fill in defaults, and turn every violation into one message for a person."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from jndlab.errors import UserError

# LibYAML's loader, six times as fast; absent where PyYAML was built without it.
_QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(path: str | Path) -> Any:
    """Read a YAML file; a syntax error becomes a UserError that names the line."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"there is no file '{path}'.") from error
    try:
        try:
            return yaml.load(text, _QUICK)
        except yaml.YAMLError:
            return yaml.safe_load(text)  # the slow one's messages say more
    except yaml.YAMLError as error:
        raise UserError("a file is no valid YAML.", where=str(path), expected=str(error)) from error


def check(data: Mapping[str, Any], schema: Mapping[str, Any], source: str) -> None:
    """Raise one UserError that lists every violation of ``schema``; ``source`` names the data."""
    errors = sorted(Draft202012Validator(schema).iter_errors(data), key=lambda e: list(e.path))
    if errors:
        lines = "\n".join(f"  - {describe(error)}" for error in errors)
        raise UserError(f"{source} has {len(errors)} mistake(s):\n{lines}")


def with_defaults(
    data: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None
) -> Any:
    """Return a copy of ``data`` in which every missing key has its schema's default."""
    root = schema if root is None else root
    schema = _resolved(schema, root)
    if isinstance(data, Mapping):
        known = schema.get("properties", {})
        filled = {
            key: with_defaults(
                value, known.get(key, schema.get("additionalProperties") or {}), root
            )
            if isinstance(known.get(key, schema.get("additionalProperties")), Mapping)
            else value
            for key, value in data.items()
        }
        for key, rule in known.items():
            rule = _resolved(rule, root)
            if key not in filled and "default" in rule:
                filled[key] = with_defaults(json.loads(json.dumps(rule["default"])), rule, root)
        return filled
    return data


def describe(error: ValidationError) -> str:
    """One sentence: the key, its value, what is allowed and what to write instead."""
    key = _key(error.absolute_path)
    rule, value = error.schema, error.instance
    shown = json.dumps(value, default=str)
    shown = shown if len(shown) < 80 else shown[:77] + "..."
    if error.validator == "additionalProperties":
        known = sorted(rule.get("properties", {}))
        unknown = sorted(set(value) - set(known))
        hints = [f"'{name}'{did_you_mean(name, known)}" for name in unknown]
        return (
            f"{key or 'top level'}: unknown key {', '.join(hints)}; known keys: {', '.join(known)}"
        )
    if error.validator == "required":
        return f"{key or 'top level'}: {error.message.replace('property', 'key')}; add it"
    told = f"{key or 'top level'}: {shown} is not allowed; allowed: {allowed(rule)}"
    if isinstance(value, str) and error.validator == "type":
        return told + _meant(key, value, rule)
    if error.validator == "enum" and isinstance(value, str):
        return told + did_you_mean(value, [str(item) for item in rule["enum"]])
    if error.validator == "uniqueItems":
        return f"{key}: {shown} holds an entry twice; remove one"
    return told


def _meant(key: str, value: str, rule: Mapping[str, Any]) -> str:
    """What to write instead of a text that looks like the wanted value: `--config` makes such."""
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
    """What a schema rule lets through, in words."""
    if "enum" in rule:
        return "one of " + ", ".join(json.dumps(item) for item in rule["enum"])
    kinds = rule.get("type", "any value")
    text = " or ".join([kinds] if isinstance(kinds, str) else kinds).replace("null", "null (empty)")
    low, high = rule.get("minimum"), rule.get("maximum")
    if low is not None and high is not None:
        text += f" from {low} to {high}"
    elif low is not None:
        text += f", at least {low}"
    elif high is not None:
        text += f", at most {high}"
    elif "exclusiveMinimum" in rule:
        text += f", more than {rule['exclusiveMinimum']}"
    if "minItems" in rule:
        text += f" of at least {rule['minItems']} item(s)"
    if "pattern" in rule:
        text += (
            f" like {rule['pattern']}" if "x-example" not in rule else f" like {rule['x-example']}"
        )
    if isinstance(rule.get("items"), Mapping):
        text += f" of {allowed(rule['items'])}"
    return text


def did_you_mean(name: str, known: list[str]) -> str:
    """`` (did you mean 'x'?)`` when a known name is near, else nothing."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean '{near[0]}'?)" if near else ""


def as_markdown(schema: Mapping[str, Any]) -> Iterator[str]:
    """Table rows ``| key | allowed | default | meaning |`` of a schema, nested keys dotted."""
    yield "| key | allowed | default | meaning |"
    yield "|---|---|---|---|"
    yield from _rows(schema, "", schema)


def _rows(schema: Mapping[str, Any], prefix: str, root: Mapping[str, Any]) -> Iterator[str]:
    entry = schema.get("additionalProperties")
    if not prefix and isinstance(entry, Mapping):  # a file of named entries
        yield from _rows(_resolved(entry, root), "NAME.", root)
    for variant in schema.get("oneOf", []):
        yield from _rows(_resolved(variant, root), prefix, root)
    for key, rule in schema.get("properties", {}).items():
        rule = _resolved(rule, root)
        default = "required" if key in schema.get("required", []) else "none"
        if "default" in rule:
            default = f"`{json.dumps(rule['default'])}`"
        meaning = " ".join(rule.get("description", "").split())
        cells = (f"`{prefix}{key}`", allowed(rule), default, meaning)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield from _rows(rule, f"{prefix}{key}.", root)
        inner = rule.get("additionalProperties")
        if isinstance(inner, Mapping):
            yield from _rows(_resolved(inner, root), f"{prefix}{key}.NAME.", root)


def _resolved(rule: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(rule, Mapping) and "$ref" in rule:
        target: Any = root
        for part in rule["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return {**target, **{key: value for key, value in rule.items() if key != "$ref"}}
    return rule if isinstance(rule, Mapping) else {}


def _key(path: Any) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
