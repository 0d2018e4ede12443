"""Labelled blocks as files: what BL-JUNIPER's CNN is trained and tested on.

An .npz archive with ``pixels`` (N x 64 x 64 x 3, uint8 RGB), ``temporal_information`` (N),
``jnd`` and ``video_jnd`` (N x levels, QP; of the block and of the video that it is from),
``sources`` (N names) and ``kind`` ("subjective" or "vmaf_steps").
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.training.samplers.blocks import LabelledBlocks


class BlockFile(NamedTuple):
    """Labelled blocks, the JND levels of the videos that they are from (N x levels), and whose
    labels they are."""

    blocks: LabelledBlocks
    video_jnd: np.ndarray
    kind: str


def write_blocks(path: str | Path, content: BlockFile) -> None:
    """Write a file of blocks, whole or not at all."""
    arrays = {**content.blocks._asdict(), "video_jnd": content.video_jnd, "kind": content.kind}
    with atomic_path(path) as part, open(part, "wb") as stream:
        np.savez_compressed(stream, **arrays)


def read_blocks(paths: Sequence[str | Path]) -> BlockFile:
    """All blocks of some files; UserError for none, for a damaged one, or for mixed labels."""
    if not paths:
        raise UserError("no file of labelled blocks is given.")
    contents = [_read(Path(path)) for path in paths]
    kinds = sorted({content.kind for content in contents})
    if len(kinds) > 1:
        raise UserError(
            "files of blocks have labels of several kinds.",
            where=f"{paths[0]} and others",
            expected=f"one kind, found {', '.join(kinds)}",
        )
    blocks = LabelledBlocks.joined([content.blocks for content in contents])
    return BlockFile(blocks, np.concatenate([c.video_jnd for c in contents]), kinds[0])


def _read(path: Path) -> BlockFile:
    try:
        with np.load(path, allow_pickle=False) as archive:
            blocks = LabelledBlocks(*(archive[name] for name in LabelledBlocks._fields))
            content = BlockFile(blocks, archive["video_jnd"], str(archive["kind"]))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
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
