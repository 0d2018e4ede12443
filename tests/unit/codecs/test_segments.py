"""Encodes in segments: joined, they are the encode of the whole clip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec_clips import cut_clip, job
from jndlab.codecs import codec_class, get_codec
from jndlab.codecs.bitstream import decoded_md5, read_stream
from jndlab.codecs.segments import cut_segment, join_segments, segment_lengths
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, read_clip


@given(st.integers(1, 600), st.integers(1, 700))
def test_segments_cover_the_clip(frames, length):
    lengths = segment_lengths(frames, length)
    assert sum(lengths) == frames
    assert all(count == length for count in lengths[:-1]) and 1 <= lengths[-1] <= length


def test_segments_hold_the_frames_of_the_clip(tmp_path):
    clip = cut_clip(tmp_path / "clip.mkv", 96, 64, 5)
    whole = list(read_clip(tmp_path / "clip.mkv", clip))
    found = []
    for index in range(3):
        segment = tmp_path / f"{index}.mkv"
        found += read_clip(segment, cut_segment(tmp_path / "clip.mkv", clip, 2, index, segment))
    assert len(found) == 5
    for one, other in zip(whole, found, strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))


def encode_in_segments(spec, folder, qp=30):
    """The clip coded whole and in segments of two frames; returns both streams and the format."""
    clip = cut_clip(folder / "clip.mkv", 160, 96, 5)
    codec = get_codec(spec)
    whole = folder / f"whole.{codec.suffix}"
    codec.encode(job(folder / "clip.mkv", clip, whole, qp=qp))
    parts = []
    for index in range(3):
        segment = folder / f"segment{index}.mkv"
        of_segment = cut_segment(folder / "clip.mkv", clip, 2, index, segment)
        parts.append(folder / f"{index}.{codec.suffix}")
        codec.encode(job(segment, of_segment, parts[-1], qp=qp))
    return whole, parts, clip


@pytest.mark.parametrize("adapter", ["x264", "x265", "kvazaar"])
def test_joined_stream_has_the_pictures_of_the_whole_clip(adapter, tmp_path):
    spec = {"adapter": adapter, "preset": "ultrafast"}
    assert codec_class(spec).independent_intra
    whole, parts, clip = encode_in_segments(spec, tmp_path)
    joined = tmp_path / f"joined{whole.suffix}"
    repeats = codec_class(spec).repeats_headers
    metadata = join_segments(parts, clip, joined, repeats_headers=repeats)
    assert decoded_md5(joined) == decoded_md5(whole)
    whole_bits = read_stream(whole).bits_per_frame
    for number, (bits, alone) in enumerate(zip(metadata.bits_per_frame, whole_bits, strict=True)):
        # The first picture of a segment may have a header of one byte more or less.
        assert abs(bits - alone) <= (8 if number in (2, 4) else 0)


def test_vvenc_is_rightly_left_out(tmp_path):
    spec = {"adapter": "vvenc", "preset": "faster"}
    assert not codec_class(spec).independent_intra
    whole, parts, clip = encode_in_segments(spec, tmp_path)
    joined = tmp_path / "joined.266"
    join_segments(parts, clip, joined, repeats_headers=True)
    assert decoded_md5(joined) != decoded_md5(whole)


def test_streams_of_vtm_join(shared_data, tmp_path):
    """A stream of VTM-11.0 joined to itself decodes to its pictures twice over."""
    stream = shared_data / "vtm11/BasketballPass_AI_QP37.266"
    alone = read_stream(stream)
    clip = ClipFormat(alone.width, alone.height, fps=50, frames=2 * alone.frames)
    joined = tmp_path / "joined.266"
    metadata = join_segments([stream, stream], clip, joined, repeats_headers=True)
    first, second = metadata.bits_per_frame[: alone.frames], metadata.bits_per_frame[alone.frames :]
    assert first == alone.bits_per_frame
    assert first == second == alone.bits_per_frame
    twice = tmp_path / "twice.266"
    twice.write_bytes(stream.read_bytes() * 2)
    assert decoded_md5(joined) == decoded_md5(twice)


def test_segments_of_different_encodes_do_not_join(tmp_path):
    small, large = (tmp_path / f"{width}.mkv" for width in (96, 128))
    parts = []
    for source, width in ((small, 96), (large, 128)):
        clip = cut_clip(source, width, 64, 1)
        parts.append(source.with_suffix(".265"))
        get_codec({"adapter": "kvazaar", "preset": "ultrafast"}).encode(
            job(source, clip, parts[-1])
        )
    with pytest.raises(UserError, match="other parameter sets"):
        join_segments(parts, clip, tmp_path / "joined.265", repeats_headers=False)
    assert not (tmp_path / "joined.265").exists()
