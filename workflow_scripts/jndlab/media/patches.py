"""Patches of pictures: where they lie, and cut out as the arrays that networks take."""

from __future__ import annotations

import numpy as np
from PIL import Image

from jndlab.errors import UserError


def random_corners(
    shape: tuple[int, ...], size: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Upper left corners (count x 2, row and column) of patches within a picture of ``shape``.

    Raises UserError when the picture is smaller than a patch.
    """
    height, width = shape[:2]
    _require_patch(height, width, size)
    return rng.integers(0, (height - size + 1, width - size + 1), size=(count, 2))


def tile_corners(
    shape: tuple[int, ...], size: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Upper left corners (at most count x 2, row and column) of patches side by side.

    Tiling starts at the upper left corner of the picture; where it has more than ``count`` tiles,
    some are drawn. Raises UserError when the picture is smaller than a patch.
    """
    height, width = shape[:2]
    _require_patch(height, width, size)
    rows, columns = (np.arange(0, side - size + 1, size) for side in (height, width))
    tiles = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    return tiles if len(tiles) <= count else tiles[rng.permutation(len(tiles))[:count]]


PLACES = {"random": random_corners, "tiles": tile_corners}


def cut_patches(picture: np.ndarray, corners: np.ndarray, size: int) -> np.ndarray:
    """Patches (count x 3 x size x size, float32, 0..1) of a picture (H x W x 3 or H x W, uint8).

    A single plane is repeated three times.
    """
    cut = [picture[top : top + size, left : left + size] for top, left in corners]
    patches = np.stack(cut).astype(np.float32) / np.float32(255)
    if patches.ndim == 3:
        return np.repeat(patches[:, None], 3, axis=1)
    return np.ascontiguousarray(patches.transpose(0, 3, 1, 2))


def _require_patch(height: int, width: int, size: int) -> None:
    if min(height, width) < size:
        raise UserError(
            "a picture is smaller than a patch.",
            expected=f"at least {size}x{size}, found {width}x{height}",
            remedy="take a larger picture, or a network of smaller patches.",
        )


def luma_of(picture: np.ndarray) -> np.ndarray:
    """Luma (H x W, uint8, 0..255) of an RGB picture (H x W x 3, uint8): BT.601, full range, as in
    JPEG."""
    return np.asarray(Image.fromarray(picture).convert("L"))
