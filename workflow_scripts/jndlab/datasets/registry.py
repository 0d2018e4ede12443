"""The registry of data sets: where each comes from, its terms, and how to know that it is there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, RootModel, model_validator

from jndlab.configuration import Count, Section, Text, checked
from jndlab.errors import UserError
from jndlab.yaml_files import load_yaml


def _inside(glob: str) -> str:
    if glob.startswith("/") or ".." in glob.split("/") or not glob.isprintable():
        raise ValueError("a pattern inside the folder of the set, without '..'")
    return glob


class RemoteFile(Section):
    """A file that can be fetched."""

    name: Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$")]
    """Name of the file in the folder of the set."""
    url: Annotated[
        str, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)(:[0-9]+)?/)[!-~]*$")
    ]
    """Its address: https, or http on this machine alone."""
    size_bytes: Count | None = None
    """Its exact size; null where it is not known."""
    most_bytes: Count | None = None
    """Where its size is not known: more than this is not taken (null: 4 GiB)."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Its checksum; null means that it is recorded at the first download."""
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    """Its published MD5, where no SHA-256 is published."""
    unpack: bool = False
    """Whether the archive (zip or tar) is unpacked next to itself."""


class ArchiveByHand(Section):
    """A file that a person fetches, as it was published."""

    name: Annotated[Text, AfterValidator(_inside)]
    """Name of the file in the folder of the set, where it may be left or removed."""
    size_bytes: Count
    """Its exact size."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Its checksum."""


class Citation(Section):
    """The publication to cite."""

    text: Text
    """Authors, title, where and when."""
    doi: Annotated[str, Field(pattern=r"^10\.[0-9]+/")] | None = None
    """DOI of the publication; null where it is not known."""


class Presence(Section):
    """Files that show that a set is there."""

    glob: Annotated[Text, AfterValidator(_inside)]
    """Pattern inside the folder of the set (or of the package)."""
    count: Count = 1
    """How many files match at least."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Published checksum of every file that matches; null where none is known."""


class Dataset(Section):
    """One entry of the registry."""

    title: Text
    """Contents of the set, in one line."""
    access: Literal["open", "account", "request", "packaged"]
    """`open`: for anybody, by `files` or else by hand as in `manual`; `account`: after registering;
    `request`: after asking its owners; `packaged`: arrives with an installed Python package."""
    package: str | None = None
    """Importable name of the Python package that holds a `packaged` set."""
    page: str | None = None
    """Address of the page that describes the set."""
    address_checked: str | None = None
    """What confirms the addresses of this entry; null where nothing does."""
    files: list[RemoteFile] = []
    """Files that can be fetched without an account (`check_data.py --fetch NAME`)."""
    archives: list[ArchiveByHand] = []
    """Files to fetch by hand of which the checksum is published; checked where they are there."""
    licence: Text
    """Terms of use, or that none are stated."""
    citation: Citation
    manual: list[str] = []
    """Steps that a person has to take."""
    present: Annotated[list[Presence], Field(min_length=1)]
    """What shows that the set is there; files are only counted, not read."""
    needed_by: list[Literal["demo", "iqnet", "bl_juniper", "laser_jnd", "mtjnd", "vp_jnd"]]
    """Papers (or the demo) that use it."""
    _key: str = ""

    @property
    def key(self) -> str:
        """Name in the registry."""
        return self._key

    @model_validator(mode="after")
    def _only_packaged_sets_have_a_package(self) -> Dataset:
        if (self.access == "packaged") != (self.package is not None):
            raise ValueError(
                f"access '{self.access}' and package '{self.package}' do not fit; "
                "give a package for `packaged` sets, and only for them"
            )
        return self

    def folder(self, data_dir: str | Path) -> Path | None:
        """Where the set lies: ``data_dir``/key, or inside its package (None if not installed)."""
        if self.package is None:
            return Path(data_dir) / self.key
        found = find_spec(self.package)  # looks it up without importing it
        if found is None or not found.submodule_search_locations:
            return None
        return Path(found.submodule_search_locations[0])


DatasetName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_]*$")]


class Registry(RootModel[dict[DatasetName, Dataset]]):
    """The registry of data sets. Keys are their names; a set lies in the folder of that name inside
    `data_dir`. Unconfirmed values are null."""

    @model_validator(mode="after")
    def _name_the_sets(self) -> Registry:
        for key, dataset in self.root.items():
            dataset._key = key
        return self


def load_registry(path: str | Path) -> dict[str, Dataset]:
    """Read and check the registry; data sets by key, in the order of the file.

    Raises UserError naming the entry, the key and what is allowed.
    """
    return checked(Registry, load_yaml(path), f"the registry of data sets ({path})").root


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
