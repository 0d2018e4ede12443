"""Reading YAML: one reader for every file, which refuses what YAML reads as something else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from jndlab.errors import UserError

# LibYAML's loader, six times as fast; absent where PyYAML was built without it.
_QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_VALUES = 100_000  # with every alias written out: a few lines of aliases can stand for millions
MAX_DEPTH = 50
_TAG = "tag:yaml.org,2002:"


class _Loader(_QUICK):  # type: ignore[misc, valid-type]
    """Dates remain text: no key of the suite is one."""


_Loader.add_constructor(f"{_TAG}timestamp", lambda loader, node: loader.construct_scalar(node))
for _kind in ("binary", "set", "omap", "pairs"):  # no value of a configuration
    _Loader.add_constructor(f"{_TAG}{_kind}", _Loader.construct_undefined)


def load_yaml(path: str | Path) -> Any:
    """Content of a YAML file, None for an empty one.

    Raises UserError, with the line, for what is no YAML (UTF-8), and for what people do not mean
    where they write it: a key that is there twice, ``022`` (octal 18), ``1:30`` (90), ``on`` or
    nothing as a key, a number that is none or infinite, an alias of a value that holds itself, and
    values without end (more than ``MAX_VALUES``, deeper than ``MAX_DEPTH``).
    """
    text = _text(path)
    loader = _Loader(text)
    try:
        _check_depth(text, str(path))
        node = loader.get_single_node()
        if node is None:
            return None
        _Check(str(path)).size(node)
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        raise UserError("a file is no valid YAML.", where=str(path), expected=str(error)) from error
    finally:
        loader.dispose()


def load_mapping(path: str | Path) -> dict[str, Any]:
    """Content of a YAML file of keys and values; an empty file holds none.

    Raises UserError as :func:`load_yaml`, and for any other content.
    """
    content = load_yaml(path)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UserError(
            "a file holds no keys.",
            where=str(path),
            expected=f"lines such as `key: value`, found {type(content).__name__}",
        )
    return content


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"there is no file '{path}'.") from error
    except OSError as error:
        raise UserError(f"'{path}' cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UserError(
            "a file is no UTF-8 text.", where=str(path), remedy="save it in the encoding UTF-8."
        ) from error


def _check_depth(text: str, where: str) -> None:
    """Before values are nested: LibYAML goes into them by calling itself."""
    depth = 0
    for event in yaml.parse(text, _QUICK):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            mark: Any = event.start_mark
            raise UserError(
                "values are nested too deep.",
                where=f"{where}, line {mark.line + 1}",
                expected=f"at most {MAX_DEPTH} levels",
            )


class _Check:
    """Walks over the values of a document, each of them once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.sizes: dict[int, int | None] = {}  # None: not finished, so inside itself

    def size(self, node: yaml.Node) -> int:
        """Number of values with aliases written out, after checking them."""
        known = self.sizes.get(id(node), 0)
        if known is None:
            raise self._error(node, "a value holds itself.", "no alias of what it is part of")
        if known == 0:
            self.sizes[id(node)] = None
            known = 1 + sum(map(self.size, self._inside(node)))
            if known > MAX_VALUES:
                raise self._error(
                    node, "a value is too large.", f"at most {MAX_VALUES} values, aliases included"
                )
            self.sizes[id(node)] = known
        return known

    def _inside(self, node: yaml.Node) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            yield from node.value
        elif isinstance(node, yaml.MappingNode):
            self._check_keys(node)
            for key, value in node.value:
                yield key
                yield value
        elif isinstance(node, yaml.ScalarNode):
            self._check_number(node)

    def _check_keys(self, node: yaml.MappingNode) -> None:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            kind, line = key.tag.removeprefix(_TAG), key.start_mark.line + 1
            shown = str(key.value) if isinstance(key, yaml.ScalarNode) else "..."
            if shown == "..." or kind in ("bool", "null"):
                found = {"bool": "true or false", "null": "nothing"}.get(kind, f"a {kind}")
                raise self._error(
                    key,
                    f"the key '{shown}' is no name: YAML reads it as {found}.",
                    "a name",
                    f"choose another name, or write it in quotes: '{shown}'.",
                )
            if shown in lines:
                raise UserError(
                    f"the key '{shown}' is there twice.",
                    where=f"{self.file}, lines {lines[shown]} and {line}",
                    expected="each key once",
                    remedy="remove one, or give it another name.",
                )
            lines[shown] = line

    def _check_number(self, node: yaml.ScalarNode) -> None:
        text, kind = str(node.value), node.tag.removeprefix(_TAG)
        if kind in ("int", "float") and ":" in text:
            problem = "is read as a number of base 60"
        elif re.fullmatch(r"[-+]?0[0-9_]+" if kind == "int" else r"[-+]?0o[0-7]+", text) and (
            kind == "int" or not node.style
        ):
            problem = "is read as an octal number"
        elif kind == "int" and len(text) > 100:
            problem = "is too long a number"
        elif kind == "float" and not math.isfinite(_number(text)):
            problem = "is no finite number"
        else:
            return
        shown = text if len(text) < 40 else f"{text[:36]}..."
        remedy = "write it without leading zeros or colons; in quotes it is a text."
        raise self._error(node, f"'{shown}' {problem}.", "a decimal number", remedy)

    def _error(self, node: yaml.Node, what: str, expected: str = "", remedy: str = "") -> UserError:
        where = f"{self.file}, line {node.start_mark.line + 1}"
        return UserError(what, where=where, expected=expected, remedy=remedy)


def _number(text: str) -> float:
    text = text.replace("_", "").lower()
    return math.nan if text.endswith(("inf", "nan")) else float(text)
