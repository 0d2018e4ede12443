"""SSIM of blocks as MATLAB's ssim computes it: plane or RGB volume, frame map or blocks alone."""

from __future__ import annotations

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.block.grid import BlockGrid, indices_of
from jndlab.jnd.block.mapping_options import BLOCK_SIZE, BlockMappingOptions

RADIUS, SIGMA = 5, 1.5  # MATLAB: window of 2 ceil(3 sigma) + 1 samples
C1, C2 = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
CENTRE = np.float32(128)


class BlockSsim:
    """SSIM (Wang et al. 2004) of distorted pictures against one reference, kept between calls.

    Pictures are grey ``(H, W)`` on the scale 0..255 or, in the published form, uint8 RGB
    ``(H, W, 3)``.
    """

    def __init__(self, reference: np.ndarray, options: BlockMappingOptions | None = None) -> None:
        self.options = options or BlockMappingOptions()
        self.shape = reference.shape
        height, width = reference.shape[:2]
        self.grid = BlockGrid(
            height,
            width,
            BLOCK_SIZE,
            self.options.partial_blocks,
            overlapping_last_row=self.options.published,
        )
        self.reference = reference
        self._whole: _Moments | None = None
        self._tiled: _Moments | None = None

    def blocks(self, distorted: np.ndarray) -> np.ndarray:
        """SSIM of each block, ``(rows, columns)``; exactly 1 where nothing is distorted."""
        self._require_fit(distorted)
        if not self.options.published:
            return self.grid.means(self._map(distorted))
        if self._tiled is None:
            self._tiled = _Moments(self._tiles(self.reference))
        similarity = self._tiled.ssim_map(self._tiles(distorted))
        row_lengths = self.grid.row_stops - self.grid.row_starts
        column_lengths = self.grid.column_stops - self.grid.column_starts
        inside = similarity[_tile_insides(row_lengths)][:, _tile_insides(column_lengths)]
        first_lines = np.cumsum(row_lengths) - row_lengths
        rows = np.add.reduceat(inside, first_lines, axis=0, dtype=np.float64)
        sums = np.add.reduceat(rows, np.cumsum(column_lengths) - column_lengths, axis=1)
        return sums / self.grid.counts

    def frame(self, distorted: np.ndarray) -> float:
        """SSIM of the whole picture."""
        self._require_fit(distorted)
        return float(self._map(distorted).mean())

    def _map(self, distorted: np.ndarray) -> np.ndarray:
        if self._whole is None:
            self._whole = _Moments(self.reference)
        return self._whole.ssim_map(distorted)

    def _tiles(self, picture: np.ndarray) -> np.ndarray:
        """All blocks as one picture, each with a border of its own repeated samples."""
        rows = _padded_indices(self.grid.row_starts, self.grid.row_stops)
        columns = _padded_indices(self.grid.column_starts, self.grid.column_stops)
        return picture[rows][:, columns]

    def _require_fit(self, distorted: np.ndarray) -> None:
        if distorted.shape != self.shape:
            raise UserError(
                "a distorted picture has another size than its reference.",
                expected=f"{self.shape}, found {distorted.shape}",
            )


class _Moments:
    """A reference with its local mean and variance."""

    def __init__(self, reference: np.ndarray) -> None:
        self.values = _centred(reference)
        self.mean = _filtered(self.values)
        self.variance = _filtered(np.square(self.values)) - np.square(self.mean)

    def ssim_map(self, distorted: np.ndarray) -> np.ndarray:
        """SSIM at each sample ``(H, W)``: mean over the colours, where there are any."""
        values = _centred(distorted)
        mean = _filtered(values)
        covariance = _filtered(self.values * values) - self.mean * mean
        variance = _filtered(np.square(values)) - np.square(mean) + self.variance
        means = self.mean + CENTRE, mean + CENTRE
        similarity = 2 * means[0] * means[1] + C1
        similarity /= np.square(means[0]) + np.square(means[1]) + C1
        similarity *= 2 * covariance + C2
        similarity /= variance + C2
        if similarity.ndim == 2:
            return similarity
        return similarity @ np.full(similarity.shape[2], 1 / similarity.shape[2], np.float32)


def _centred(picture: np.ndarray) -> np.ndarray:
    # Variances do not change, and float32, half the time of float64, rounds them four times less.
    return picture.astype(np.float32) - CENTRE


def _filtered(values: np.ndarray) -> np.ndarray:
    import cv2  # costs 0.2 s: only those who ask for SSIM pay

    size = 2 * RADIUS + 1
    filtered = cv2.GaussianBlur(values, (size, size), SIGMA, borderType=cv2.BORDER_REPLICATE)
    if filtered.ndim == 2:
        return filtered
    return cv2.transform(filtered, _plane_mixing(filtered.shape[2]))


def _plane_mixing(planes: int) -> np.ndarray:
    """The window's third dimension applied to the planes, the outer ones repeated."""
    taps = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    mixing = np.zeros((planes, planes))
    for target in range(planes):
        sources = np.clip(target + np.arange(-RADIUS, RADIUS + 1), 0, planes - 1)
        np.add.at(mixing[target], sources, taps / taps.sum())
    return mixing


def _padded_indices(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    wide = zip(starts, stops, strict=True)
    return np.concatenate([np.clip(np.arange(a - RADIUS, b + RADIUS), a, b - 1) for a, b in wide])


def _tile_insides(lengths: np.ndarray) -> np.ndarray:
    """Indices of the samples of tiles that are no border."""
    stops = np.cumsum(lengths + 2 * RADIUS) - RADIUS
    return indices_of(stops - lengths, stops)
