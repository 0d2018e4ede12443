"""Picture files of a folder, by name, and folders that a configuration names."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from jndlab.errors import UserError
from jndlab.files import opens_as_formula
from jndlab.media.clip import evenly_spread

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


def picture_files(folder: Path, most: int | None = None) -> dict[str, Path]:
    """File name without suffix -> path, ``most`` of them, evenly spread over their names.

    Raises UserError for no folder, no pictures, or equal names.
    """
    if not folder.is_dir():
        raise UserError(
            "the folder of pictures does not exist.",
            where=str(folder),
            expected="a folder with files ending in " + " ".join(SUFFIXES),
            remedy="correct the path.",
        )
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if not paths:
        raise UserError(
            "the folder holds no pictures.",
            where=str(folder),
            expected="files ending in " + " ".join(SUFFIXES),
            remedy="put pictures there, or correct the path.",
        )
    by_name: dict[str, Path] = {}
    spelled: dict[str, Path] = {}  # as systems write names that take some letters for one
    for path in paths:
        if opens_as_formula(path.stem) or not path.stem.isprintable():
            raise UserError(
                f"a picture is called {path.stem!r}, which is no name for a table.",
                where=str(path.parent),
                expected="a name of characters that are shown, without = + - or @ before it",
                remedy="rename it, or take it out.",
            )
        other = spelled.setdefault(unicodedata.normalize("NFC", path.stem).casefold(), path)
        if other is not path:
            raise UserError(
                f"two pictures are called '{path.stem}'.",
                where=f"{other} and {path}",
                remedy="rename one of them, or take it out.",
            )
        by_name[path.stem] = path
    if most is None or most >= len(by_name):
        return by_name
    names = list(by_name)
    return {names[place]: by_name[names[place]] for place in evenly_spread(len(names), most)}


def data_set_folder(folder: str | None, source: str, key: str) -> Path:
    """The folder of a data set that ``key`` of the configuration names; UserError without it."""
    if folder is None or not Path(folder).is_dir():
        raise UserError(
            f"the pictures of '{source}' are not there.",
            where=str(folder),
            expected="a folder that holds them",
            remedy=f"set `{key}` of the data set; `snakemake check_data` says where to get it.",
        )
    return Path(folder)
