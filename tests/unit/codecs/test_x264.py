"""x264: the same bytes again, the stated QP in every picture, no comment in the stream."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from codec_clips import cut_clip, decoded_qps, job
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


ROWS, COLUMNS = 3, 4  # blocks of 200x136: the last row and column are 8 samples
CHECKERS = np.indices((ROWS, COLUMNS)).sum(axis=0) % 2 == 0


@pytest.fixture(scope="module")
def textured(tmp_path_factory):
    """A clip in which every macroblock has something to code: noise on a real clip."""
    folder = tmp_path_factory.mktemp("clip")
    clip = cut_clip(folder / "plain.mkv", 200, 136, 4)
    ffmpeg.run(["-i", str(folder / "plain.mkv"), "-vf", "noise=c0_strength=40:c0_flags=t:c0_seed=1",
                "-c:v", "ffv1", "-level", "3", str(folder / "noisy.mkv")])  # fmt: skip
    return folder / "noisy.mkv", clip


def mapped(source, stream, configuration, maps, qp=22):
    path = stream.with_suffix(".npz")
    np.savez(path, qp=np.asarray(maps), block_size=64)
    asked = replace(job(*source, stream, configuration, qp), qp_map=path)
    return CODEC.encode(asked)


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_a_map_of_one_qp_codes_that_qp(textured, tmp_path, configuration):
    plain = CODEC.encode(job(*textured, tmp_path / "plain.264", configuration, 33))
    maps = np.full((4, ROWS, COLUMNS), 33)
    result = mapped(textured, tmp_path / "mapped.264", configuration, maps)
    same = sha256_of(tmp_path / "plain.264") == sha256_of(tmp_path / "mapped.264")
    if configuration == "AI":
        assert same
    # In P pictures x264 chooses among equally good modes otherwise with a rate factor.
    assert sum(result.bits_per_frame) == pytest.approx(sum(plain.bits_per_frame), rel=0.02)
    assert (decoded_qps(tmp_path / "mapped.264", textured[1]) == 33).all()


@pytest.mark.parametrize("configuration, types", [("AI", "IIII"), ("LDP", "IPPP")])
def test_every_macroblock_has_the_qp_of_its_block_and_frame(
    textured, tmp_path, configuration, types
):
    rng = np.random.default_rng(0)
    maps = 2 * rng.integers(8, 16, (4, ROWS, COLUMNS))  # steps of two, from 16 to 30
    maps[2] = maps[1]
    result = mapped(textured, tmp_path / "a.264", configuration, maps)
    assert "".join(result.slice_types) == types
    assert str(tmp_path / "a.npz") in result.command
    wide = maps.repeat(4, axis=1).repeat(4, axis=2)[:, :9, :13]
    assert (decoded_qps(tmp_path / "a.264", textured[1]) == wide).all()
    # Steps of one: x264 keeps the QP of the macroblock before.
    maps = 20 + rng.integers(0, 8, (4, ROWS, COLUMNS))
    mapped(textured, tmp_path / "b.264", configuration, maps)
    wide = maps.repeat(4, axis=1).repeat(4, axis=2)[:, :9, :13]
    assert np.abs(decoded_qps(tmp_path / "b.264", textured[1]) - wide).max() == 1


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_the_decoded_error_follows_the_map(textured, tmp_path, configuration):
    """Two opposite checkerboards: each block has the smaller error where its QP is the lower."""
    errors = {}
    for name, low, high in (("a", 22, 36), ("b", 36, 22)):
        maps = np.where(CHECKERS, low, high) + np.zeros((4, 1, 1), int)
        mapped(textured, tmp_path / f"{name}.264", configuration, maps)
        pairs = zip(
            read_clip(*textured), read_clip(tmp_path / f"{name}.264", textured[1]), strict=True
        )
        squares = np.stack([(a.y.astype(float) - b.y) ** 2 for a, b in pairs])
        rows = np.add.reduceat(squares, range(0, 136, 64), axis=1)
        errors[name] = np.add.reduceat(rows, range(0, 200, 64), axis=2)
    fine = np.where(CHECKERS, errors["a"], errors["b"])
    coarse = np.where(CHECKERS, errors["b"], errors["a"])
    assert (coarse > 2 * fine).all()


def test_a_map_of_another_clip_is_refused(textured, tmp_path):
    with pytest.raises(UserError, match="does not fit its clip"):
        mapped(textured, tmp_path / "a.264", "AI", np.full((4, 1, 1), 30))


def test_a_recipe_after_an_encode_calls_no_program(source, tmp_path, monkeypatch):
    monkeypatch.setattr(ffmpeg, "_BANNERS", {})
    CODEC.encode(job(*source, tmp_path / "qp40.264", "AI", 40))
    monkeypatch.setattr(ffmpeg, "run_tool", None)
    assert CODEC.recipe("AI", 40)["ffmpeg_version"] == ffmpeg.ffmpeg_version()
