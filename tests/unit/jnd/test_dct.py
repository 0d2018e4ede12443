"""Blocks of pictures and their DCT: nothing lost, nothing out of place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn

from jndlab.jnd.dct import dct_blocks, dct_matrix, idct_blocks, radial_frequency
from jndlab.media.blocks import contiguous_blocks, merge_blocks, pad_to_multiple, split_blocks


def test_blocks_lie_in_raster_order():
    plane = np.arange(16 * 24).reshape(16, 24)
    blocks = split_blocks(plane, 8)
    assert blocks.shape == (2, 3, 8, 8)
    np.testing.assert_array_equal(blocks[1, 2], plane[8:16, 16:24])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 4, 8, 16]))
def test_any_size_survives_split_and_merge(height, width, size):
    plane = np.arange(height * width, dtype=np.uint16).reshape(height, width)
    merged = merge_blocks(split_blocks(plane, size), height, width)
    assert merged.dtype == plane.dtype
    np.testing.assert_array_equal(merged, plane)


def test_leading_axes_are_kept():
    pictures = np.arange(2 * 16 * 17).reshape(2, 16, 17)
    assert split_blocks(pictures, 8).shape == (2, 2, 3, 8, 8)
    np.testing.assert_array_equal(merge_blocks(split_blocks(pictures, 8), 16, 17), pictures)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_rows_are_moved_whole(dtype):
    plane = np.random.default_rng(0).integers(0, 256, (24, 45)).astype(dtype)[:, 1:33]
    for blocks in (split_blocks(plane, 8), split_blocks(plane, 8)[..., ::-1], plane[:0, None]):
        moved = contiguous_blocks(blocks)
        assert moved.flags.c_contiguous and moved.dtype == plane.dtype
        np.testing.assert_array_equal(moved, blocks)


def test_partial_blocks_are_padded_by_repetition_or_left_out():
    plane = np.arange(9 * 10).reshape(9, 10)
    padded = split_blocks(plane, 8)
    assert padded.shape == (2, 2, 8, 8)
    assert (padded[1, 1] == [plane[8, 8]] + [plane[8, 9]] * 7).all()
    np.testing.assert_array_equal(split_blocks(plane, 8, "drop")[0, 0], plane[:8, :8])
    assert split_blocks(plane, 8, "drop").shape == (1, 1, 8, 8)
    assert split_blocks(plane[:5], 8, "drop").shape == (0, 1, 8, 8)


def test_a_whole_number_of_blocks_is_not_copied():
    plane = np.zeros((16, 16), np.uint8)
    assert pad_to_multiple(plane, 8) is plane


def test_an_empty_picture_cannot_be_padded():
    with pytest.raises(ValueError, match="0x5"):
        pad_to_multiple(np.zeros((5, 0)), 8)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 2e-3)])
def test_dct_is_the_orthonormal_one_of_scipy(dtype, tolerance):
    blocks = np.random.default_rng(0).uniform(0, 255, (3, 5, 8, 8)).astype(dtype)
    coefficients = dct_blocks(blocks)
    assert coefficients.dtype == dtype
    reference = dctn(blocks.astype(np.float64), axes=(-2, -1), norm="ortho")
    np.testing.assert_allclose(coefficients, reference, atol=tolerance)
    np.testing.assert_allclose(idct_blocks(coefficients), blocks, atol=tolerance)


def test_integers_are_transformed_exactly_enough():
    assert dct_blocks(np.full((8, 8), 100, np.uint8))[0, 0] == pytest.approx(800, abs=1e-10)


def test_matrix_is_orthonormal():
    np.testing.assert_allclose(dct_matrix() @ dct_matrix().T, np.eye(8), atol=1e-14)


def test_first_index_is_the_vertical_frequency():
    horizontal_stripes = np.tile(np.arange(8.0)[:, np.newaxis], 8)
    coefficients = dct_blocks(horizontal_stripes)
    assert abs(coefficients[1, 0]) > 10 and abs(coefficients[0, 1]) < 1e-10
    assert radial_frequency()[3, 4] == 5


def test_blocks_of_another_size_are_refused():
    with pytest.raises(ValueError, match="8x8"):
        dct_blocks(np.zeros((4, 4)))
