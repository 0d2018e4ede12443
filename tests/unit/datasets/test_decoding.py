"""Sources and data sets' streams: sound 4:2:0 pictures of one size, format and rate, or a reason.

The kinds of file are made with FFmpeg; that no good file is refused is tried on real streams.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from jndlab.datasets.pictures.clip_frames import read_frames
from jndlab.datasets.prepare import prepare_sequence
from jndlab.datasets.sequences import Sequence
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, read_clip
from jndlab.media.decoding import StoredFormat, count_pictures, decode
from jndlab.media.ffmpeg import run

WIDTH, HEIGHT, FRAMES = 64, 48, 12


def make(path: Path, *options: str, size: str = f"{WIDTH}x{HEIGHT}", rate: int = 25) -> Path:
    run(["-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}",
         "-frames:v", str(FRAMES), *options, str(path)])  # fmt: skip
    return path


def prepared(source: Path, bit_depth: int = 8, fps: Fraction = Fraction(25)) -> ClipFormat:
    row = Sequence("own", "Own", "D", WIDTH, HEIGHT, fps, FRAMES, bit_depth, source.name, "own",
                   "demo")  # fmt: skip
    clip = row.clip()
    prepare_sequence(row, clip, source.parent, source.parent / "out.mkv", source.parent)
    return clip


def joined(target: Path, *parts: Path) -> Path:
    target.write_bytes(b"".join(part.read_bytes() for part in parts))
    return target


@pytest.mark.parametrize("bit_depth, pix_fmt", [(8, "yuv420p"), (10, "yuv420p10le")])
@pytest.mark.parametrize("container", ["mkv", "nut", "avi"])
def test_420_of_8_and_10_bit_keeps_its_samples(tmp_path, bit_depth, pix_fmt, container):
    source = make(tmp_path / f"in.{container}", "-pix_fmt", pix_fmt, "-c:v", "ffv1")
    clip = prepared(source, bit_depth)
    for frame, ours in zip(read_clip(source, clip), read_clip(tmp_path / "out.mkv", clip),
                           strict=True):  # fmt: skip
        assert all(np.array_equal(a, b) for a, b in zip(frame, ours, strict=True))


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize(
    "pix_fmt, codec",
    [
        ("yuv410p", "ffv1"),
        ("yuv411p", "ffv1"),
        ("yuv422p", "ffv1"),
        ("yuv440p", "ffv1"),
        ("yuv444p", "ffv1"),
        ("yuva420p", "ffv1"),
        ("gray", "ffv1"),
        ("gray10le", "ffv1"),
        ("nv12", "rawvideo"),
        ("yuyv422", "rawvideo"),
        ("rgb24", "rawvideo"),
        ("gbrp10le", "ffv1"),
        ("yuv420p9le", "ffv1"),
        ("yuv422p10le", "ffv1"),
        ("yuv420p12le", "ffv1"),
        ("yuv420p14le", "ffv1"),
        ("yuv420p16le", "ffv1"),
    ],
)
def test_any_other_sample_format_is_named_and_refused(tmp_path, pix_fmt, codec, bit_depth):
    source = make(tmp_path / "in.nut", "-pix_fmt", pix_fmt, "-c:v", codec)
    with pytest.raises(UserError, match=f"4:2:0 .*, {pix_fmt}") as caught:
        prepared(source, bit_depth)
    assert "in.nut" in caught.value.where and not (tmp_path / "out.mkv").exists()


def test_a_depth_is_not_taken_for_the_other(tmp_path):
    with pytest.raises(UserError, match=r"10 bit, .* found 64x48, yuv420p\n"):
        prepared(make(tmp_path / "8.mkv", "-pix_fmt", "yuv420p", "-c:v", "ffv1"), 10)
    with pytest.raises(UserError, match=r"8 bit, .* found 64x48, yuv420p10le"):
        prepared(make(tmp_path / "10.mkv", "-pix_fmt", "yuv420p10le", "-c:v", "ffv1"), 8)


@pytest.mark.parametrize(
    "name, options",
    [
        ("j.avi", ("-pix_fmt", "yuvj420p", "-c:v", "mjpeg")),
        ("h.mkv", ("-vf", "scale=out_range=full,format=yuv420p", "-c:v", "libx264")),
        ("y.y4m", ("-vf", "scale=out_range=full,format=yuv420p")),
    ],
)
def test_full_range_is_refused(tmp_path, name, options):
    with pytest.raises(UserError, match="full range"):
        prepared(make(tmp_path / name, *options))


@pytest.mark.parametrize(
    "name, options, order",
    [
        ("t.mkv", ("-vf", "setfield=tff", "-c:v", "ffv1"), "top"),
        ("b.mp4", ("-vf", "setfield=bff,format=yuv420p", "-flags", "+ildct", "-c:v", "libx264"),
         "bottom"),
        ("i.y4m", ("-vf", "setfield=tff,format=yuv420p"), "top"),
    ],
)  # fmt: skip
def test_an_interlaced_source_is_refused(tmp_path, name, options, order):
    source = make(tmp_path / name, "-pix_fmt", "yuv420p", *options)
    with pytest.raises(UserError, match=rf"interlaced(.|\n)*{order} field first") as caught:
        prepared(source)
    assert "bwdif" in caught.value.remedy


def damaged(path: Path) -> Path:
    """``path`` with a hundred bytes of its second half inverted."""
    data = bytearray(path.read_bytes())
    start = len(data) * 7 // 10
    data[start : start + 100] = bytes(byte ^ 0xFF for byte in data[start : start + 100])
    target = path.with_stem("damaged")
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("name, options", [
    ("a.mkv", ("-c:v", "ffv1", "-level", "3")),
    ("a.avi", ("-c:v", "ffv1", "-level", "3")),
    ("a.mp4", ("-c:v", "libx264")),
    ("a.hevc", ("-c:v", "libx265", "-x265-params", "hash=1:log-level=none")),
])  # fmt: skip
def test_concealed_damage_is_refused_in_sources_and_streams(tmp_path, name, options):
    sound = make(tmp_path / name, "-pix_fmt", "yuv420p", *options)
    broken = damaged(sound)
    prepared(sound)
    for read in (
        prepared,
        lambda path: list(read_frames(path, (WIDTH, HEIGHT), range(FRAMES))),
        lambda path: list(read_clip(path, ClipFormat(WIDTH, HEIGHT, Fraction(25), FRAMES))),
    ):
        with pytest.raises(UserError, match=r"without errors|cannot read"):
            read(broken)


def test_a_file_cut_short_is_refused(tmp_path):
    whole = make(tmp_path / "whole.mkv", "-pix_fmt", "yuv420p", "-c:v", "ffv1").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 3 // 5])
    with pytest.raises(UserError, match=r"without errors|too short"):
        prepared(tmp_path / "cut.mkv")


@pytest.mark.parametrize("other, what", [
    ({"size": "48x64"}, "picture 12(.|\n)*48x64"),
    ({"pix_fmt": "yuv420p10le"}, "picture 12(.|\n)*yuv420p10le"),
    ({"rate": 50}, "frame rate"),
    ({"rate": 24}, "frame rate"),
])  # fmt: skip
def test_a_change_within_a_stream_is_refused(tmp_path, other, what):
    parts = []
    for name, given in (("a.264", {}), ("b.264", dict(other))):
        pix_fmt = given.pop("pix_fmt", "yuv420p")
        parts.append(make(tmp_path / name, "-pix_fmt", pix_fmt, "-c:v", "libx264", **given))
    whole = joined(tmp_path / "ab.264", *parts)
    with pytest.raises(UserError, match=what):
        list(read_frames(whole, (WIDTH, HEIGHT), range(FRAMES + 1)))
    # What lies beyond the last picture that is used is not looked at.
    assert len(list(read_frames(whole, (WIDTH, HEIGHT), range(4)))) == 4


@pytest.mark.parametrize("container", ["mkv", "mp4", "y4m"])
def test_a_rate_that_is_not_the_sheets_is_refused(tmp_path, container):
    source = make(tmp_path / f"a.{container}", "-pix_fmt", "yuv420p")
    prepared(source)
    with pytest.raises(UserError, match=r"frame rate(.|\n)*30 pictures per second(.|\n)*25/1"):
        prepared(source, fps=Fraction(30))


def test_a_variable_rate_is_refused(tmp_path):
    source = make(tmp_path / "vfr.mkv", "-vf", "setpts='(N+gte(N,6)*3*(N-6))/25/TB'", "-fps_mode",
                  "passthrough", "-pix_fmt", "yuv420p", "-c:v", "ffv1")  # fmt: skip
    with pytest.raises(UserError, match="frame rate"):
        prepared(source)
    with pytest.raises(UserError, match="frame rate"):
        list(read_frames(source, (WIDTH, HEIGHT), range(FRAMES)))


def test_a_rate_that_milliseconds_cannot_hold_is_constant(tmp_path):
    source = make(tmp_path / "a.mkv", "-r", "30000/1001", "-pix_fmt", "yuv420p", "-c:v", "ffv1")
    prepared(source, fps=Fraction(30000, 1001))


@pytest.mark.parametrize("suffix", ["YUV", "Yuv"])
def test_a_raw_file_may_be_named_in_capitals(tmp_path, suffix):
    data = bytes(range(256)) * (WIDTH * HEIGHT * 3 // 2 * FRAMES // 256)
    (tmp_path / f"RAW.{suffix}").write_bytes(data)
    prepared(tmp_path / f"RAW.{suffix}")


def test_a_source_opens_no_other_file(tmp_path):
    make(tmp_path / "secret.mkv", "-pix_fmt", "yuv420p", "-c:v", "ffv1")
    (tmp_path / "list.mp4").write_text(
        f"ffconcat version 1.0\nfile 'http://localhost:9/x'\nfile '{tmp_path}/secret.mkv'\n"
    )
    with pytest.raises(UserError, match="no video"):
        prepared(tmp_path / "list.mp4")


def test_real_good_streams_are_read_as_before(shared_data):
    """Streams by other encoders: decoded as FFmpeg decodes them when it may conceal."""
    video = shared_data / "video"
    files = {
        video / "openh264/CVPCMNL1_SVA_C.264": (352, 288, 8, None),
        video / "openh264/test_cif_I_CABAC_slice.264": (352, 288, 8, None),
        video / "vmaf_resource/park_joy_420_720p50_frm0to9_480x270.y4m": (480, 270, 8, 50),
        video / "vtm14_bitstreams/BasketballPass_RA_37.266": (416, 240, 10, None),
        shared_data / "vtm11/BasketballPass_LDP_QP37.266": (416, 240, 10, None),
        shared_data / "hevc_ctc_streams/ISP_A_HHI_3.bit": (416, 240, 10, None),
        shared_data / "hevc_ctc_streams/BQSquare_416x240_60_ai.avs2": (416, 240, 8, 60),
    }
    for path, (width, height, depth, fps) in files.items():
        stored = StoredFormat(width, height, depth, fps and Fraction(fps))
        few = ["-frames:v", "6"]
        loose = run(["-v", "error", "-i", str(path), *few, "-f", "rawvideo", "-"]).stdout
        strict = decode(path, stored, options=few)
        assert hashlib.sha256(strict).digest() == hashlib.sha256(loose).digest(), path
        assert count_pictures(path)[0] == (width, height)
