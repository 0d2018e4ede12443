"""The registry of data sets: where each comes from, its terms, and how to know that it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from jndlab.errors import UserError
from jndlab.paths import CONFIG

SCHEMA = CONFIG / "schemas" / "datasets.schema.yaml"


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be fetched. ``size_bytes`` and ``sha256`` are None where not known."""

    name: str
    url: str
    size_bytes: int | None = None
    sha256: str | None = None
    unpack: bool = False


@dataclass(frozen=True)
class Presence:
    """A pattern inside a set's folder, and how many files match it at least."""

    glob: str
    count: int = 1


@dataclass(frozen=True)
class Dataset:
    """One entry of the registry; its keys are described in ``datasets.schema.yaml``."""

    key: str
    title: str
    access: str
    package: str | None
    page: str | None
    address_checked: str | None
    files: tuple[RemoteFile, ...]
    licence: str
    citation: str
    doi: str | None
    manual: tuple[str, ...]
    present: tuple[Presence, ...]
    needed_by: tuple[str, ...]

    def folder(self, data_dir: str | Path) -> Path | None:
        """Where the set lies: ``data_dir``/key, or inside its package (None if not installed)."""
        if self.package is None:
            return Path(data_dir) / self.key
        found = find_spec(self.package)  # looks it up without importing it
        if found is None or not found.submodule_search_locations:
            return None
        return Path(found.submodule_search_locations[0])


def load_registry(path: str | Path) -> dict[str, Dataset]:
    """Read and check the registry; data sets by key, in the order of the file.

    Raises UserError naming the entry, the key and what is allowed.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"the registry of data sets cannot be read: {error.strerror}.", where=str(path)
        ) from error
    try:
        entries = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise UserError(
            "the registry of data sets is no valid YAML.", where=str(path), expected=str(error)
        ) from error
    _check(entries, str(path))
    return {key: _dataset(key, entry) for key, entry in entries.items()}


def choose_dataset(registry: Mapping[str, Dataset], key: str, where: str = "") -> Dataset:
    """The data set of this key; an unknown one raises UserError with the known ones."""
    if key not in registry:
        raise UserError(
            f"there is no data set '{key}'.",
            where=where,
            expected=f"one of {', '.join(registry)}",
            remedy="correct the name, or add an entry to config/datasets.yaml.",
        )
    return registry[key]


def _check(entries: Any, path: str) -> None:
    from jsonschema import Draft202012Validator  # takes 0.2 s: only those who load a registry pay

    schema = yaml.load(SCHEMA.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for fault in Draft202012Validator(schema).iter_errors(entries):
        place = " -> ".join(str(part) for part in fault.absolute_path)
        raise UserError(
            f"the registry of data sets has a wrong entry: {fault.message[:300]}",
            where=f"{path}, {place}" if place else path,
            expected=str(fault.schema.get("description", "")),
        )
    for key, entry in entries.items():
        if (entry["access"] == "packaged") != (entry.get("package") is not None):
            raise UserError(
                f"data set '{key}' has access '{entry['access']}' and package "
                f"'{entry.get('package')}'.",
                where=path,
                expected="a package for `packaged` sets, and only for them",
            )


def _dataset(key: str, entry: Mapping[str, Any]) -> Dataset:
    return Dataset(
        key=key,
        title=entry["title"],
        access=entry["access"],
        package=entry.get("package"),
        page=entry.get("page"),
        address_checked=entry.get("address_checked"),
        files=tuple(RemoteFile(**file) for file in entry.get("files", [])),
        licence=entry["licence"],
        citation=entry["citation"]["text"],
        doi=entry["citation"].get("doi"),
        manual=tuple(entry.get("manual", [])),
        present=tuple(Presence(**rule) for rule in entry["present"]),
        needed_by=tuple(entry["needed_by"]),
    )
