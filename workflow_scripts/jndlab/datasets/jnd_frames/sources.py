"""Where frames with JND levels come from: packaged ones, VideoSet, MCL-JCI, the authors' folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from jndlab.datasets import mcl_jci, videoset
from jndlab.datasets.authors_folder import read_authors_folder
from jndlab.datasets.jnd_frames.config import FrameChoice
from jndlab.datasets.pictures.clip_frames import pictures_of_clip
from jndlab.datasets.pictures.generated import find_generated
from jndlab.datasets.pictures.packaged import find_packaged
from jndlab.datasets.pictures.picture_list import FoundPicture, chosen_sources, windows
from jndlab.errors import UserError
from jndlab.media.decoding import count_pictures
from jndlab.media.picture_folder import data_set_folder, picture_files
from jndlab.media.pictures import read_picture


def find_frames(choice: FrameChoice, most: int | None = None) -> Iterator[FoundPicture]:
    """The chosen frames, one after another; ``most`` photographs as well as packaged frames.

    Raises UserError for sources that are missing, and without a size for mixed or odd sizes.
    """
    find: dict[str, Callable[[FrameChoice], Iterator[FoundPicture]]] = {
        "packaged": partial(_packaged, most=most),
        "pictures": _pictures,
        "sequences": _sequences,
        "videoset": _videoset,
        "mcl_jci": _mcl_jci,
        "folder": _authors_folder,
    }
    found = find[choice.source](choice)
    if choice.size is None:
        return of_one_size(found)
    if not choice.scales:
        return found
    largest = [max(choice.scales) * side for side in choice.size]
    return windowed(chain(found, find_generated(choice.generated, largest)), choice)


def windowed(found: Iterable[FoundPicture], choice: FrameChoice) -> Iterator[FoundPicture]:
    """All windows of ``size`` times each of ``scales`` that do not overlap, of each picture.

    At most ``windows_per_picture`` of a picture and scale, the most central first.
    """
    assert choice.size is not None
    for picture in found:
        height, width = picture.rgb.shape[:2]
        for scale in choice.scales:
            size = [scale * side for side in choice.size]
            most = choice.windows_per_picture or width * height
            for turn, part in enumerate(windows(width, height, size, most, reduced=False)):
                yield picture._replace(name=f"{picture.name}_x{scale}_{turn:02d}", window=part)


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


def _packaged(choice: FrameChoice, most: int | None) -> Iterator[FoundPicture]:
    assert choice.size is not None  # FrameChoice requires it
    crops = 1 if choice.scales else choice.crops_per_picture
    return find_packaged(
        choice.sources,
        choice.size,
        crops,
        choice.frames_per_source,
        folder=choice.folder,
        most=most,
    )


def _pictures(choice: FrameChoice) -> Iterator[FoundPicture]:
    folder = data_set_folder(choice.folder, choice.source, "jnd_frames.folder")
    files = picture_files(folder)
    for source in chosen_sources(choice.sources, files):
        origin = files[source].relative_to(folder).as_posix()
        yield FoundPicture(source, source, origin, read_picture(files[source]))


def _sequences(choice: FrameChoice) -> Iterator[FoundPicture]:
    folder = data_set_folder(choice.folder, choice.source, "jnd_frames.folder")
    for source in choice.sources or ():
        path = folder / f"{source}.mkv"
        size, _ = count_pictures(path)
        yield from pictures_of_clip(path, size, choice.frames_per_source, source, path.name)


def _videoset(choice: FrameChoice) -> Iterator[FoundPicture]:
    folder = data_set_folder(choice.folder, choice.source, "jnd_frames.folder")
    sources = chosen_sources(choice.sources, videoset.SOURCES)
    # QP 0 is the reference of the data set.
    clips = videoset.find_clips(folder, choice.resolution, sources, qps=[0])
    for source, clip in clips.items():
        path = clip.streams[0]
        origin = path.relative_to(folder).as_posix()
        size = clip.width, clip.height
        yield from pictures_of_clip(path, size, choice.frames_per_source, source, origin)


def _mcl_jci(choice: FrameChoice) -> Iterator[FoundPicture]:
    folder = data_set_folder(choice.folder, choice.source, "jnd_frames.folder")
    sources = chosen_sources(choice.sources, mcl_jci.SOURCES)
    for source, picture in mcl_jci.find_pictures(folder, sources, qfs=[]).items():
        origin = picture.bitmap.relative_to(folder).as_posix()
        yield FoundPicture(source, source, origin, read_picture(picture.bitmap))


def _authors_folder(choice: FrameChoice) -> Iterator[FoundPicture]:
    folder = data_set_folder(choice.folder, choice.source, "jnd_frames.folder")
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
