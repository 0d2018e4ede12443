"""Quality degradation and the mapping of a video's JND to its blocks, against slow loops."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from jndlab.errors import UserError
from jndlab.jnd.block.activity import FrameActivity, clip_activity
from jndlab.jnd.block.jnd_mapping import (
    block_jnd_of_frames,
    candidate_qps,
    map_video_jnd,
    perceptual_information,
    quality_degradation,
)
from jndlab.jnd.block.mapping_options import SMALLEST_NSC, BlockMappingOptions
from jndlab.jnd.block.pictures import rgb2gray
from jndlab.jnd.block.ssim import BlockSsim

CORRECTED, PUBLISHED = BlockMappingOptions(), BlockMappingOptions(form="published")
VIDEO_JND = (28, 31, 33)
RNG = np.random.default_rng(5)


def activity_of(spi, tpi) -> FrameActivity:
    return FrameActivity(np.array(spi, float), np.array(tpi, float), 1.0, 1.0)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    astronaut = data.astronaut()
    return [np.ascontiguousarray(astronaut[y : y + 200, y : y + 300]) for y in (100, 102)]


@pytest.fixture(scope="module")
def coded(pictures) -> dict[int, np.ndarray]:
    """The second picture, worse with each QP: JPEG of falling quality stands for the codec."""
    result = {}
    for qp in candidate_qps(VIDEO_JND):
        quality = [cv2.IMWRITE_JPEG_QUALITY, 100 - 2 * qp]
        ok, stream = cv2.imencode(".jpg", pictures[1][..., ::-1], quality)
        assert ok
        result[qp] = np.ascontiguousarray(cv2.imdecode(stream, cv2.IMREAD_COLOR)[..., ::-1])
    return result


def test_information_and_degradation_by_hand():
    activity = activity_of([[10, 30, 50]], [[0, 4, 2]])
    information = perceptual_information(activity)
    np.testing.assert_allclose(information, [[0, 2, 0.5]])
    np.testing.assert_allclose(
        quality_degradation(information, np.array([[0.9, 0.9, 0.8]])),
        [[0.1 * 0.1, 8.1 * 0.1, 2.1 * 0.2]],
    )


def test_smooth_moving_blocks_have_the_most_information():
    activity = activity_of([[10, 10.1, 50, 50]], [[4, 0, 4, 0]])
    information = perceptual_information(activity)
    assert information.argmax() == 0 and information[0, 0] == pytest.approx(1 / SMALLEST_NSC)
    assert information[0, 1] == information[0, 3] == 0


def test_division_by_zero_guarded_and_as_published():
    activity = activity_of([[0, 0, 5]], [[3, 0, 1]])  # static letterbox: SPI and TPI 0
    assert np.isfinite(perceptual_information(activity)).all()
    published = perceptual_information(activity, PUBLISHED)
    assert math.isinf(published[0, 0]) and math.isnan(published[0, 1])
    assert np.isfinite(published[0, 2])
    pqd = quality_degradation(published, np.array([[1, 1, 0.9]]), PUBLISHED)
    assert np.isnan(pqd[0, :2]).all()


@pytest.mark.parametrize("spi", [[[7, 7]], [[0, 0]]])
def test_frames_of_equal_blocks_and_stills(spi):
    assert (perceptual_information(activity_of(spi, [[2, 2]])) == 0).all()
    assert np.isnan(perceptual_information(activity_of(spi, [[2, 2]]), PUBLISHED)).all()
    still = activity_of([[1, 2]], [[0, 0]])
    np.testing.assert_allclose(
        quality_degradation(perceptual_information(still), np.array([[0.5, 0.9]])), [[0.05, 0.01]]
    )


def slow_mapping(pqd_of, reference_of, video_jnd):
    rows, columns = next(iter(pqd_of.values())).shape
    result = np.zeros((rows, columns, len(video_jnd)), int)
    for level, jnd in enumerate(video_jnd):
        for i in range(rows):
            for j in range(columns):
                chosen = jnd
                for qp in range(jnd, jnd + 6):
                    if pqd_of[qp][i, j] <= reference_of[jnd]:
                        chosen = qp
                result[i, j, level] = chosen
    return result


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 40), min_size=1, max_size=3))
def test_mapping_equals_a_slow_loop_and_stays_in_its_window(seed, video_jnd):
    rng = np.random.default_rng(seed)
    pqd_of = {qp: rng.exponential(1, (2, 3)) for qp in candidate_qps(video_jnd)}
    pqd_of[video_jnd[0]][0, :2] = np.nan, np.inf
    reference_of = {jnd: float(rng.exponential(1)) for jnd in video_jnd}
    found = map_video_jnd(pqd_of, reference_of, video_jnd)
    assert np.array_equal(found, slow_mapping(pqd_of, reference_of, video_jnd))
    offsets = found - np.array(video_jnd)
    assert found.dtype == np.int16 and offsets.min() >= 0 and offsets.max() <= 5


def test_a_worse_block_never_has_a_higher_jnd():
    growing = np.cumsum(RNG.exponential(1, (9, 1, 40)), axis=0)
    pqd_of = {28 + i: plane for i, plane in enumerate(growing)}
    worse = {qp: plane * 1.5 for qp, plane in pqd_of.items()}
    reference = {28: 3.0}
    better_jnd = map_video_jnd(pqd_of, reference, [28])
    assert (map_video_jnd(worse, reference, [28]) <= better_jnd).all()
    assert len(np.unique(better_jnd)) > 3


def test_missing_candidates_are_named():
    assert candidate_qps((28, 31)) == list(range(28, 37))
    assert candidate_qps((28,), BlockMappingOptions(highest_offset=0)) == [28]
    planes = {qp: np.zeros((1, 1)) for qp in (28, 29, 31, 32)}
    with pytest.raises(UserError, match="no picture at QP 30, 33"):
        map_video_jnd(planes, {28: 1.0}, [28])


@pytest.mark.parametrize("options", [CORRECTED, PUBLISHED], ids=["corrected", "published"])
def test_stage_1_as_a_whole_equals_its_parts(pictures, coded, options):
    labels = block_jnd_of_frames(pictures, [{}, coded], VIDEO_JND, options)
    assert labels.shape == (1, 4, 5, 3)
    volume = options.published
    activity = clip_activity([rgb2gray(picture) for picture in pictures], options)[1]
    information = perceptual_information(activity, options)
    ssim = BlockSsim(pictures[1] if volume else rgb2gray(pictures[1]), options)
    pqd_of, reference_of = {}, {}
    for qp, picture in coded.items():
        similarity = ssim.blocks(picture if volume else rgb2gray(picture))
        pqd_of[qp] = (4 * information + 0.1) * (1 - similarity)
        finite = pqd_of[qp][np.isfinite(pqd_of[qp])]
        reference_of[qp] = finite.mean()
    assert np.array_equal(labels[0], slow_mapping(pqd_of, reference_of, VIDEO_JND))
    offsets = labels[0] - np.array(VIDEO_JND)
    assert (offsets == 0).any() and (offsets == 5).any()


@pytest.mark.parametrize("reference", ["block_mean", "block_median", "frame"])
def test_moving_blocks_keep_the_video_jnd(pictures, coded, reference):
    options = BlockMappingOptions(reference=reference)
    labels = block_jnd_of_frames(pictures, [{}, coded], VIDEO_JND, options)[0]
    gray = [rgb2gray(picture) for picture in pictures]
    information = perceptual_information(clip_activity(gray)[1])
    kept = labels[..., 0] == VIDEO_JND[0]
    assert information[kept].mean() > information[~kept].mean()


def test_a_clip_of_one_frame_and_static_letterbox(coded, pictures):
    still = block_jnd_of_frames(pictures[1:], [coded], VIDEO_JND)
    assert still.shape == (1, 4, 5, 3)
    frames, worse = [p.copy() for p in pictures], {qp: p.copy() for qp, p in coded.items()}
    for picture in (*frames, *worse.values()):
        picture[:70] = 0
    labels = block_jnd_of_frames(frames, [{}, worse], VIDEO_JND)
    assert (labels[0, 0] == np.array(VIDEO_JND) + 5).all()  # black bars show no distortion
    published = block_jnd_of_frames(frames, [{}, worse], VIDEO_JND, PUBLISHED)
    assert (published[0, 0] == np.array(VIDEO_JND)).all()  # 0 / 0 exceeds any reference


def test_no_distorted_frame_is_an_error(pictures):
    with pytest.raises(UserError, match="no frame has distorted versions"):
        block_jnd_of_frames(pictures, [{}, {}], VIDEO_JND)
