"""Where frames with JND levels come from: packaged ones, VideoSet, MCL-JCI, the authors' folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from jndlab.datasets import mcl_jci, videoset
from jndlab.datasets.authors_folder import read_authors_folder
from jndlab.datasets.jnd_frames.config import FrameChoice
from jndlab.datasets.pictures.clip_frames import pictures_of_clip
from jndlab.datasets.pictures.packaged import find_packaged
from jndlab.datasets.pictures.picture_list import FoundPicture, chosen_sources
from jndlab.errors import UserError
from jndlab.media.pictures import read_picture


def find_frames(choice: FrameChoice) -> Iterator[FoundPicture]:
    """The chosen frames, one after another.

    Raises UserError for sources that are missing, and without a size for mixed or odd sizes.
    """
    find = {
        "packaged": _packaged,
        "videoset": _videoset,
        "mcl_jci": _mcl_jci,
        "folder": _authors_folder,
    }[choice.source]
    return find(choice) if choice.size else of_one_size(find(choice))


def of_one_size(frames: Iterable[FoundPicture]) -> Iterator[FoundPicture]:
    """The frames themselves; UserError for one of another size than the first, and an odd size."""
    first: FoundPicture | None = None
    for frame in frames:
        height, width = frame.rgb.shape[:2]
        first = first or frame
        if frame.rgb.shape != first.rgb.shape:
            raise UserError(
                "frames have mixed sizes.",
                where=frame.origin,
                expected=f"{first.rgb.shape[1]}x{first.rgb.shape[0]} as {first.origin}, "
                f"found {width}x{height}",
                remedy="set `jnd_frames.size`, to which all are cut and reduced.",
            )
        if width % 2 or height % 2:
            raise UserError(
                "a frame has an odd width or height.",
                where=frame.origin,
                expected=f"even ones, as 4:2:0 video has; found {width}x{height}",
                remedy="set `jnd_frames.size`, or cut a row or column off.",
            )
        yield frame


def _packaged(choice: FrameChoice) -> Iterator[FoundPicture]:
    assert choice.size is not None  # FrameChoice requires it
    return find_packaged(
        choice.sources, choice.size, choice.crops_per_picture, choice.frames_per_source
    )


def _videoset(choice: FrameChoice) -> Iterator[FoundPicture]:
    folder = _folder(choice)
    sources = chosen_sources(choice.sources, videoset.SOURCES)
    # QP 0 is the reference of the data set.
    clips = videoset.find_clips(folder, choice.resolution, sources, qps=[0])
    for source, clip in clips.items():
        path = clip.streams[0]
        origin = path.relative_to(folder).as_posix()
        size = clip.width, clip.height
        yield from pictures_of_clip(path, size, choice.frames_per_source, source, origin)


def _mcl_jci(choice: FrameChoice) -> Iterator[FoundPicture]:
    folder = _folder(choice)
    sources = chosen_sources(choice.sources, mcl_jci.SOURCES)
    for source, picture in mcl_jci.find_pictures(folder, sources, qfs=[]).items():
        origin = picture.bitmap.relative_to(folder).as_posix()
        yield FoundPicture(source, source, origin, read_picture(picture.bitmap))


def _authors_folder(choice: FrameChoice) -> Iterator[FoundPicture]:
    folder = _folder(choice)
    seen: dict[str, str] = {}
    for name, split in read_authors_folder(folder, order="warn").items():
        for path in split.frames:
            origin = path.relative_to(folder).as_posix()
            if path.stem in seen:
                raise UserError(
                    f"a frame is called '{path.stem}' in two splits.",
                    where=f"{folder}: {seen[path.stem]} and {origin}",
                    expected="every name once: what is tested must not be learned from",
                    remedy="rename one of them, or take it out.",
                )
            seen[path.stem] = origin
            source = _source_of(path.stem, choice.source_pattern)
            yield FoundPicture(path.stem, source, origin, read_picture(path), subset=name)


def _source_of(name: str, pattern: str | None) -> str:
    if pattern is None:
        return name
    try:
        found = re.search(pattern, name)
        return found[1]  # type: ignore[index]  # TypeError: no match; IndexError: no group
    except (re.error, TypeError, IndexError) as error:
        raise UserError(
            f"the source of frame '{name}' cannot be derived from its name.",
            where="`jnd_frames.source_pattern`",
            expected=f"a regular expression whose one group finds it; found '{pattern}'",
            remedy="correct the pattern, or set it to null (every frame its own source).",
        ) from error


def _folder(choice: FrameChoice) -> Path:
    if choice.folder is None or not Path(choice.folder).is_dir():
        raise UserError(
            f"the frames of '{choice.source}' are not there.",
            where=str(choice.folder),
            expected="a folder that holds the data set",
            remedy="set `jnd_frames.folder`; `snakemake check_data` names their sources.",
        )
    return Path(choice.folder)
