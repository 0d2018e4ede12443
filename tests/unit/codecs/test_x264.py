"""x264: the same bytes again, the stated QP in every picture, no comment in the stream."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from codec_clips import cut_clip, job
from jndlab.codecs import get_codec
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media import ffmpeg
from jndlab.media.clip import read_clip
from jndlab.quality.full_reference import measure

CODEC = get_codec({"adapter": "x264", "preset": "medium"})
FRAMES = 6


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "bikes.mkv"
    return path, cut_clip(path, 100, 50, FRAMES)  # sizes that are no multiples of a macroblock


@pytest.mark.parametrize("configuration, types", [("AI", "IIIIII"), ("LDP", "IPPPPP")])
def test_the_same_bytes_again_and_with_two_threads(source, tmp_path, configuration, types):
    stream = tmp_path / "qp30.264"
    sums = set()
    for threads in (1, 2):
        result = CODEC.encode(job(*source, stream, configuration, 30, threads=threads))
        sums.add(sha256_of(stream))
        assert "".join(result.slice_types) == types
        assert sum(result.bits_per_frame) == 8 * stream.stat().st_size
    assert len(sums) == 1
    assert re.fullmatch(r"core \d+.*", result.version)
    assert result.version == CODEC.recipe(configuration, 30)["version"]


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_every_picture_is_coded_at_the_stated_qp(source, tmp_path, configuration):
    stream = tmp_path / "qp33.264"
    CODEC.encode(job(*source, stream, configuration, 33))
    trace = ffmpeg.run(["-v", "info", "-i", str(stream), "-c", "copy",
                       "-bsf:v", "trace_headers", "-f", "null", "-"]).stderr  # fmt: skip
    initial = {int(value) for value in re.findall(r"pic_init_qp_minus26\s+[01]+ = (-?\d+)", trace)}
    deltas = [int(value) for value in re.findall(r"slice_qp_delta\s+[01]+ = (-?\d+)", trace)]
    assert {26 + start for start in initial} == {33} and deltas == [0] * FRAMES


def test_x264s_comment_is_not_in_the_stream_and_costs_no_bits(source, tmp_path):
    stream = tmp_path / "qp51.264"
    result = CODEC.encode(job(*source, stream, "LDP", 51))
    assert b"x264" not in stream.read_bytes()
    assert result.bits_per_frame[0] < 8 * 400  # the comment alone has over 500 bytes


def test_lower_qp_costs_more_bits_and_errs_less(source, tmp_path):
    bits, errors = [], []
    for qp in (22, 32, 42):
        stream = tmp_path / f"qp{qp}.264"
        bits.append(sum(CODEC.encode(job(*source, stream, "LDP", qp)).bits_per_frame))
        measured = measure(source[0], stream, source[1], work_dir=tmp_path / "work")
        errors.append(np.mean([frame["mse_y"] for frame in measured.frames]))
    assert bits == sorted(bits, reverse=True) and errors == sorted(errors)
    assert len(set(bits)) == len(set(errors)) == 3


def test_qp_zero_is_lossless(source, tmp_path):
    stream = tmp_path / "qp0.264"
    CODEC.encode(job(*source, stream, "LDP", 0))
    for original, decoded in zip(read_clip(*source), read_clip(stream, source[1]), strict=True):
        assert all((a == b).all() for a, b in zip(original, decoded, strict=True))


def test_what_it_does_not_code(source, tmp_path):
    path, clip = source
    with pytest.raises(UserError, match="codes no clips of 10 bit"):
        ten = replace(job(path, clip, tmp_path / "a.264"), clip=replace(clip, bit_depth=10))
        CODEC.encode(ten)
    with pytest.raises(UserError, match="0 to 51"):
        CODEC.recipe("AI", 52)
    with pytest.raises(UserError, match="expected: 5 frames, found 6"):
        CODEC.encode(job(path, replace(clip, frames=5), tmp_path / "a.264"))
    assert not list(tmp_path.glob("*.264"))
