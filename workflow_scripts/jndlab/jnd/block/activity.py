"""Spatial and temporal perceptual information of blocks (SPI, TPI): BL-JUNIPER, stage 1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.block.grid import BlockGrid
from jndlab.jnd.block.mapping_options import BLOCK_SIZE, BlockMappingOptions

PUBLISHED_TPI_GROUP = 5  # a frame's TPI is the largest of its group in the authors' scripts


class FrameActivity(NamedTuple):
    """SPI and TPI of the blocks ``(rows, columns)`` of a frame, and of the frame as a whole."""

    spi: np.ndarray
    tpi: np.ndarray
    frame_spi: float
    frame_tpi: float


def block_spi(gray: np.ndarray, options: BlockMappingOptions | None = None) -> np.ndarray:
    """SPI of each block: sample standard deviation of the Sobel magnitude of a grey plane.

    The gradient is that of the whole frame, so only the frame's border is a border.
    """
    options = options or BlockMappingOptions()
    return grid_of(gray, options).sample_std(_sobel_magnitude(gray, options))


def block_tpi(
    gray: np.ndarray, previous: np.ndarray | None, options: BlockMappingOptions | None = None
) -> np.ndarray:
    """TPI of each block: sample standard deviation of the difference from the frame before.

    This is the temporal information (TI) that the network of stage 2 is given. Without a frame
    before (``None``: a still) nothing moves and all are 0. Raises UserError for two sizes.
    """
    options = options or BlockMappingOptions()
    grid = grid_of(gray, options)
    if previous is None:
        return np.zeros(grid.shape)
    return grid.sample_std(_difference(gray, previous, options))


def clip_activity(
    grays: Iterable[np.ndarray], options: BlockMappingOptions | None = None
) -> list[FrameActivity]:
    """Activity of each frame of a clip.

    The first frame, for which the published script defines no TPI though the published labels
    have one, takes that of the second. The only frame of a clip has TPI 0.
    """
    options = options or BlockMappingOptions()
    activities: list[FrameActivity] = []
    previous = None
    for gray in grays:
        grid, gradient = grid_of(gray, options), _sobel_magnitude(gray, options)
        tpi, frame_tpi = np.zeros(grid.shape), 0.0
        if previous is not None:
            difference = _difference(gray, previous, options)
            tpi, frame_tpi = grid.sample_std(difference), _std(difference)
        activities.append(FrameActivity(grid.sample_std(gradient), tpi, _std(gradient), frame_tpi))
        previous = gray
    if len(activities) > 1:
        second = activities[1]
        activities[0] = activities[0]._replace(tpi=second.tpi, frame_tpi=second.frame_tpi)
    size = PUBLISHED_TPI_GROUP if options.published else 1
    for start in range(0, len(activities), size):
        group = activities[start : start + size]
        largest = max(activity.frame_tpi for activity in group)
        replaced = [activity._replace(frame_tpi=largest) for activity in group]
        activities[start : start + size] = replaced
    return activities


def grid_of(picture: np.ndarray, options: BlockMappingOptions) -> BlockGrid:
    """The blocks of a picture of these options."""
    height, width = picture.shape[:2]
    return BlockGrid(height, width, BLOCK_SIZE, options.partial_blocks)


def _sobel_magnitude(gray: np.ndarray, options: BlockMappingOptions) -> np.ndarray:
    import cv2  # costs 0.2 s: only those who ask for gradients pay

    border = cv2.BORDER_CONSTANT if options.published else cv2.BORDER_REPLICATE
    across, down = (
        cv2.Sobel(np.ascontiguousarray(gray), cv2.CV_64F, dx, 1 - dx, ksize=3, borderType=border)
        for dx in (1, 0)
    )
    return cv2.magnitude(across, down)


def _difference(gray: np.ndarray, previous: np.ndarray, options: BlockMappingOptions) -> np.ndarray:
    if gray.shape != previous.shape:
        raise UserError(
            "two frames of a clip differ in size.",
            expected=f"{gray.shape[1]}x{gray.shape[0]}, "
            f"found {previous.shape[1]}x{previous.shape[0]}",
        )
    difference = gray.astype(np.float32) - previous
    if options.published:
        np.maximum(difference, 0, out=difference)
    return difference


def _std(plane: np.ndarray) -> float:
    return float(np.std(plane, ddof=1, dtype=np.float64)) if plane.size > 1 else 0.0
