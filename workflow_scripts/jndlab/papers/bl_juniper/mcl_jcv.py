"""Training data of BL-JUNIPER from MCL-JCV: key frames of its streams, with block labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from jndlab.datasets.authors_block_labels import BlockLabels, read_label_folder, read_packed
from jndlab.datasets.jnd_labels import labels_from_samples
from jndlab.datasets.mcl_jcv import find_clips, read_samples, read_video_labels
from jndlab.datasets.pictures.clip_frames import read_frames
from jndlab.errors import UserError
from jndlab.jnd.block.activity import block_tpi
from jndlab.jnd.block.jnd_mapping import candidate_qps
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.pictures import gray_of, rgb_of
from jndlab.media.decoding import count_pictures
from jndlab.papers.bl_juniper.mapping import (
    MAPPED_FROM_SUBJECTIVE,
    block_jnd_of_key_frame,
    require_window,
)
from jndlab.training.samplers.block_files import BlockFile
from jndlab.training.samplers.blocks import LabelledBlocks, labelled_blocks

KEY_FRAMES, STEP = 5, 30  # of the authors: frames 1, 31, 61, 91, 121
SOURCE_QP = 1  # the authors took the stream of QP 1 for the source


def read_block_labels(path: str | Path) -> BlockLabels:
    """The authors' labels: their folder of text files, or one ``.npz`` file."""
    path = Path(path)
    return read_packed(path) if path.suffix == ".npz" else read_label_folder(path)


def authors_key_frames(frames: int) -> list[int]:
    """Indices of five key frames: 30 apart, or less where the clip is too short for that.

    The labels of all clips have five frames, those of 120 frames too: how these were chosen is
    not known, the largest equal step is an assumption. Raises UserError for fewer frames.
    """
    step = min(STEP, (frames - 1) // (KEY_FRAMES - 1))
    if step < 1:
        raise UserError(
            f"a clip of {frames} frames has no {KEY_FRAMES} key frames.",
            expected=f"at least {KEY_FRAMES}",
        )
    return [step * number for number in range(KEY_FRAMES)]


def video_levels(
    folder: str | Path, source: str, statistic: str, table: str | Path | None = None
) -> list[int]:
    """JND levels of a clip as whole QPs, halves up, from the subjects' samples, or a ``table``."""
    if table is not None:
        levels = read_video_labels(table, order="warn").values([source])[0]
        return [int(level) for level in levels]
    samples = read_samples(folder, [source])
    labels = labels_from_samples(samples, statistic, f"{folder}: {source}", order="warn")
    return [int(np.floor(value + 0.5)) for value in labels.values([source])[0]]


def labelled_clip(
    folder: str | Path,
    source: str,
    options: BlockMappingOptions,
    *,
    labels: str | Path | None = None,
    statistic: str = "mean",
    video_table: str | Path | None = None,
) -> BlockFile:
    """The labelled blocks of a clip's key frames.

    With the authors' ``labels`` these and their temporal information are taken, and pixels as their
    scripts have them (the form is then "published", whatever the ``options``); without, the
    subjects' JND (or that of ``video_table``) is mapped to the blocks by stage 1 on the
    clip's own streams. Raises UserError
    for missing streams, or streams of another size or length than that of the source.
    """
    if labels is not None:
        known = read_block_labels(labels)
        options = options.model_copy(update={"form": "published"})
        place = known.sources.index(source)
        streams = find_clips(folder, [source], [SOURCE_QP])[source].streams
        size, count = count_pictures(streams[SOURCE_QP])
        pictures = read_frames(streams[SOURCE_QP], size, authors_key_frames(count))
        jnd = np.moveaxis(known.jnd[place], 0, -1)  # frames x rows x columns x levels
        parts = [
            labelled_blocks(rgb_of(picture, options.colour_matrix), ti, of_frame, source)
            for picture, ti, of_frame in zip(pictures, known.ti[place], jnd, strict=True)
        ]
        levels = jnd.min(axis=(0, 1, 2)).tolist()
    else:
        levels = video_levels(folder, source, statistic, video_table)
        parts = mapped_frames(folder, source, levels, options)
    blocks = LabelledBlocks.joined(parts)
    video_jnd = np.tile(np.array(levels, np.float32), (len(blocks.pixels), 1))
    return BlockFile(blocks, video_jnd, MAPPED_FROM_SUBJECTIVE, options.form)


def mapped_frames(
    folder: str | Path, source: str, levels: Sequence[int], options: BlockMappingOptions
) -> list[LabelledBlocks]:
    """The whole blocks of each key frame, with the clip's JND ``levels`` mapped to them by stage 1.

    Raises UserError as :func:`labelled_clip`.
    """
    require_window(levels, options, f"{folder}: {source}")
    qps = candidate_qps(levels, options)
    streams = find_clips(folder, [source], [SOURCE_QP, *qps])[source].streams
    coded = {qp: streams[qp] for qp in qps}
    return _mapped_blocks(streams[SOURCE_QP], coded, source, levels, options)


def _mapped_blocks(
    source_stream: Path,
    coded: Mapping[int, Path],
    source: str,
    levels: Sequence[int],
    options: BlockMappingOptions,
) -> list[LabelledBlocks]:
    size, count = count_pictures(source_stream)
    wanted = authors_key_frames(count)
    # A key frame and the frame before it; the first frame has the one after it.
    indices = sorted({*wanted, *(index - 1 if index else 1 for index in wanted)})
    pictures = dict(zip(indices, read_frames(source_stream, size, indices), strict=True))
    decoded = {qp: list(read_frames(stream, size, wanted)) for qp, stream in coded.items()}
    parts = []
    for place, index in enumerate(wanted):
        pair = [pictures[max(index - 1, 0)], pictures[max(index, 1)]]
        of_frame = {qp: frames[place] for qp, frames in decoded.items()}
        jnd = block_jnd_of_key_frame(pair, min(index, 1), of_frame, levels, options)
        grays = [gray_of(picture, options) for picture in pair]
        tpi = block_tpi(grays[1], grays[0], options)
        rgb = rgb_of(pictures[index], options.colour_matrix)
        parts.append(labelled_blocks(rgb, tpi, jnd, source))
    return parts
