"""Stage 1 of BL-JUNIPER on a clip: JND levels of the video, and of the blocks of its key frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.datasets.jnd_labels import JndLabels
from jndlab.errors import UserError
from jndlab.jnd.block.activity import block_tpi
from jndlab.jnd.block.jnd_mapping import block_jnd_of_frames, candidate_qps
from jndlab.jnd.block.mapping_options import BLOCK_SIZE, BlockMappingOptions
from jndlab.jnd.block.maps import BlockMaps
from jndlab.jnd.block.pictures import gray_of, rgb_of
from jndlab.media.clip import ClipFormat, Frame, bytes_of, planes_of, read_clip, write_clip
from jndlab.training.samplers.block_files import BlockFile
from jndlab.training.samplers.blocks import LabelledBlocks, labelled_blocks

MAX_QP = 51
MAPPED_FROM_SUBJECTIVE = "mapped from subjective video JND"  # nobody rated a block


def key_frames(frames: int, every: int) -> list[int]:
    """Indices (from 0) of each ``every``-th frame, beginning with the first."""
    return list(range(0, frames, every))


@contextmanager
def first_frames(
    source: Path, clip: ClipFormat, count: int | None, work_dir: Path
) -> Iterator[tuple[Path, ClipFormat]]:
    """The first ``count`` frames as a lossless clip; ``source`` itself where that is all of it."""
    if count is None or count >= clip.frames:
        yield source, clip
        return
    short = replace(clip, frames=count)
    work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work_dir) as folder:
        path = Path(folder) / "first_frames.mkv"
        write_clip(path, islice(read_clip(source, clip), count), short)
        yield path, short


def map_clip(
    source: Path,
    clip: ClipFormat,
    video_jnd: Sequence[int],
    codec: Codec,
    configuration: str,
    every: int,
    options: BlockMappingOptions,
    work_dir: Path,
    provenance: Mapping[str, Any] | None = None,
) -> BlockMaps:
    """Block JNDs of the key frames of a clip, coded at every QP that its JND levels need.

    Each coding is decoded once. Raises UserError for levels from which no window of QPs fits
    below 51.
    """
    require_window(video_jnd, options, str(source))
    wanted = key_frames(clip.frames, every)
    work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work_dir) as scratch:
        folder = Path(scratch)
        qps = candidate_qps(video_jnd, options)
        for qp in qps:
            stream = folder / f"coded.{codec.suffix}"
            codec.encode(EncodeJob(source, clip, configuration, qp, stream, folder))
            for index, frame in enumerate(read_clip(stream, clip)):
                if index in wanted:
                    (folder / f"{index}_{qp}.yuv").write_bytes(bytes_of(frame, clip))
            stream.unlink()
        maps = [
            block_jnd_of_key_frame(
                pair, position, StoredCodings(folder, index, qps, clip), video_jnd, options
            )
            for index, pair, position in key_frames_with_neighbours(source, clip, wanted)
        ]
    return BlockMaps(
        kind="block_jnd",
        values=np.stack([on_whole_grid(values, clip, video_jnd, options) for values in maps]),
        width=clip.width,
        height=clip.height,
        frames=np.array(wanted),
        block_size=BLOCK_SIZE,
        provenance=dict(provenance or {}),
    )


def labelled_sequence(
    source: Path,
    clip: ClipFormat,
    maps: BlockMaps,
    labels: JndLabels,
    every: int,
    options: BlockMappingOptions,
) -> BlockFile:
    """The whole blocks of the key frames that have ``maps`` of :func:`map_clip`, to learn from.

    ``labels`` are the JNDs of the clip, from which the maps were made.
    """
    parts = []
    mapped = dict(zip(maps.frames, maps.values, strict=True))  # type: ignore[arg-type]
    for index, frame, ti in key_frames_with_ti(source, clip, every, options):
        if index in mapped:
            rgb = rgb_of(frame, options.colour_matrix, clip.bit_depth)
            parts.append(labelled_blocks(rgb, ti, mapped[index], labels.sources[0]))
    blocks = LabelledBlocks.joined(parts)
    kind = MAPPED_FROM_SUBJECTIVE if labels.kind == "subjective" else labels.kind
    levels = labels.values()[0].astype(np.float32)
    return BlockFile(blocks, np.tile(levels, (len(blocks.pixels), 1)), kind, options.form)


def key_frames_with_neighbours(
    source: Path, clip: ClipFormat, wanted: Sequence[int]
) -> Iterator[tuple[int, list[Frame], int]]:
    """Each key frame with the frame before it: index, both in order, place of the key frame.

    The first frame of a clip comes with the one after it, whose difference serves it; the only
    frame of a clip comes alone.
    """
    before: Frame | None = None
    waiting: Frame | None = None
    for index, frame in enumerate(read_clip(source, clip)):
        if waiting is not None:
            yield 0, [waiting, frame], 0
            waiting = None
        if index in wanted:
            if before is not None:
                yield index, [before, frame], 1
            elif clip.frames == 1:
                yield 0, [frame], 0
            else:
                waiting = frame
        before = frame


def key_frames_with_ti(
    source: Path, clip: ClipFormat, every: int, options: BlockMappingOptions
) -> Iterator[tuple[int, Frame, np.ndarray]]:
    """Index, picture and temporal information (rows x columns) of each key frame."""
    wanted = key_frames(clip.frames, every)
    for index, pair, position in key_frames_with_neighbours(source, clip, wanted):
        grays = [gray_of(frame, options, clip.bit_depth) for frame in pair]
        before = grays[0] if len(grays) > 1 else None
        yield index, pair[position], block_tpi(grays[-1], before, options)


def block_jnd_of_key_frame(
    pair: Sequence[Frame],
    position: int,
    coded: Mapping[int, Frame],
    video_jnd: Sequence[int],
    options: BlockMappingOptions,
) -> np.ndarray:
    """Block JNDs (rows x columns x levels) of one of a pair of frames; the other gives its TPI."""
    distorted: list[Mapping[int, Frame]] = [{} for _ in pair]
    distorted[position] = coded
    return block_jnd_of_frames(pair, distorted, video_jnd, options)[0]


def on_whole_grid(
    values: np.ndarray, clip: ClipFormat, video_jnd: Sequence[int], options: BlockMappingOptions
) -> np.ndarray:
    """Block JNDs over all blocks of a picture: those that were dropped get the video's JNDs."""
    rows, columns = (-(-side // BLOCK_SIZE) for side in (clip.height, clip.width))
    whole = np.empty((rows, columns, len(video_jnd)), np.float32)
    whole[:] = video_jnd
    whole[: values.shape[0], : values.shape[1]] = values
    return whole


def require_window(video_jnd: Sequence[int], options: BlockMappingOptions, where: str) -> None:
    """Raise UserError unless every level and its window of QPs are QPs."""
    if not all(0 <= level <= MAX_QP - options.highest_offset for level in video_jnd):
        raise UserError(
            f"the JND levels {', '.join(map(str, video_jnd))} cannot be mapped to blocks.",
            where=where,
            expected=f"QPs from 0 to {MAX_QP - options.highest_offset}: blocks reach "
            f"{options.highest_offset} above their video",
            remedy="lower `highest_offset`, or leave this source out.",
        )


class StoredCodings(Mapping[int, Frame]):
    """One frame of a clip at several QPs, read when it is asked for: 1080p fills the memory."""

    def __init__(self, folder: Path, index: int, qps: Sequence[int], clip: ClipFormat) -> None:
        self.folder, self.index, self.qps, self.clip = folder, index, qps, clip

    def __getitem__(self, qp: int) -> Frame:
        if qp not in self.qps:
            raise KeyError(qp)
        return planes_of((self.folder / f"{self.index}_{qp}.yuv").read_bytes(), self.clip)

    def __iter__(self) -> Iterator[int]:
        return iter(self.qps)

    def __len__(self) -> int:
        return len(self.qps)
