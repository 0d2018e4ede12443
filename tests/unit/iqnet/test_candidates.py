"""IQNet's candidates: filtered, coded and decoded one by one; kept whole and always alike."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndlab.codecs import EncodeJob, get_codec
from jndlab.datasets.pictures.crops import list_crops, load_crop
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.jnd.erjnd import IqnetFilter
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_clip, write_y4m
from jndlab.papers.iqnet.candidates import (
    CandidateOptions,
    batch_of,
    make_candidates,
    read_candidates,
    write_candidates,
)
from jndlab.papers.iqnet.config import TrainingData

FILTER = {"weighting": "xiang2016", "minor_edges": False}
OPTIONS = CandidateOptions(alphas=[0.3, 1.0], filter_options=FILTER)
VVENC = {"adapter": "vvenc", "preset": "faster"}


@pytest.fixture(scope="module")
def picture():
    (chosen,) = list_crops("packaged", crop=(128, 80), limit=1)
    return load_crop(chosen)


@pytest.fixture(scope="module")
def made(picture, tmp_path_factory):
    folder = tmp_path_factory.mktemp("candidates")
    return make_candidates("astronaut", picture, OPTIONS, get_codec(VVENC), folder)


def test_shapes_and_filters(made, picture):
    assert made.prefiltered.shape == (2, 80, 128) and made.prefiltered.dtype == np.uint8
    assert made.decoded.y.shape == (3, 80, 128) and made.decoded.y.dtype == np.uint16
    assert made.decoded.u.shape == made.decoded.v.shape == (3, 40, 64)
    assert (made.source == picture.y).all()
    for luma, alpha in zip(made.prefiltered, OPTIONS.alphas, strict=True):
        expected = IqnetFilter(alpha=alpha, **FILTER).filter_luma(picture.y, 8)
        assert (luma == expected).all() and (luma != picture.y).any()


def test_each_candidate_has_the_bits_and_samples_of_its_own_stream(made, picture, tmp_path):
    clip = ClipFormat(128, 80, Fraction(25), 1)
    for place, luma in enumerate([picture.y, *made.prefiltered]):
        write_clip(tmp_path / "a.mkv", [picture._replace(y=luma)], clip)
        job = EncodeJob(tmp_path / "a.mkv", clip, "AI", 27, tmp_path / "a.266", tmp_path)
        get_codec(VVENC).encode(job)
        assert 8 * job.stream.stat().st_size == made.bits[place]
        (frame,) = read_clip(job.stream, ClipFormat(128, 80, Fraction(25), 1, 10))
        for found, expected in zip(made.decoded, frame, strict=True):
            assert (found[place] == expected).all()
    assert made.bits[2] < made.bits[1] < made.bits[0]  # filtering saves bits
    error = np.abs(made.decoded.y[0] / 4 - picture.y).mean()
    assert 0.2 < error < 5  # the decode is of this picture, on the scale of 8 bit


@pytest.mark.parametrize(
    "codec",
    [
        VVENC,
        {"adapter": "x265", "preset": "ultrafast"},
        {"adapter": "x264", "preset": "ultrafast"},
        {"adapter": "svtav1", "preset": 12},
    ],
)
def test_a_raw_source_gives_the_bytes_of_a_lossless_file(codec, picture, tmp_path):
    codec, streams = get_codec(codec), []
    clip = ClipFormat(128, 80, Fraction(25), 1)
    write_clip(tmp_path / "a.mkv", [picture], clip)
    write_y4m(tmp_path / "a.y4m", picture, clip)
    for source in (tmp_path / "a.mkv", tmp_path / "a.y4m"):
        job = EncodeJob(source, clip, "AI", 27, tmp_path / f"a.{codec.suffix}", tmp_path)
        codec.encode(job)
        streams.append(job.stream.read_bytes())
    assert streams[0] == streams[1]


def test_a_raw_picture_of_10_bit_is_read_as_it_is(picture, tmp_path):
    clip = ClipFormat(128, 80, Fraction(25), 1, 10)
    frame = Frame(*(plane.astype("<u2") * 4 + 3 for plane in picture))
    write_y4m(tmp_path / "a.y4m", frame, clip)
    (found,) = read_clip(tmp_path / "a.y4m", clip)
    assert all(map(np.array_equal, found, frame))


def test_an_8_bit_stream_is_raised(picture, tmp_path):
    codec = get_codec({"adapter": "x265", "preset": "ultrafast"})
    made = make_candidates("a", picture, CandidateOptions([0.5], FILTER), codec, tmp_path)
    assert (made.decoded.y % 4 == 0).all() and made.decoded.y.max() > 255


def test_a_file_of_candidates_is_read_as_written_and_always_the_same(made, tmp_path):
    others = [
        made,
        type(made)("second", made.source[:64], made.prefiltered, made.decoded, made.bits),
    ]
    for name in ("one.npz", "two.npz"):
        write_candidates(tmp_path / name, iter(others))
    assert sha256_of(tmp_path / "one.npz") == sha256_of(tmp_path / "two.npz")
    found = list(read_candidates([tmp_path / "one.npz"]))
    assert [candidates.picture for candidates in found] == ["astronaut", "second"]
    for expected, candidates in zip(others, found, strict=True):
        assert (candidates.source == expected.source).all()
        assert (candidates.prefiltered == expected.prefiltered).all()
        assert all(
            (a == b).all() for a, b in zip(candidates.decoded, expected.decoded, strict=True)
        )
        assert candidates.bits.tolist() == expected.bits.tolist()
    with np.load(tmp_path / "one.npz") as plain:  # numpy alone reads it as well
        assert plain["second/source"].shape == (64, 128)


def test_a_failure_leaves_no_file(made, tmp_path):
    def broken():
        yield made
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_candidates(tmp_path / "part.npz", broken())
    assert not list(tmp_path.iterdir())


def test_a_batch_without_pictures_is_an_empty_file(tmp_path):
    write_candidates(tmp_path / "empty.npz", [])
    assert (tmp_path / "empty.npz").stat().st_size > 0
    assert list(read_candidates([tmp_path / "empty.npz"])) == []


@pytest.mark.parametrize("alphas", [[], [0.3, 0.1], [0.0, 0.1], [0.1, 0.1]])
def test_a_grid_that_does_not_rise_is_refused(alphas):
    with pytest.raises(ValueError, match="alphas"):
        TrainingData(alphas=alphas)


def test_an_option_of_the_filter_that_it_refuses_is_told():
    with pytest.raises(UserError, match="weighting"):
        CandidateOptions([0.1], filter_options={"weighting": "none"}).prefilters()


@given(st.integers(0, 60), st.integers(1, 20))
def test_batches_share_out_all_pictures_in_order_and_evenly(pictures, jobs):
    batches = [batch_of(range(pictures), number, jobs) for number in range(jobs)]
    assert [picture for batch in batches for picture in batch] == list(range(pictures))
    sizes = {len(batch) for batch in batches}
    assert max(sizes) - min(sizes) <= 1
    assert all(a.stop == b.start for a, b in pairwise(batches))
