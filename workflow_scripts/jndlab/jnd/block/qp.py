"""Block-QP controls: their interface, loading by name, and checks of their maps.

A block-QP control gives each block of each frame a QP of its own. It is a class whose options are
keyword arguments, with one method; no base class is needed::

    class Coarser:
        def __init__(self, *, by: int = 2): ...
        def qp_maps(self, frames, clip, qp):
            for frame in frames:
                yield np.full(grid(clip), qp + self.by)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Protocol

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.method_class import load_class
from jndlab.media.clip import ClipFormat, Frame

BLOCK_SIZE = 64  # luma samples: the CTU of kvazaar, and the block of BL-JUNIPER


class BlockQpControl(Protocol):
    """Chooses the QP of every block; one map for each frame, rows x columns, whole numbers."""

    def qp_maps(
        self, frames: Iterator[Frame], clip: ClipFormat, qp: int
    ) -> Iterator[np.ndarray]: ...


def load_block_qp_control(target: str, options: Mapping[str, Any] | None = None) -> BlockQpControl:
    """Import ``package.module:Class`` and construct it with ``options``.

    Raises UserError that names what to write instead.
    """
    methods = ("qp_maps(frames, clip, qp)",)
    return load_class(target, options, noun="block-QP control", methods=methods)


def grid(clip: ClipFormat) -> tuple[int, int]:
    """Rows and columns of blocks of a frame, those that the border cuts included."""
    return -(-clip.height // BLOCK_SIZE), -(-clip.width // BLOCK_SIZE)


def checked_qp_maps(
    control: BlockQpControl, frames: Iterable[Frame], clip: ClipFormat, qp: int
) -> np.ndarray:
    """QPs of all blocks of a clip, int16 of frames x rows x columns.

    Raises UserError where the control returns another number of maps than the clip has frames,
    maps of another grid, or something else than whole numbers 0..63.
    """
    name = type(control).__name__
    returned = control.qp_maps(iter(frames), clip, qp)
    maps = [np.asarray(blocks) for blocks in islice(returned, clip.frames + 1)]  # of endless ones
    if len(maps) != clip.frames:
        found = "more" if len(maps) > clip.frames else str(len(maps))
        raise UserError(
            f"block-QP control {name} returned another number of maps than its clip has frames.",
            expected=f"{clip.frames} maps, found {found}",
        )
    for index, blocks in enumerate(maps):
        if blocks.shape != grid(clip):
            raise UserError(
                f"block-QP control {name} returned a map of another grid than the clip's.",
                where=f"frame {index}",
                expected=f"{grid(clip)} blocks of {BLOCK_SIZE} samples, found {blocks.shape}",
            )
        if not (np.equal(np.mod(blocks, 1), 0).all() and blocks.min() >= 0 and blocks.max() <= 63):
            raise UserError(
                f"block-QP control {name} returned values that are no QPs.",
                where=f"frame {index}",
                expected=f"whole numbers 0..63, found {blocks.min():g} to {blocks.max():g}",
                remedy="round and clip as the control's last step.",
            )
    return np.stack(maps).astype(np.int16)
