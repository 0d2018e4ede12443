"""Missing files: which key of the configuration names them, in Snakemake's own message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from snakemake.exceptions import MissingInputException


def keys_naming(value: Any, text: str, key: str = "") -> Iterator[str]:
    """Dotted keys of a configuration whose value is ``text``."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from keys_naming(inner, text, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from keys_naming(inner, text, f"{key}[{place}]")
    elif value == text:
        yield key


def explained(files: Iterable[str], config: dict[str, Any]) -> str:
    """Lines that say which keys name missing files and what to do; empty where none does."""
    lines = [
        f"\n  where: the configuration, key `{key}`: {file}"
        for file in files
        for key in keys_naming(config, file)
    ]
    if not lines:
        return ""
    return (
        "\nA file that the configuration names is not there."
        + "".join(lines)
        + "\n  what to do: correct the path (absolute, or from the folder in which the suite runs)."
    )


def name_missing(config: dict[str, Any]) -> None:
    """Have Snakemake's message for missing inputs end with the keys that name them."""
    raise_plainly = MissingInputException.__init__

    def named(self: Any, job: Any, files: Any, *args: Any, **options: Any) -> None:
        raise_plainly(self, job, files, *args, **options)
        self.args = (f"{self}{explained(map(str, files), config)}",)

    MissingInputException.__init__ = named
