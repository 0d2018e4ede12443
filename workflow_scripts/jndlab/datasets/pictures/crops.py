"""Full-resolution crops of pictures and packaged clips, as 8-bit 4:2:0 frames, to learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from jndlab.datasets.pictures.clip_frames import read_frames
from jndlab.datasets.pictures.packaged import (
    PACKAGED_CLIPS,
    packaged_file,
    path_of,
    pictures_with,
)
from jndlab.datasets.pictures.picture_list import (
    FoundPicture,
    Picture,
    Window,
    checked,
    listed,
    require_unique,
    windows,
)
from jndlab.datasets.pictures.vimeo90k import first_frames
from jndlab.errors import UserError
from jndlab.media.clip import Frame, evenly_spread
from jndlab.media.decoding import count_pictures
from jndlab.media.picture_folder import picture_files
from jndlab.media.pictures import frame_to_rgb, read_picture, rgb_to_frame

Source = Literal["packaged", "folder", "vimeo90k"]


def list_crops(
    source: Source,
    folder: str | Path | None = None,
    *,
    crop: Sequence[int] | None = (448, 256),
    patch: int = 2,
    crops_per_picture: int = 1,
    frames_per_clip: int = 0,
    limit: int | None = None,
    most: int | None = None,
) -> list[Picture]:
    """The crops of a source; every file is read once, so that a damaged one is reported at once.

    ``crop`` (width, height) cuts up to ``crops_per_picture`` parts out of each picture, the most
    central first; they do not overlap. Without it whole pictures are taken, less the last row or
    column of odd sizes (4:2:0 has none). Either must hold a ``patch`` at least. With
    ``frames_per_clip`` as many evenly spread frames of each packaged clip follow that hold a crop.
    ``limit`` ends the list, in which all first crops stand before all second ones. With the source
    ``packaged`` ``most`` photographs of ``folder`` are taken too, if there is one. Raises UserError
    for an empty folder, a damaged file, or a picture that is too small.
    """
    if source not in get_args(Source):
        raise UserError(
            f"there is no source of pictures '{source}'.", expected=", ".join(get_args(Source))
        )
    if crop is not None and (min(crop) < patch or any(side % 2 for side in crop)):
        raise UserError(
            f"invalid crop {crop[0]}x{crop[1]}.",
            expected=f"even sides (4:2:0) of at least {patch} (a patch)",
        )
    files = _files(source, folder, limit, most)
    turns = _crops_of(files, folder, crop, patch, crops_per_picture)
    crops = [of[turn] for turn in range(crops_per_picture) for of in turns if turn < len(of)]
    if source == "packaged" and frames_per_clip:
        crops += _clip_crops(frames_per_clip, crop, crops_per_picture)
    require_unique(crops)
    return crops[:limit]


def load_crop(picture: Picture, folder: str | Path | None = None) -> Frame:
    """The planes of a listed crop; UserError where its file is missing, changed or damaged."""
    path = path_of(picture.origin, folder)
    window = Window(picture.left, picture.top, picture.window_width, picture.window_height)
    if picture.frame is None:
        return rgb_to_frame(checked(window.cut(read_picture(path)), picture, path))
    clip = PACKAGED_CLIPS[picture.source]
    (whole,) = read_frames(path, (clip.width, clip.height), [picture.frame])
    frame = _cut(whole, window)
    checked(frame_to_rgb(frame), picture, path)
    return frame


def _files(
    source: Source, folder: str | Path | None, limit: int | None, most: int | None
) -> Mapping[str, str]:
    """Name -> origin of each picture file of a source."""
    if source == "packaged":
        return pictures_with(folder, most)
    if folder is None:
        raise UserError(f"the source of pictures '{source}' needs a folder.")
    folder = Path(folder)
    found = first_frames(folder, limit) if source == "vimeo90k" else picture_files(folder)
    return {name: path.relative_to(folder).as_posix() for name, path in found.items()}


def _crops_of(
    files: Mapping[str, str],
    folder: str | Path | None,
    crop: Sequence[int] | None,
    patch: int,
    count: int,
) -> list[list[Picture]]:
    """The crops of each file. All damaged files are reported together."""
    smallest = crop or (patch, patch)
    crops, faults = [], []
    for name, origin in files.items():
        path = path_of(origin, folder)
        try:
            rgb = read_picture(path)
        except UserError as fault:
            faults.append(fault)
            continue
        height, width = rgb.shape[:2]
        if width < smallest[0] or height < smallest[1]:
            raise UserError(
                "a picture is too small.",
                where=str(path),
                expected=f"{smallest[0]}x{smallest[1]} at least, found {width}x{height}",
                remedy="take it out, or lower `crop` (null: whole pictures) or `patch`.",
            )
        crops.append(
            [
                listed(FoundPicture(_numbered(name, turn), name, origin, rgb), part, part.cut(rgb))
                for turn, part in enumerate(_parts(width, height, crop, count))
            ]
        )
    if len(faults) > 1:
        raise UserError(
            f"{len(faults)} pictures cannot be read.",
            where="\n    ".join(fault.where for fault in faults[:20]),
            expected=faults[0].expected,
            remedy="fetch or make these files again, or take them out.",
        )
    if faults:
        raise faults[0]
    return crops


def _clip_crops(
    frames_per_clip: int, crop: Sequence[int] | None, crops_per_picture: int
) -> list[Picture]:
    crops = []
    for source, clip in PACKAGED_CLIPS.items():
        parts = _parts(clip.width, clip.height, crop, crops_per_picture)
        path = packaged_file(clip.origin)
        numbers = evenly_spread(count_pictures(path)[1], frames_per_clip) if parts else []
        frames = read_frames(path, (clip.width, clip.height), numbers) if parts else ()
        for number, frame in zip(numbers, frames, strict=True):
            for turn, part in enumerate(parts):
                rgb = frame_to_rgb(_cut(frame, part))
                name = _numbered(f"{source}_f{number:04d}", turn)
                crops.append(
                    listed(FoundPicture(name, source, clip.origin, rgb, number), part, rgb)
                )
    return crops


def _parts(width: int, height: int, crop: Sequence[int] | None, count: int) -> list[Window]:
    if crop is None:
        return [Window(0, 0, width // 2 * 2, height // 2 * 2)]
    return windows(width, height, crop, count, reduced=False)


def _cut(frame: Frame, window: Window) -> Frame:
    half = Window(*(value // 2 for value in window))
    return Frame(window.cut(frame.y), half.cut(frame.u), half.cut(frame.v))


def _numbered(name: str, turn: int) -> str:
    return f"{name}_{turn}" if turn else name
