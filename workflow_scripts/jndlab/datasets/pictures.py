"""Still pictures to learn from: packaged ones, a folder, or Vimeo-90K, as 8-bit 4:2:0 frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image

from jndlab.datasets.packaged_pictures import (
    PACKAGED,
    PACKAGED_CLIPS,
    packaged_file,
    read_clip_frame,
)
from jndlab.datasets.vimeo90k import first_frames
from jndlab.errors import UserError
from jndlab.files import read_csv, sha256_of, write_csv
from jndlab.media.clip import Frame

Source = Literal["packaged", "folder", "vimeo90k"]
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


@dataclass(frozen=True)
class Picture:
    """One source picture: the part (in pixels) of a file or of one ``frame`` of a clip.

    ``name`` is unique and becomes a file name. ``origin`` is ``package:file`` or a path below
    the folder of the source; ``sha256`` is that of the whole file.
    """

    name: str
    origin: str
    frame: int | None
    left: int
    top: int
    width: int
    height: int
    sha256: str


def list_pictures(
    source: Source,
    folder: str | Path | None = None,
    *,
    crop: Sequence[int] | None = (448, 256),
    patch: int = 2,
    crops_per_picture: int = 1,
    frames_per_clip: int = 0,
    limit: int | None = None,
) -> list[Picture]:
    """The pictures of a source; every file is read once, so that a damaged one is told at once.

    ``crop`` (width, height) cuts up to ``crops_per_picture`` parts out of each picture, the most
    central first; they do not overlap. Without it whole pictures are taken, less the last row or
    column of odd sizes (4:2:0 has none). Either must hold a ``patch`` at least. With
    ``frames_per_clip`` so many evenly spread frames of each packaged clip follow. ``limit`` ends
    the list, in which all first crops stand before all second ones. Raises UserError for an empty
    folder, a damaged file, or a picture that is too small.
    """
    if source not in get_args(Source):
        raise UserError(
            f"there is no source of pictures '{source}'.", expected=", ".join(get_args(Source))
        )
    if crop is not None and (min(crop) < patch or any(side % 2 for side in crop)):
        raise UserError(
            f"a crop of {crop[0]}x{crop[1]} does not do.",
            expected=f"even numbers (4:2:0), {patch} at least (a patch)",
        )
    files = _files(source, folder, limit)
    sizes = _sizes(files)
    smallest = (patch, patch) if crop is None else crop
    for name, size in sizes.items():
        _require_size(size, smallest, files[name][1])
    parts = {name: _parts(sizes[name], crop, crops_per_picture) for name in files}
    pictures = [
        Picture(name if turn == 0 else f"{name}_{turn}", origin, None, *parts[name][turn], digest)
        for turn in range(crops_per_picture)
        for name, (origin, _, digest) in files.items()
        if turn < len(parts[name])
    ]
    if source == "packaged":
        pictures += _clip_frames(frames_per_clip, crop, crops_per_picture)
    _require_unique(pictures)
    return pictures[:limit]


def load_picture(picture: Picture, folder: str | Path | None = None) -> Frame:
    """The planes of a listed picture; UserError where its file is gone, changed or damaged."""
    path = _path_of(picture.origin, folder)
    if not path.is_file() or sha256_of(path) != picture.sha256:
        raise UserError(
            "a picture is not the file that was listed.",
            where=str(path),
            expected=f"a file of SHA-256 {picture.sha256}",
            remedy="put the file back, or list the pictures again.",
        )
    if picture.frame is not None:
        window = (picture.left, picture.top, picture.width, picture.height)
        return read_clip_frame(path, picture.frame, window)
    bottom, right = picture.top + picture.height, picture.left + picture.width
    return rgb_to_frame(read_rgb(path)[picture.top : bottom, picture.left : right])


def write_list(path: str | Path, pictures: Iterable[Picture]) -> None:
    """Write a list of pictures as CSV."""
    write_csv(path, map(asdict, pictures), [field.name for field in fields(Picture)])


def read_list(path: str | Path) -> list[Picture]:
    """Read what :func:`write_list` wrote."""
    whole = ("left", "top", "width", "height")
    return [
        Picture(**row | {key: int(row[key]) for key in whole}
                | {"frame": int(row["frame"]) if row["frame"] else None})
        for row in read_csv(path)
    ]  # fmt: skip


def read_rgb(path: str | Path) -> np.ndarray:
    """A picture file as H x W x 3 uint8.

    Grey becomes three equal channels, of 16-bit samples the upper 8 bits count (rounded for grey),
    transparency is dropped. Raises UserError for a damaged or unknown file.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            if picture.mode.startswith("I"):
                grey = np.rint(np.asarray(picture, np.float64) / 257).clip(0, 255).astype(np.uint8)
                return np.repeat(grey[..., np.newaxis], 3, axis=2)
            if picture.mode == "F":
                raise ValueError("its samples are floating-point numbers")
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            "a picture cannot be read.",
            where=str(path),
            expected=f"a whole picture file of 8- or 16-bit samples; {error}",
            remedy="fetch or make the file again, or take it out.",
        ) from error


def rgb_to_frame(rgb: np.ndarray) -> Frame:
    """RGB (H x W x 3 uint8, even sizes) as 4:2:0 of 8 bit: BT.601, limited range, rounded.

    The matrix is that of FFmpeg's conversion to yuv420p, from which its luma differs by at most
    one level. Chroma is the mean of 2x2 pixels.
    """
    from skimage.color import rgb2ycbcr  # 0.2 s

    height, width = rgb.shape[:2]
    planes = rgb2ycbcr(rgb)
    chroma = planes[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean(axis=(1, 3))
    y, u, v = (
        np.rint(plane).astype(np.uint8)
        for plane in (planes[..., 0], chroma[..., 0], chroma[..., 1])
    )
    return Frame(y, u, v)


def frame_to_rgb(frame: Frame, bit_depth: int = 8) -> np.ndarray:
    """The reverse of :func:`rgb_to_frame`, for planes ``(..., H, W)``; chroma samples repeated."""
    from skimage.color import ycbcr2rgb

    planes = [np.asarray(plane, np.float64) / (1 << (bit_depth - 8)) for plane in frame]
    chroma = [plane.repeat(2, axis=-2).repeat(2, axis=-1) for plane in planes[1:]]
    rgb = ycbcr2rgb(np.stack([planes[0], *chroma], axis=-1))
    return np.rint(rgb.clip(0, 1) * 255).astype(np.uint8)


def _files(
    source: Source, folder: str | Path | None, limit: int | None
) -> dict[str, tuple[str, Path, str]]:
    """Name -> origin, path and hash of each picture file of a source."""
    if source == "packaged":
        origins = {Path(origin).stem: origin for origin in PACKAGED}
    else:
        if folder is None:
            raise UserError(f"the source of pictures '{source}' needs a folder.")
        folder = Path(folder)
        found = first_frames(folder, limit) if source == "vimeo90k" else _folder_files(folder)
        origins = {name: path.relative_to(folder).as_posix() for name, path in found.items()}
    paths = {name: _path_of(origin, folder) for name, origin in origins.items()}
    return {name: (origins[name], path, sha256_of(path)) for name, path in paths.items()}


def _folder_files(folder: Path) -> Mapping[str, Path]:
    if not folder.is_dir():
        raise UserError("the folder of pictures does not exist.", where=str(folder))
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
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
    return by_name


def _sizes(files: Mapping[str, tuple[str, Path, str]]) -> dict[str, tuple[int, int]]:
    sizes, faults = {}, []
    for name, (_, path, _) in files.items():
        try:
            height, width = read_rgb(path).shape[:2]
            sizes[name] = (width, height)
        except UserError as fault:
            faults.append(fault)
    if len(faults) > 1:
        raise UserError(
            f"{len(faults)} pictures cannot be read.",
            where="\n    ".join(fault.where for fault in faults[:20]),
            expected=faults[0].expected,
            remedy="fetch or make these files again, or take them out.",
        )
    if faults:
        raise faults[0]
    return sizes


def _require_size(size: tuple[int, int], smallest: Sequence[int], path: Path) -> None:
    if size[0] < smallest[0] or size[1] < smallest[1]:
        raise UserError(
            "a picture is too small.",
            where=str(path),
            expected=f"{smallest[0]}x{smallest[1]} at least, found {size[0]}x{size[1]}",
            remedy="take it out, or lower `crop` (null: whole pictures) or `patch`.",
        )


def _parts(
    size: tuple[int, int], crop: Sequence[int] | None, count: int
) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of the parts of a picture, the most central first."""
    if crop is None:
        return [(0, 0, size[0] // 2 * 2, size[1] // 2 * 2)]
    (width, height), (columns, rows) = crop, (size[0] // crop[0], size[1] // crop[1])
    first_left = (size[0] - columns * width) // 4 * 2  # even: chroma has half as many samples
    first_top = (size[1] - rows * height) // 4 * 2

    def off_centre(place: tuple[int, int]) -> float:
        return abs(2 * place[0] + 1 - columns) * width + abs(2 * place[1] + 1 - rows) * height

    places = sorted(((c, r) for r in range(rows) for c in range(columns)), key=off_centre)
    return [
        (first_left + column * width, first_top + row * height, width, height)
        for column, row in places[:count]
    ]


def _clip_frames(
    frames_per_clip: int, crop: Sequence[int] | None, crops_per_picture: int
) -> list[Picture]:
    pictures = []
    for origin, (width, height, frames) in PACKAGED_CLIPS.items() if frames_per_clip else ():
        path = _path_of(origin, None)
        digest = sha256_of(path)
        parts = _parts((width, height), crop, crops_per_picture)
        for place in range(frames_per_clip):
            frame = (2 * place + 1) * frames // (2 * frames_per_clip)
            for turn, part in enumerate(parts):
                name = f"{path.stem}_frame{frame:03d}" + (f"_{turn}" if turn else "")
                pictures.append(Picture(name, origin, frame, *part, digest))
    return pictures


def _path_of(origin: str, folder: str | Path | None) -> Path:
    return packaged_file(origin) if ":" in origin else Path(folder or ".") / origin


def _require_unique(pictures: Sequence[Picture]) -> None:
    seen: dict[str, Picture] = {}
    for picture in pictures:
        other = seen.setdefault(picture.name, picture)
        if other is not picture:
            raise UserError(
                f"two pictures would be called '{picture.name}'.",
                where=f"{other.origin} and {picture.origin}",
                remedy="rename one of the files.",
            )
