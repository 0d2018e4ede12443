"""Pictures as grids of square blocks, and back; sums over windows."""

from __future__ import annotations

from typing import Literal

import numpy as np

Partial = Literal["pad", "drop"]


def split_blocks(plane: np.ndarray, size: int, partial: Partial = "pad") -> np.ndarray:
    """Cut pictures ``(..., H, W)`` into blocks ``(..., rows, columns, size, size)``.

    Blocks lie in raster order from the top left sample. The remainder at the right and at the
    bottom is completed by repeating the last column and row (``"pad"``, for filters, which crop
    the result again: :func:`merge_blocks`) or left out (``"drop"``, for training patches, which
    must hold real samples only). The result may be a view of ``plane``.
    """
    height, width = plane.shape[-2:]
    if partial == "pad":
        plane = pad_to_multiple(plane, size)
    else:
        plane = plane[..., : height // size * size, : width // size * size]
    *leading, height, width = plane.shape
    blocks = plane.reshape(*leading, height // size, size, width // size, size)
    return blocks.swapaxes(-3, -2)


def merge_blocks(
    blocks: np.ndarray, height: int | None = None, width: int | None = None
) -> np.ndarray:
    """Put blocks ``(..., rows, columns, size, size)`` together to pictures ``(..., H, W)``.

    With ``height`` and ``width`` what :func:`split_blocks` added at the right and at the bottom
    is cropped.
    """
    *leading, rows, columns, block_height, block_width = blocks.shape
    plane = contiguous_blocks(blocks.swapaxes(-3, -2))
    return plane.reshape(*leading, rows * block_height, columns * block_width)[..., :height, :width]


def contiguous_blocks(blocks: np.ndarray) -> np.ndarray:
    """Blocks as an array of their own, where they are a view in which only rows lie together.

    A row of samples is moved as one item: NumPy takes up to eight times as long sample by sample.
    """
    if blocks.flags.c_contiguous or blocks.strides[-1] != blocks.itemsize or not blocks.size:
        return np.ascontiguousarray(blocks)
    rows = blocks.view(np.dtype((np.void, blocks.shape[-1] * blocks.itemsize)))
    return np.ascontiguousarray(rows).view(blocks.dtype)


def pad_to_multiple(plane: np.ndarray, multiple: int) -> np.ndarray:
    """Grow pictures ``(..., H, W)`` at the right and bottom, repeating their last samples."""
    height, width = plane.shape[-2:]
    if height == 0 or width == 0:
        raise ValueError(f"a picture of {width}x{height} samples has no last sample to repeat")
    below, right = -height % multiple, -width % multiple
    if below == 0 and right == 0:
        return plane
    unpadded = [(0, 0)] * (plane.ndim - 2)
    return np.pad(plane, [*unpadded, (0, below), (0, right)], mode="edge")


def window_sums(weight: np.ndarray, side: int, step: int) -> np.ndarray:
    """Sums of ``weight`` (H x W, whole numbers) over square windows of a ``side``.

    Windows begin at multiples of ``step`` from the top left sample: [row, column] is the one at
    ``(row * step, column * step)``.
    """
    total = np.pad(weight.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    tops, lefts = (np.arange(0, length - side + 1, step) for length in weight.shape)
    sums = total[tops + side][:, lefts + side] + total[tops][:, lefts]
    return sums - total[tops + side][:, lefts] - total[tops][:, lefts + side]
