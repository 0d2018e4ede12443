"""The orthonormal 8x8 DCT-II of many blocks at once, by one matrix product."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

BLOCK = 8  # side of a transform block in samples


def dct_blocks(blocks: np.ndarray) -> np.ndarray:
    """Orthonormal DCT-II coefficients of blocks ``(..., 8, 8)``, same shape.

    ``[..., 0, 0]`` is DC (eight times the block's mean), the first of the two indices is the
    vertical frequency. float32 stays float32, everything else is computed in float64.
    """
    return _transform(blocks, inverse=False)


def idct_blocks(coefficients: np.ndarray) -> np.ndarray:
    """Samples of the blocks whose coefficients are given: the inverse of :func:`dct_blocks`."""
    return _transform(coefficients, inverse=True)


def dct_matrix() -> np.ndarray:
    """The 8x8 matrix D of the one-dimensional transform: coefficients = D @ samples (float64)."""
    frequency, position = np.mgrid[0:BLOCK, 0:BLOCK]
    matrix = np.cos(np.pi * (2 * position + 1) * frequency / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    matrix[0] = np.sqrt(1 / BLOCK)
    return matrix


def radial_frequency() -> np.ndarray:
    """``hypot(i, j)`` of each coefficient (8x8); times a constant it is in cycles per degree."""
    vertical, horizontal = np.mgrid[0:BLOCK, 0:BLOCK]
    return np.hypot(vertical, horizontal)


def _transform(blocks: np.ndarray, inverse: bool) -> np.ndarray:
    if blocks.shape[-2:] != (BLOCK, BLOCK):
        raise ValueError(f"blocks of {BLOCK}x{BLOCK} expected, found shape {blocks.shape}")
    dtype = np.dtype(np.float32 if blocks.dtype == np.float32 else np.float64)
    matrix = _separable_matrix(dtype)
    # Rows of 64 samples times one 64x64 matrix: more multiplications than two 8x8 products a
    # block, but one product for the whole frame, which BLAS makes several times as fast.
    # Two 8x8 products along the axes of the plane would take half the time, but round otherwise.
    # Blocks are a view of a picture: to copy it as it is takes less than to reshape it.
    flat = np.ascontiguousarray(blocks, dtype).reshape(-1, BLOCK * BLOCK)
    return (flat @ (matrix if inverse else matrix.T)).reshape(blocks.shape)


@lru_cache(maxsize=2)
def _separable_matrix(dtype: np.dtype) -> np.ndarray:
    matrix = np.kron(dct_matrix(), dct_matrix()).astype(dtype)
    matrix.flags.writeable = False
    return matrix
