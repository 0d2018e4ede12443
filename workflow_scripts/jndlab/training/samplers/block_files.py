"""Labelled blocks as files: what BL-JUNIPER's CNN is trained and tested on.

An .npz archive with ``pixels`` (N x 64 x 64 x 3, uint8 RGB), ``temporal_information`` (N),
``jnd`` and ``video_jnd`` (N x levels, QP; of the block and of the video that it is from),
``sources`` (N names), ``kind`` (where the labels come from) and ``form``: how temporal information
and pixels were computed ("corrected" or "published", see ``BlockMappingOptions.form``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlab.errors import UserError
from jndlab.files import atomic_path, read_arrays
from jndlab.training.samplers.blocks import LabelledBlocks


class BlockFile(NamedTuple):
    """Labelled blocks, the JND levels of the videos that they are from (N x levels), where the
    labels come from, and the form of temporal information and pixels."""

    blocks: LabelledBlocks
    video_jnd: np.ndarray
    kind: str
    form: str


def write_blocks(path: str | Path, content: BlockFile) -> None:
    """Write a file of blocks, whole or not at all."""
    arrays = {**content.blocks._asdict(), **content._asdict()}
    del arrays["blocks"]
    with atomic_path(path) as part, open(part, "wb") as stream:
        np.savez_compressed(stream, **arrays)


def read_blocks(paths: Sequence[str | Path]) -> BlockFile:
    """All blocks of some files; UserError for none, a damaged one, mixed labels or forms."""
    if not paths:
        raise UserError("no file of labelled blocks is given.")
    contents = [_read(Path(path)) for path in paths]
    for name, found in (
        ("labels of several kinds", sorted({content.kind for content in contents})),
        ("temporal information of several forms", sorted({content.form for content in contents})),
    ):
        if len(found) > 1:
            raise UserError(
                f"files of blocks have {name}.",
                where=f"{paths[0]} and others",
                expected=f"one, found {', '.join(found)}",
                remedy="make the files again with one configuration.",
            )
    blocks = LabelledBlocks.joined([content.blocks for content in contents])
    video_jnd = np.concatenate([content.video_jnd for content in contents])
    return BlockFile(blocks, video_jnd, contents[0].kind, contents[0].form)


def _read(path: Path) -> BlockFile:
    try:
        arrays = read_arrays(path)
        blocks = LabelledBlocks(*(arrays[name] for name in LabelledBlocks._fields))
        texts = (str(arrays[name]) for name in ("kind", "form"))
        content = BlockFile(blocks, arrays["video_jnd"], *texts)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            "a file of labelled blocks cannot be read.",
            where=str(path),
            expected=f"an .npz file as jndlab.training.samplers.block_files describes; {error}",
            remedy="make it again.",
        ) from error
    lengths = {len(array) for array in (*blocks, content.video_jnd)}
    if len(lengths) > 1 or content.video_jnd.shape != blocks.jnd.shape:
        raise UserError(
            "the arrays of a file of labelled blocks do not belong together.",
            where=str(path),
            expected=f"one length, found {sorted(lengths)}",
            remedy="make it again.",
        )
    return content
