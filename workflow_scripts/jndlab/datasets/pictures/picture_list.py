"""Lists of pictures: which part of which file each is, as CSV, and their copies as PNG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from jndlab.errors import UserError
from jndlab.files import atomic_path, own_content, read_rows, whole_number_of, write_csv
from jndlab.media.pictures import picture_sha256, read_picture


@dataclass(frozen=True)
class Picture:
    """One picture of a list, ``width`` x ``height``; its ``name`` is unique and a file name.

    ``source`` is the file or clip that it is of: a split never separates pictures of one source.
    ``subset`` is train, val or test where the data set itself defines it, else empty. ``origin`` is
    ``package:file`` or a path below the folder of the data set, ``frame`` the number in a clip;
    ``left``, ``top``, ``window_width`` and ``window_height`` are the window of the original that
    was brought to this size. ``sha256`` is that of the pixels (RGB).
    """

    name: str
    source: str
    subset: str
    origin: str
    frame: int | None
    left: int
    top: int
    window_width: int
    window_height: int
    width: int
    height: int
    sha256: str

    @property
    def resized(self) -> bool:
        """Whether the picture has other pixels than its original."""
        return (self.window_width, self.window_height) != (self.width, self.height)


class Window(NamedTuple):
    """Part of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, plane: np.ndarray) -> np.ndarray:
        """The window of an array (H x W ...)."""
        return plane[self.top : self.top + self.height, self.left : self.left + self.width]


class FoundPicture(NamedTuple):
    """A picture as its data set holds it: H x W x 3 uint8 RGB before any cut; see Picture."""

    name: str
    source: str
    origin: str
    rgb: np.ndarray
    frame: int | None = None
    subset: str = ""
    window: Window | None = None


def write_pictures(
    folder: str | Path,
    found: Iterable[FoundPicture],
    size: Sequence[int] | None = None,
    *,
    smallest: int = 2,
) -> list[Picture]:
    """Bring pictures to ``size`` (width, height), write each as PNG, and return their list.

    A picture is the largest centred window of the size's aspect (or its own ``window``), reduced
    by area averages; without a size it is whole, less the last row or column of odd sizes (4:2:0).
    Raises UserError for a picture smaller than the size or ``smallest`` (width and height), two of
    one name, and where there is none.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Picture] = {}
    for one in found:
        if one.name in pictures:
            raise _same_name(one, pictures[one.name])
        window, rgb = _fitted(one, size, smallest)
        with atomic_path(folder / f"{one.name}.png") as part:
            Image.fromarray(rgb).save(part, "PNG")
        pictures[one.name] = listed(one, window, rgb)
    if not pictures:
        raise UserError("a data set holds no pictures.", where=str(folder))
    return list(pictures.values())


def listed(found: FoundPicture, window: Window, rgb: np.ndarray) -> Picture:
    """The entry of a picture whose ``window`` became the pixels ``rgb``."""
    height, width = rgb.shape[:2]
    return Picture(
        found.name, found.source, found.subset, found.origin, found.frame, *window, width, height,
        picture_sha256(rgb),
    )  # fmt: skip


def write_list(path: str | Path, pictures: Iterable[Picture]) -> None:
    """Write a list of pictures as CSV."""
    write_csv(path, map(asdict, pictures), [field.name for field in fields(Picture)])


def read_list(path: str | Path) -> list[Picture]:
    """Read what :func:`write_list` wrote, whoever changed it since; UserError for what is no list.

    Files are called by the names in it, which therefore lead to no other folder.
    """
    return [_from_row(row, where) for where, row in read_rows(path)]


def _from_row(row: dict[str, str], where: str) -> Picture:
    with own_content(where):
        values: dict[str, Any] = {
            **row,
            "frame": whole_number_of(row["frame"]) if row["frame"] else None,
        }
        for key in ("left", "top", "window_width", "window_height", "width", "height"):
            values[key] = whole_number_of(row[key])
            if values[key] < (0 if key in ("left", "top") else 1):
                raise ValueError(f"{key} is {values[key]}")
        picture = Picture(**values)
        if {"/", "\0"} & set(picture.name) or not picture.name.strip("."):
            raise ValueError(f"{picture.name!r}, no name of a file")
    return picture


def load_picture(folder: str | Path, picture: Picture) -> np.ndarray:
    """The pixels (H x W x 3 uint8 RGB) of a picture's PNG; UserError where they were changed."""
    path = Path(folder) / f"{picture.name}.png"
    return checked(read_picture(path), picture, path)


def load_pictures(
    folder: str | Path, pictures: Iterable[Picture]
) -> Iterator[tuple[Picture, np.ndarray]]:
    """Each picture with its pixels; see :func:`load_picture`."""
    return ((picture, load_picture(folder, picture)) for picture in pictures)


def checked(rgb: np.ndarray, picture: Picture, path: Path) -> np.ndarray:
    """``rgb``, read from ``path``; UserError unless it is the listed picture."""
    if picture_sha256(rgb) != picture.sha256:
        raise UserError(
            "a picture is not the one that was listed.",
            where=str(path),
            expected=f"pixels of SHA-256 {picture.sha256}",
            remedy="put the file back, or list the pictures again.",
        )
    return rgb


def require_unique(pictures: Iterable[Picture]) -> None:
    """Raise UserError for two pictures of one name."""
    seen: dict[str, Picture] = {}
    for picture in pictures:
        other = seen.setdefault(picture.name, picture)
        if other is not picture:
            raise _same_name(picture, other)


def by_source(pictures: Iterable[Picture]) -> dict[str, list[Picture]]:
    """Pictures of each source, in the order of the list."""
    sources: dict[str, list[Picture]] = {}
    for picture in pictures:
        sources.setdefault(picture.source, []).append(picture)
    return sources


def chosen_sources(wanted: Sequence[str] | None, known: Iterable[str]) -> list[str]:
    """The ``wanted`` ones of a data set's sources, None for all; UserError for an unknown one."""
    names = list(known)
    for source in wanted or ():
        if source not in names:
            raise UserError(
                f"there is no source '{source}'.",
                where="the configuration, `sources`",
                expected=f"{', '.join(names[:24])}{' ...' * (len(names) > 24)}",
            )
    return list(names if wanted is None else wanted)


def windows(
    width: int, height: int, size: Sequence[int], count: int, *, reduced: bool = True
) -> list[Window]:
    """At most ``count`` windows of a picture that do not overlap.

    ``reduced``: windows have the aspect of ``size``. One is the largest that is centred; of several
    each is a cell of that window, cut into ceil(sqrt(count)) rows and columns, and diagonal cells
    come first. Otherwise windows have ``size`` itself at even places (4:2:0), the most central
    first, and are as many as the picture holds.
    """
    if reduced:
        scale = min(width / size[0], height / size[1])
        whole = round(size[0] * scale), round(size[1] * scale)
        columns = rows = math.isqrt(count - 1) + 1
        cell = whole[0] // columns, whole[1] // rows
        places = [(turn, (turn + step) % rows) for step in range(rows) for turn in range(rows)]
        places = [(column, row) for row, column in places]
        left, top = (width - whole[0]) // 2, (height - whole[1]) // 2
    else:
        cell = size[0], size[1]
        columns, rows = width // cell[0], height // cell[1]
        left, top = (width - columns * cell[0]) // 4 * 2, (height - rows * cell[1]) // 4 * 2

        def off_centre(place: tuple[int, int]) -> int:
            across, down = (abs(2 * p + 1 - n) for p, n in zip(place, (columns, rows), strict=True))
            return across * cell[0] + down * cell[1]

        places = sorted(((c, r) for r in range(rows) for c in range(columns)), key=off_centre)
    return [
        Window(left + column * cell[0], top + row * cell[1], *cell)
        for column, row in places[:count]
    ]


def _same_name(one: Picture | FoundPicture, other: Picture) -> UserError:
    return UserError(
        f"two pictures would be called '{one.name}'.",
        where=f"{other.origin} and {one.origin}",
        remedy="rename one of the files, or take it out.",
    )


def _fitted(
    found: FoundPicture, size: Sequence[int] | None, smallest: int
) -> tuple[Window, np.ndarray]:
    height, width = found.rgb.shape[:2]
    if size is None:
        window = Window(0, 0, width // 2 * 2, height // 2 * 2)
    else:
        window = found.window or windows(width, height, size, 1)[0]
    wanted = size or (smallest, smallest)
    if window.width < wanted[0] or window.height < wanted[1]:
        raise UserError(
            "a picture is too small.",
            where=found.origin,
            expected=f"{wanted[0]}x{wanted[1]} at least, found {window.width}x{window.height}"
            + (f" of {width}x{height}" if window[2:] != (width, height) else ""),
            remedy="leave its source out of `sources`, or lower `size`, `crops_per_picture` or "
            "`patch_size`.",
        )
    part = np.ascontiguousarray(window.cut(found.rgb))
    if size is None or part.shape[:2] == (size[1], size[0]):
        return window, part
    import cv2  # 0.2 s to import: only where something is reduced

    return window, cv2.resize(part, tuple(size), interpolation=cv2.INTER_AREA)
