"""Picture files of a folder, by name."""

from __future__ import annotations

from pathlib import Path

from jndlab.errors import UserError
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
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("._")
    )
    if not paths:
        raise UserError(
            "the folder holds no pictures.",
            where=str(folder),
            expected="files ending in " + " ".join(SUFFIXES),
            remedy="put pictures there, or correct the path.",
        )
    by_name: dict[str, Path] = {}
    for path in paths:
        if path.stem in by_name:
            raise UserError(
                f"two pictures are called '{path.stem}'.",
                where=f"{by_name[path.stem]} and {path}",
                remedy="rename one of them, or take it out.",
            )
        by_name[path.stem] = path
    if most is None or most >= len(by_name):
        return by_name
    names = list(by_name)
    return {names[place]: by_name[names[place]] for place in evenly_spread(len(names), most)}
