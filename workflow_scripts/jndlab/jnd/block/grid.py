"""Statistics of square blocks, partial ones included, and the two grids of BL-JUNIPER."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from jndlab.errors import UserError


@dataclass(frozen=True)
class BlockGrid:
    """Blocks of ``size`` samples over a picture, in raster order from the top left sample.

    The remainder at the right and bottom forms smaller blocks, or with ``partial="drop"`` none.
    With ``overlapping_last_row`` a partial last row begins where the row above begins (a slice of
    the published SSIM script). Raises UserError for a picture that holds no block.
    """

    height: int
    width: int
    size: int = 64
    partial: str = "keep"
    overlapping_last_row: bool = False

    def __post_init__(self) -> None:
        if not (self.row_starts.size and self.column_starts.size):
            raise UserError(
                f"a picture of {self.width}x{self.height} samples holds no block.",
                expected=f"at least one of {self.size}x{self.size} samples",
                remedy="keep partial blocks, or take smaller blocks.",
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        return self.row_starts.size, self.column_starts.size

    @cached_property
    def row_starts(self) -> np.ndarray:
        """First line of each row of blocks."""
        starts = self._starts(self.height)
        cut = self.height % self.size and self.partial == "keep"
        if self.overlapping_last_row and cut and len(starts) > 1:
            starts[-1] = starts[-2]
        return starts

    @cached_property
    def column_starts(self) -> np.ndarray:
        """First sample of each column of blocks."""
        return self._starts(self.width)

    @cached_property
    def row_stops(self) -> np.ndarray:
        """One past the last line of each row of blocks."""
        return np.minimum(self._starts(self.height) + self.size, self.height)

    @cached_property
    def column_stops(self) -> np.ndarray:
        """One past the last sample of each column of blocks."""
        return np.minimum(self.column_starts + self.size, self.width)

    @cached_property
    def counts(self) -> np.ndarray:
        """Samples of each block."""
        return np.outer(self.row_stops - self.row_starts, self.column_stops - self.column_starts)

    def sums(self, plane: np.ndarray) -> np.ndarray:
        """Sum over each block of a picture ``(H, W)``, float64."""
        lines = indices_of(self.row_starts, self.row_stops)
        if len(lines) != self.height or self.overlapping_last_row:
            plane = plane[lines]
        plane = plane[:, : self.column_stops[-1]]
        rows = np.add.reduceat(plane, _firsts(self.row_stops - self.row_starts), dtype=np.float64)
        return np.add.reduceat(rows, self.column_starts, axis=1)

    def means(self, plane: np.ndarray) -> np.ndarray:
        """Mean over each block of a picture ``(H, W)``, float64."""
        return self.sums(plane) / self.counts

    def sample_std(self, plane: np.ndarray) -> np.ndarray:
        """Standard deviation (N - 1, as MATLAB's std2) of each block; not for overlapping rows."""
        # Deviations from the mean first: a flat block has 0 then, and not what squares round to.
        inside = plane[: self.row_stops[-1], : self.column_stops[-1]].astype(np.float64)
        means = np.repeat(self.means(inside), self.column_stops - self.column_starts, axis=1)
        for row, (start, stop) in enumerate(zip(self.row_starts, self.row_stops, strict=True)):
            inside[start:stop] -= means[row]
        return np.sqrt(self.sums(np.square(inside, out=inside)) / np.maximum(self.counts - 1, 1))

    def _starts(self, length: int) -> np.ndarray:
        stop = length if self.partial == "keep" else length // self.size * self.size
        return np.arange(0, stop, self.size)


def indices_of(starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """All indices of the spans ``start..stop - 1``, one span after the other."""
    return np.concatenate([np.arange(a, b) for a, b in zip(starts, stops, strict=True)])


def _firsts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)[:-1]])
