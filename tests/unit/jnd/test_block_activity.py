"""Grey, SPI, TPI and SSIM of BL-JUNIPER's stage 1 against slow loops and MATLAB's metadata."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage import data
from skimage.metrics import structural_similarity

from jndlab.errors import UserError
from jndlab.jnd.block.activity import block_spi, block_tpi, clip_activity
from jndlab.jnd.block.grid import BlockGrid
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.pictures import gray_of, rgb2gray, rgb_blocks, rgb_of
from jndlab.jnd.block.ssim import BlockSsim
from jndlab.media.clip import Frame

CORRECTED = BlockMappingOptions()
PUBLISHED = BlockMappingOptions(form="published", partial_blocks="keep")
RNG = np.random.default_rng(3)
HEIGHT, WIDTH = 150, 200  # rows of 64, 64 and 22 lines, columns of 64, 64, 64 and 8 samples


@pytest.fixture(scope="module")
def rgb() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[60 : 60 + HEIGHT, 100 : 100 + WIDTH])


@pytest.fixture(scope="module")
def gray(rgb) -> np.ndarray:
    return rgb2gray(rgb)


@pytest.fixture(scope="module")
def moved(gray) -> np.ndarray:
    return np.roll(gray, (1, 2), axis=(0, 1))


def spans(length: int, keep: bool = True) -> list[tuple[int, int]]:
    return [
        (start, min(start + 64, length))
        for start in range(0, length, 64)
        if keep or start + 64 <= length
    ]


def loop(statistic, height: int = HEIGHT, width: int = WIDTH, keep: bool = True) -> np.ndarray:
    rows, columns = spans(height, keep), spans(width, keep)
    return np.array([[statistic(slice(*r), slice(*c)) for c in columns] for r in rows])


@pytest.mark.parametrize(
    ("height", "partial", "shape"), [(1080, "keep", (17, 30)), (1080, "drop", (16, 30))]
)
def test_the_two_grids_of_a_1080p_frame(height, partial, shape):
    grid = BlockGrid(height, 1920, 64, partial)
    assert grid.shape == shape
    assert grid.counts[-1, -1] == (56 if partial == "keep" else 64) * 64


def test_block_statistics_equal_slow_loops(gray):
    for keep in (True, False):
        grid = BlockGrid(HEIGHT, WIDTH, 64, "keep" if keep else "drop")
        means = loop(lambda r, c: gray[r, c].mean(), keep=keep)
        std = loop(lambda r, c: np.std(gray[r, c].astype(float), ddof=1), keep=keep)
        np.testing.assert_allclose(grid.means(gray), means, rtol=1e-12)
        np.testing.assert_allclose(grid.sample_std(gray), std, rtol=1e-12)


def test_flat_and_single_sample_blocks_have_no_deviation():
    flat = np.full((65, 65), 0.1)
    assert np.abs(BlockGrid(65, 65).sample_std(flat)).max() < 1e-15
    assert BlockGrid(65, 65).counts.tolist() == [[4096, 64], [64, 1]]


def test_a_picture_without_a_whole_block_is_named():
    with pytest.raises(UserError, match="100x50 samples holds no block"):
        BlockGrid(50, 100, 64, "drop")


def test_grey_is_that_of_matlab():
    # The MathWorks' own example of why 0.2989, 0.5870, 0.1140 (118) are not the exact weights.
    assert rgb2gray(np.array([[[120, 119, 112]]], np.uint8))[0, 0] == 119
    greys = np.arange(256, dtype=np.uint8)
    assert np.array_equal(rgb2gray(np.dstack([greys] * 3))[0], greys)


@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
def test_rgb_of_a_frame_is_the_inverse_of_the_standard(matrix):
    red, blue = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}[matrix]
    colours = np.array([[0, 0, 0], [255, 255, 255], [200, 30, 90], [10, 250, 60]], float)
    luma = colours @ [red, 1 - red - blue, blue]
    u = 128 + 112 * (colours[:, 2] - luma) / (255 * (1 - blue))
    v = 128 + 112 * (colours[:, 0] - luma) / (255 * (1 - red))
    for depth in (8, 10):
        scale = 1 << (depth - 8)
        planes = [np.rint(plane * scale) for plane in (16 + luma * 219 / 255, u, v)]
        kind = np.uint8 if depth == 8 else np.uint16
        frame = Frame(
            planes[0][:, None].repeat(2, 0).repeat(2, 1).astype(kind),
            *(plane[:, None].astype(kind) for plane in planes[1:]),
        )
        found = rgb_of(frame, matrix, depth)[::2, 0]
        assert np.abs(found - colours).max() <= (2.5 if depth == 8 else 1)


def test_bt601_is_that_of_opencv(rgb):
    i420 = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    y, chroma = i420[:HEIGHT], i420[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    expected = cv2.cvtColor(i420, cv2.COLOR_YUV2RGB_I420).astype(int)
    difference = np.abs(rgb_of(Frame(y, *chroma), "bt601") - expected)
    inside = ((y >= 16) & (y <= 235))[..., None]  # OpenCV cuts darker luma off
    assert (difference * inside).max() <= 1


def test_grey_of_frames_planes_and_pictures(rgb, gray):
    luma = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4
    frame = Frame(luma, luma[:2, :2], luma[:2, :2])
    assert np.array_equal(gray_of(frame, CORRECTED, bit_depth=10), luma / 4)
    assert np.array_equal(gray_of(rgb, CORRECTED), gray)
    assert gray_of(gray, PUBLISHED) is gray
    assert gray_of(frame, PUBLISHED, bit_depth=10).dtype == np.uint8
    with pytest.raises(UserError, match="a picture has no colours"):
        rgb_of(gray)


def test_blocks_for_the_network(rgb):
    padded, whole = rgb_blocks(rgb), rgb_blocks(rgb, partial="drop")
    assert padded.shape == (3, 4, 64, 64, 3) and whole.shape == (2, 3, 64, 64, 3)
    assert np.array_equal(whole[1, 2], rgb[64:128, 128:192])
    assert np.array_equal(padded[2, 3, :22, :8], rgb[128:, 192:])
    assert (padded[2, 3, 22:, :8] == rgb[-1, 192:]).all()


@pytest.mark.parametrize("form", ["corrected", "published"])
def test_spi_equals_a_slow_loop(gray, form):
    padded = np.pad(gray.astype(float), 1, "edge" if form == "corrected" else "constant")
    magnitude = np.empty((HEIGHT, WIDTH))
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    for i in range(HEIGHT):
        for j in range(WIDTH):
            window = padded[i : i + 3, j : j + 3]
            magnitude[i, j] = np.hypot((window * kernel).sum(), (window * kernel.T).sum())
    expected = loop(lambda r, c: np.std(magnitude[r, c], ddof=1))
    found = block_spi(gray, BlockMappingOptions(form=form))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_zero_padding_raises_the_border_blocks_only(gray):
    zero = block_spi(gray, PUBLISHED)
    corrected = block_spi(gray)
    assert (zero[1:-1, 1:-1] == corrected[1:-1, 1:-1]).all()
    assert zero[0].mean() > 1.3 * corrected[0].mean()


def test_tpi_equals_slow_loops_signed_and_saturated(gray, moved):
    signed = moved.astype(int) - gray
    saturated = cv2.subtract(moved, gray)  # uint8 arithmetic
    for options, difference in (
        (CORRECTED, signed),
        (PUBLISHED, saturated),
    ):
        expected = loop(lambda r, c, d=difference: np.std(d[r, c].astype(float), ddof=1))
        np.testing.assert_allclose(block_tpi(moved, gray, options), expected, rtol=1e-12)
    assert (block_tpi(moved, gray, PUBLISHED) < block_tpi(moved, gray)).all()


def test_activity_of_a_clip(gray, moved):
    still = clip_activity([gray])[0]
    assert (still.tpi == 0).all() and still.frame_tpi == 0 and still.frame_spi > 0
    two = clip_activity([gray, moved])
    np.testing.assert_array_equal(two[1].tpi, block_tpi(moved, gray))
    np.testing.assert_array_equal(two[0].tpi, two[1].tpi)
    assert two[0].frame_tpi == pytest.approx(np.std(moved.astype(float) - gray, ddof=1))
    assert clip_activity([]) == []


def test_frame_tpi_is_the_largest_of_its_group(gray, moved):
    faster = np.roll(gray, (5, 9), axis=(0, 1))
    clip = [gray, moved, faster, moved, moved, moved]
    alone = [activity.frame_tpi for activity in clip_activity(clip)]
    grouped = [activity.frame_tpi for activity in clip_activity(clip, PUBLISHED)]
    assert len(set(grouped[:5])) == 1 and grouped[5] == 0 == alone[5]
    assert alone[2] > alone[1] and alone[4] == 0


def test_frames_of_two_sizes_are_refused(gray):
    with pytest.raises(UserError, match="differ in size"):
        block_tpi(gray, gray[:-2])


def test_map_ssim_equals_scikit_image_inside(gray):
    noisy = np.clip(gray + RNG.normal(0, 12, gray.shape), 0, 255).astype(np.uint8)
    _, expected = structural_similarity(
        gray, noisy, data_range=255, gaussian_weights=True, use_sample_covariance=False, full=True
    )
    inside = np.s_[1:-1, 1:-1]  # its border is mirrored
    blocks = BlockGrid(HEIGHT, WIDTH, 64).means(expected)[inside]
    assert blocks.size
    np.testing.assert_allclose(BlockSsim(gray).blocks(noisy)[inside], blocks, atol=1e-5)


def ssim_volume(reference: np.ndarray, distorted: np.ndarray) -> float:
    def blur(volume: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(volume, 1.5, mode="nearest", radius=5)

    x, y = reference.astype(float), distorted.astype(float)
    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return float((luminance * (2 * cov + c2) / (vx + vy + c2)).mean())


def test_published_ssim_of_rgb_volumes_equals_a_slow_loop(rgb):
    noisy = np.clip(rgb + RNG.normal(0, 9, rgb.shape), 0, 255).astype(np.uint8)
    rows = spans(HEIGHT)
    rows[-1] = (rows[-2][0], HEIGHT)  # the lines of the row above as well
    ssim = BlockSsim(rgb, PUBLISHED)
    found = ssim.blocks(noisy)
    assert found.shape == (3, 4)
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(spans(WIDTH)):
            part = np.s_[top:bottom, left:right]
            assert found[i, j] == pytest.approx(ssim_volume(rgb[part], noisy[part]), abs=1e-5)
    assert ssim.frame(noisy) == pytest.approx(ssim_volume(rgb, noisy), abs=1e-5)


def test_corrected_ssim_is_the_mean_of_the_map_over_each_block(gray):
    noisy = np.clip(gray + RNG.normal(0, 9, gray.shape), 0, 255).astype(np.uint8)
    ssim = BlockSsim(gray)
    counts = [[(b - a) * (d - c) for c, d in spans(WIDTH)] for a, b in spans(HEIGHT)]
    mean = (ssim.blocks(noisy) * counts).sum() / np.sum(counts)
    assert ssim.frame(noisy) == pytest.approx(mean, abs=1e-6)


def test_the_volume_filters_across_colours(rgb):
    tinted = rgb.copy()
    tinted[..., 0] = np.clip(tinted[..., 0] + RNG.normal(0, 25, rgb.shape[:2]), 0, 255)
    volume = BlockSsim(rgb, PUBLISHED).blocks(tinted)
    planes = [
        BlockSsim(np.ascontiguousarray(rgb[..., c])).frame(np.ascontiguousarray(tinted[..., c]))
        for c in range(3)
    ]
    assert planes[1:] == [1, 1]  # yet the volume's window finds green and blue distorted too
    assert volume.mean() < np.mean(planes) - 0.05


def test_identical_pictures_have_ssim_of_exactly_1(rgb, gray):
    assert (BlockSsim(gray).blocks(gray) == 1).all()
    black = np.zeros_like(gray)
    assert (BlockSsim(black).blocks(black) == 1).all()
    np.testing.assert_allclose(BlockSsim(rgb, PUBLISHED).blocks(rgb), 1, atol=1e-12)
    with pytest.raises(UserError, match="another size"):
        BlockSsim(gray).blocks(gray[:-2])


@pytest.mark.parametrize("option", [{"form": "sane"}, {"highest_offset": -1}, {"picture": "rgb"}])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        BlockMappingOptions(**option)


def test_stage_1_of_a_1080p_pair_takes_less_than_a_second():
    first, second, coded = RNG.integers(0, 255, (3, 1080, 1920), dtype=np.uint8)
    begin = time.process_time()
    activity = clip_activity([first, second])[1]
    ssim = BlockSsim(second).blocks(coded)
    assert time.process_time() - begin < 1
    assert activity.spi.shape == activity.tpi.shape == ssim.shape == (17, 30)
