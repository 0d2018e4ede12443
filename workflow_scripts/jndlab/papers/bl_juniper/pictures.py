"""A stand-in for MCL-JCV: packaged pictures, panned a little, with block labels by vmaf_steps."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.datasets.jnd_labels import JndLabels, labels_from_values
from jndlab.datasets.pictures.crops import list_crops, load_crop
from jndlab.datasets.pictures.packaged import PACKAGED_PICTURES
from jndlab.datasets.pictures.picture_list import by_source
from jndlab.errors import UserError
from jndlab.jnd.block.activity import block_tpi
from jndlab.jnd.block.jnd_mapping import candidate_qps
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.pictures import gray_of, rgb_of
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_clip
from jndlab.papers.bl_juniper.mapping import MAX_QP, block_jnd_of_key_frame
from jndlab.quality.quality_sweeps import QualitySweep, sweep_pictures
from jndlab.quality.vmaf_steps import LABEL_KIND
from jndlab.training.samplers.block_files import BlockFile
from jndlab.training.samplers.blocks import LabelledBlocks, labelled_blocks

LARGEST_SHIFT = 6.0  # pixels from one frame to the next
LARGEST_ZOOM = 0.02
SWEPT_QPS = range(16, 45)


class PannedPicture(NamedTuple):
    """A picture (the key frame) and the frame that a pan and zoom shows before it.

    ``source`` is the file that it was cut from: parts of one file are one source.
    """

    name: str
    source: str
    before: Frame
    key: Frame


class LabelledPictures(NamedTuple):
    """Blocks, the pictures' levels, and the codings that these rest on."""

    content: BlockFile
    labels: JndLabels
    sweeps: list[QualitySweep]


def panned_pictures(
    count: int,
    crops_per_picture: int,
    crop: Sequence[int],
    seed: int,
    folder: str | None = None,
    most: int | None = None,
) -> list[PannedPicture]:
    """At most ``count`` packaged pictures and ``most`` photographs, in parts of ``crop``.

    ``crop`` is width and height; ``folder`` holds the photographs, if there are any.

    Shift (up to 6 pixels in each direction) and zoom (up to 2 % about the middle) are drawn for
    each part. The key frame is the part as it is; only the frame before it is interpolated.
    """
    listed = list_crops(
        "packaged",
        folder,
        crop=crop,
        patch=min(crop),
        crops_per_picture=crops_per_picture,
        most=most,
    )
    packaged = [name for name in by_source(listed) if name in PACKAGED_PICTURES]
    sources = {*packaged[:count], *(set(by_source(listed)) - set(packaged))}
    chosen = [picture for picture in listed if picture.source in sources]
    panned = []
    for number, picture in enumerate(chosen):
        rng = np.random.default_rng([seed, number])
        shift = rng.uniform(-LARGEST_SHIFT, LARGEST_SHIFT, 2).tolist()
        zoom = 1 + rng.uniform(-LARGEST_ZOOM, LARGEST_ZOOM)
        key = load_crop(picture, folder)
        panned.append(PannedPicture(picture.name, picture.source, moved(key, shift, zoom), key))
    return panned


def moved(frame: Frame, shift: Sequence[float], zoom: float) -> Frame:
    """A frame shifted (x and y, luma samples) and enlarged about its middle, mirrored beyond."""
    import cv2

    planes = []
    for plane, scale in zip(frame, (1.0, 0.5, 0.5), strict=True):
        height, width = plane.shape
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        offset = (1 - zoom) * middle + scale * np.asarray(shift)
        matrix = np.array([[zoom, 0, offset[0]], [0, zoom, offset[1]]])
        planes.append(
            cv2.warpAffine(plane, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        )
    return Frame(*planes)


def label_pictures(
    pictures: Sequence[PannedPicture],
    codec: Codec,
    options: BlockMappingOptions,
    work_dir: Path,
    threads: int = 1,
) -> LabelledPictures:
    """Levels of each picture (``vmaf_steps`` on all-intra codings) and of its whole blocks.

    Pictures whose levels are not reached, or whose blocks would reach above QP 51, are left out
    and reported in the log. Raises UserError where none is left.
    """
    keys = {picture.name: picture.key for picture in pictures}
    sweeps = sweep_pictures(keys, codec, SWEPT_QPS, work_dir=work_dir, threads=threads)
    levels: dict[str, list[int]] = {}
    for sweep in sweeps:
        found = [level for level in sweep.levels() if level is not None]
        if len(found) == 3 and max(found) + options.highest_offset <= MAX_QP:
            levels[sweep.source] = found
        else:
            logging.info("%s is left out: levels %s", sweep.source, sweep.levels())
    kept = [picture for picture in pictures if picture.name in levels]
    if not kept:
        raise UserError(
            "no picture has all its JND levels.",
            expected=f"all three between QP {SWEPT_QPS[0]} and {SWEPT_QPS[-1]}",
        )
    needed = {qp for found in levels.values() for qp in candidate_qps(found, options)}
    coded: dict[str, dict[int, Frame]] = {picture.name: {} for picture in kept}
    for qp in sorted(needed):
        for name, frame in _coded_at(qp, kept, codec, work_dir).items():
            coded[name][qp] = frame
    parts = [_blocks_of(p, coded[p.name], levels[p.name], options) for p in kept]
    blocks = LabelledBlocks.joined(parts)
    video_jnd = np.concatenate(
        [
            np.tile(levels[p.name], (len(part.pixels), 1))
            for p, part in zip(kept, parts, strict=True)
        ]
    ).astype(np.float32)
    labels = labels_from_values(levels, "QP", LABEL_KIND, "steps", "panned pictures")
    return LabelledPictures(BlockFile(blocks, video_jnd, LABEL_KIND, options.form), labels, sweeps)


def _blocks_of(
    picture: PannedPicture,
    coded: Mapping[int, Frame],
    levels: Sequence[int],
    options: BlockMappingOptions,
) -> LabelledBlocks:
    jnd = block_jnd_of_key_frame([picture.before, picture.key], 1, coded, levels, options)
    tpi = block_tpi(gray_of(picture.key, options), gray_of(picture.before, options), options)
    rgb = rgb_of(picture.key, options.colour_matrix)
    return labelled_blocks(rgb, tpi, jnd, picture.source)


def _coded_at(
    qp: int, pictures: Sequence[PannedPicture], codec: Codec, work_dir: Path
) -> dict[str, Frame]:
    """All pictures (of one size) coded as the frames of one all-intra clip, and decoded."""
    height, width = pictures[0].key.y.shape
    clip = ClipFormat(width, height, Fraction(25), len(pictures))
    work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work_dir) as scratch:
        folder = Path(scratch)
        source, stream = folder / "pictures.mkv", folder / f"coded.{codec.suffix}"
        write_clip(source, (picture.key for picture in pictures), clip)
        codec.encode(EncodeJob(source, clip, "AI", qp, stream, folder))
        frames: list[Any] = list(read_clip(stream, clip))
    return {picture.name: frame for picture, frame in zip(pictures, frames, strict=True)}
