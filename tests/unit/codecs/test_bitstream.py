"""Facts read from streams: against VTM's own logs where the data is there, and on damaged ones."""

from __future__ import annotations

import pytest

from codec_clips import cut_clip, job
from jndlab.codecs import get_codec
from jndlab.codecs.bitstream import checked_stream, decoded_md5, read_stream
from jndlab.codecs.vtm import parse_log
from jndlab.errors import UserError
from jndlab.media.ffmpeg import ToolError

POINTS = [(configuration, qp) for configuration in ("AI", "LDP") for qp in (22, 27, 32, 37)]


@pytest.fixture(scope="module", params=["vvenc", "x265", "x264", "kvazaar"])
def encoded(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream")
    clip = cut_clip(folder / "bikes.mkv", 80, 48, 4)
    preset = "faster" if request.param == "vvenc" else "medium"
    codec = get_codec({"adapter": request.param, "preset": preset})
    stream = folder / f"qp27.{codec.suffix}"
    result = codec.encode(job(folder / "bikes.mkv", clip, stream, "LDP", 27))
    return stream, clip, result.bits_per_frame


def damaged(encoded, tmp_path, change):
    stream, clip, bits = encoded
    path = tmp_path / stream.name
    path.write_bytes(change(stream.read_bytes(), bits))
    return path, clip, bits


def test_metadata_of_a_whole_stream(encoded):
    stream, clip, bits = encoded
    metadata = read_stream(stream)
    assert (metadata.width, metadata.height, metadata.frames) == (clip.width, clip.height, 4)
    assert metadata.bits_per_frame == bits and sum(bits) == 8 * stream.stat().st_size
    assert metadata.slice_types == ["I", "P", "P", "P"]
    assert checked_stream(stream, clip, "LDP", bits) == metadata


@pytest.mark.parametrize(
    "change",
    [
        lambda data, bits: data[:-1],
        lambda data, bits: data[: -bits[-1] // 16],  # half of the last picture
        lambda data, bits: data[: -bits[-1] // 8],  # all of it
        lambda data, bits: data + b"\0" * 40,
        lambda data, bits: data + b"tail",
        lambda data, bits: data + data[: bits[0] // 8],  # one picture more
        lambda data, bits: data[bits[0] // 8 :],  # the first one gone
        lambda data, bits: b"",
        lambda data, bits: b"no stream at all" * 10,
    ],
)
def test_a_stream_that_is_not_what_was_written_is_an_error(encoded, tmp_path, change):
    path, clip, bits = damaged(encoded, tmp_path, change)
    with pytest.raises(UserError):
        checked_stream(path, clip, "LDP", bits)


def test_decoding_fails_where_half_of_the_last_vvc_picture_is_gone(encoded, tmp_path):
    """A decoder notices some cuts only: hence the check against the encoder's own sizes."""
    path, _, _ = damaged(encoded, tmp_path, lambda data, bits: data[: -bits[-1] // 16])
    if path.suffix == ".266":
        with pytest.raises(ToolError):
            decoded_md5(path)


def test_other_slice_types_than_the_configuration_has_are_an_error(encoded):
    stream, clip, bits = encoded
    with pytest.raises(UserError, match="IIII, found IPPP"):
        checked_stream(stream, clip, "AI", bits)


def test_only_streams_are_read(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"x")
    with pytest.raises(UserError, match=r"expected: \.266 or \.265"):
        read_stream(path)


@pytest.mark.parametrize("configuration, qp", POINTS)
def test_bits_slices_and_pictures_of_real_vtm_streams(shared_data, configuration, qp):
    stream = shared_data / "vtm11" / f"BasketballPass_{configuration}_QP{qp}.266"
    log = parse_log(stream.with_suffix(".log").read_text())
    metadata = read_stream(stream)
    assert (metadata.width, metadata.height) == (416, 240)
    assert metadata.bits_per_frame == [picture.bits for picture in log.pictures]
    assert metadata.slice_types == [picture.slice_type for picture in log.pictures]
    sums = (shared_data / "vtm11" / "decoded_10bit.md5").read_text().split()
    assert decoded_md5(stream) == sums[sums.index(stream.name) - 1]
