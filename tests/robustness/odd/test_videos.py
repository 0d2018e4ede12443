"""Videos as people have them: the right samples at the right rate, or one message before a run."""

from __future__ import annotations

import hashlib
import struct
from fractions import Fraction

import pytest

from jndlab.datasets.own_sequences import OwnSequence, own_sequence
from jndlab.datasets.prepare import prepare_sequence
from jndlab.media.clip import ClipFormat
from jndlab.media.ffmpeg import run

WIDTH, HEIGHT, FRAMES = 64, 48, 4
PICTURE = WIDTH * HEIGHT * 3 // 2
SOURCE = ["-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=25:duration=0.16"]
FFV1 = ["-c:v", "ffv1"]
HDR = ["high dynamic range"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast"]

X265 = ["-c:v", "libx265", "-preset", "ultrafast"]
DISPLAY = (
    "log-level=none:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)"
    "L(10000000,1)"
)

# Name of a raw file of 8 pictures of 8 bit 4:2:0: rate, depth and pictures, or the message.
RAW_NAMES = {
    "a_64x48_25.yuv": ["25", 8, 8],
    "a_64x48_25fps.yuv": ["25", 8, 8],
    "a_64x48_25Hz_420.yuv": ["25", 8, 8],
    "A_64X48_25.YUV": ["25", 8, 8],
    "a_64x48_25_8bit.yuv": ["25", 8, 8],
    "a_64x48_120fps_420_8bit_YUV.yuv": ["120", 8, 8],
    "a_64x48_25_10bit.yuv": ["25", 10, 4],
    "a_64x48_25_yuv420p10le.yuv": ["25", 10, 4],
    "a_64x48_25_p10.yuv": ["25", 10, 4],
    "a_64x48_25_10b.yuv": ["25", 10, 4],
    "a_64x48_10bit_25.yuv": ["25", 10, 4],
    "a_64x48_25_12bit.yuv": "12",
    "a_64x48_25_16bit.yuv": "16",
    "a_64x48_25_yuv420p12le.yuv": "12",
    "a_64x48_25_14b.yuv": "14",
    "a_64x48_25_10bit_be.yuv": "be",
    "a_64x48_25_yuv420p10be.yuv": "be",
    "a_64x48_25_444.yuv": "444",
    "a_64x48_25_yuv444p.yuv": "444",
    "a_64x48_25_422.yuv": "422",
    "a_64x48_25_yuv422p10le.yuv": "422",
    "a_64x48_25_411.yuv": "411",
    "a_64x48_25_400.yuv": "400",
    "a_64x48_25_gray.yuv": "gray",
    "a_64x48_25_nv12.yuv": "nv12",
    "a_64x48_25_nv21.yuv": "nv21",
    "a_64x48_25_p010.yuv": "p010",
    "a_64x48_25_rgb24.yuv": "rgb24",
    "a_64x48_25_yuyv.yuv": "yuyv",
    "a_64x48_25_uyvy422.yuv": "uyvy422",
    "a_64x48_29.97.yuv": "29.97",
    "a_64x48_59.94fps.yuv": "59.94",
    "a_64x48_23.976_8bit.yuv": "23.976",
    "a_64x48_30000-1001.yuv": "fps",
    "a_64x48_2997.yuv": "fps",
    "a_64x48.yuv": "fps",
    "a_64x48_25i.yuv": "25i",
    "a_64x48_50i_8bit.yuv": "50i",
    "a_128x96_to_64x48_25.yuv": "64x48",
    "a_64x48_64x48_25.yuv": ["25", 8, 8],
    "a_25fps.yuv": "width",
    "a_1080p_25.yuv": "width",
    "a_cif_25.yuv": "width",
    "a_64x48x3_25.yuv": "width",
    "a_063x48_25.yuv": "4:2:0 size",
    "a_62x48_25.yuv": "whole number",
    "a_64x47_25.yuv": "even",
    "a_16x16_25.yuv": "18x18",
    "a_64x48_00.yuv": "does not state its fps",
    "a_64x48_25_50.yuv": "25 and 50",
    "a_64x48_30_orig_01.yuv": ["30", 8, 8],
    "clip444_64x48_25.yuv": ["25", 8, 8],
    "a_64x48_25_yv12.yuv": "yv12",
    "gravel_64x48_25.yuv": ["25", 8, 8],
    "a_64x48_12.yuv": ["12", 8, 8],
    "a_64x48_25_300frames.yuv": ["25", 8, 8],
    "a_64x48_25_7frames.yuv": ["25", 8, 8],
    "a_64\u00d748_25.yuv": "width",
    "a_\uff16\uff14x48_25.yuv": "width",
    "a 64x48 25.yuv": "fps",
    "64x48_25.yuv": ["25", 8, 8],
}  # fmt: skip
# Keys of an entry for a raw file without a format in its name: pictures, or the message.
RAW_KEYS = {
    "width=64 height=48 fps=25": 8,
    "width=64 height=48 fps=30000/1001": 8,
    "width=64 height=48 fps=25 bit_depth=10": 4,
    "width=64 height=48 fps=25 frames=3": 3,
    "width=64 height=48 fps=25 frames=9": "shorter",
    "width=64 height=48 fps=25 start=7": 1,
    "width=64 height=48 fps=25 start=8": "shorter",
    "width=64 height=48 fps=25 start=100": "shorter",
    "width=48 height=64 fps=25": 8,  # as many samples: no reader can tell
    "width=64 height=50 fps=25": "whole number",
    "width=640 height=480 fps=25": "whole number",
    "width=64 fps=25": "height",
    "width=64 height=48": "fps",
    "width=64 height=48 fps=1000001": "fps",
}
# What FFmpeg makes from the source (options after it), name of the file, and what is expected.
MADE = {
    "good.mkv": (FFV1, 4),
    "good.mp4": ([*X264, "-pix_fmt", "yuv420p"], 4),
    "good.y4m": ([], 4),
    "good.avi": (FFV1, 4),
    "good.nut": (FFV1, 4),
    "upper.MKV": (FFV1, 4),
    "ten.mkv": ([*FFV1, "-pix_fmt", "yuv420p10le"], 4),
    "ten.y4m": (["-pix_fmt", "yuv420p10le", "-strict", "-1"], 4),
    "twelve.mkv": ([*FFV1, "-pix_fmt", "yuv420p12le"], ["4:2:0 of 8 or 10 bit", "yuv420p12"]),
    "sixteen.mkv": ([*FFV1, "-pix_fmt", "yuv420p16le"], ["yuv420p16"]),
    "nine.mkv": ([*FFV1, "-pix_fmt", "yuv420p9le"], ["yuv420p9"]),
    "y444.mkv": ([*FFV1, "-pix_fmt", "yuv444p"], ["yuv444p"]),
    "y422.mkv": ([*FFV1, "-pix_fmt", "yuv422p"], ["yuv422p"]),
    "y411.mkv": ([*FFV1, "-pix_fmt", "yuv411p"], ["yuv411p"]),
    "y410.mkv": ([*FFV1, "-pix_fmt", "yuv410p"], ["yuv410p"]),
    "y440.mkv": ([*FFV1, "-pix_fmt", "yuv440p"], ["yuv440p"]),
    "y444.y4m": (["-pix_fmt", "yuv444p"], ["yuv444p"]),
    "y411.y4m": (["-pix_fmt", "yuv411p"], ["yuv411p"]),
    "grey.mkv": ([*FFV1, "-pix_fmt", "gray"], ["gray"]),
    "grey.y4m": (["-pix_fmt", "gray"], ["gray"]),
    "grey10.mkv": ([*FFV1, "-pix_fmt", "gray10le"], ["gray10"]),
    "rgb.mkv": ([*FFV1, "-pix_fmt", "bgr0"], ["found"]),
    "gbrp.mkv": ([*FFV1, "-pix_fmt", "gbrp10le"], ["gbrp10"]),
    "alpha.mkv": ([*FFV1, "-pix_fmt", "yuva420p"], ["yuva420p"]),
    "alpha444.mov": (["-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"], ["found"]),
    "palette.gif": ([], ["found"]),
    "palette.png": (["-frames:v", "1"], ["found"]),
    "picture.bmp": (["-frames:v", "1"], ["found"]),
    "full.mkv": ([*FFV1, "-vf", "scale=out_range=full", "-color_range", "pc"], ["full range"]),
    "full.y4m": (["-pix_fmt", "yuvj420p", "-strict", "-1"], ["full range"]),
    "full.mp4": ([*X264, "-pix_fmt", "yuvj420p"], ["full range"]),
    "motion.mjpeg": (["-pix_fmt", "yuvj420p"], ["full range"]),
    "tff.mkv": ([*FFV1, "-vf", "setfield=tff", "-field_order", "tt"], ["interlaced", "top"]),
    "by_container.mkv": (
        ["-c:v", "utvideo", "-vf", "setfield=tff", "-field_order", "tt"],
        ["interlaced", "top"],
    ),
    "alpha.webm": (["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p"], ["transparent"]),
    "bff.y4m": (["-vf", "setfield=bff", "-field_order", "bb"], ["interlaced", "bottom"]),
    "tff.mp4": (
        [*X264, "-pix_fmt", "yuv420p", "-vf", "setfield=tff", "-flags", "+ildct+ilme"],
        ["interlaced"],
    ),
    "pq.mkv": ([*FFV1, "-vf", "format=yuv420p10le,setparams=color_trc=smpte2084"], HDR),
    "hlg.mp4": ([*X264, "-vf", "format=yuv420p,setparams=color_trc=arib-std-b67"], HDR),
    **{
        f"matrix_{name}.mkv": ([*FFV1, "-vf", f"setparams=colorspace={name}"], [name])
        for name in ("gbr", "ycgco", "bt2020c", "ictcp", "smpte2085", "chroma-derived-nc")
    },
    **{
        f"curve_{name}.mkv": ([*FFV1, "-vf", f"setparams=color_trc={name}"], [name])
        for name in ("linear", "log100", "log316", "smpte428")
    },
    "matrix_2020.mkv": ([*FFV1, "-vf", "setparams=colorspace=bt2020nc"], 4),
    "curve_xvycc.mkv": ([*FFV1, "-vf", "setparams=color_trc=iec61966-2-4"], 4),
    "ycgco.mp4": ([*X264, "-pix_fmt", "yuv420p", "-vf", "setparams=colorspace=ycgco"], ["ycgco"]),
    "hdr10_without_curve.mp4": ([*X265, "-x265-params", DISPLAY, "-pix_fmt", "yuv420p10le"], HDR),
    "hdr10_display_sdr.mp4": (
        [*X265, "-x265-params", DISPLAY + ":transfer=bt709", "-pix_fmt", "yuv420p10le"],
        4,
    ),
    "two_views.mkv": (
        [*FFV1, "-metadata:s:v", "stereo_mode=left_right"],
        ["two views", "side by side"],
    ),
    "one_view.mkv": ([*FFV1, "-metadata:s:v", "stereo_mode=mono"], 4),
    "packed_views.mp4": (
        [*X264, "-pix_fmt", "yuv420p", "-x264-params", "frame-packing=3"],
        ["two views"],
    ),
    "bt709.mkv": ([*FFV1, "-color_trc", "bt709", "-color_primaries", "bt709"], 4),
    "odd_width.mkv": ([*FFV1, "-vf", "crop=63:48:0:0:exact=1", "-pix_fmt", "yuv420p"], ["even"]),
    "odd_height.mkv": ([*FFV1, "-vf", "crop=64:47:0:0:exact=1", "-pix_fmt", "yuv420p"], ["even"]),
    "tiny.mkv": ([*FFV1, "-vf", "scale=16:16"], ["too small", "16x16"]),
    "small.mkv": ([*FFV1, "-vf", "scale=18:18"], 4),
    "wide.mkv": ([*FFV1, "-vf", "scale=64:18"], 4),
    "huge.mkv": ([*FFV1, "-vf", "scale=16400:18", "-frames:v", "1"], ["16384"]),
    "anamorphic.mkv": ([*FFV1, "-vf", "setsar=4/3"], 4),
    "turned.mp4": ([*X264, "-pix_fmt", "yuv420p"], 4),  # as it is shown: 48x64
    "one.mkv": ([*FFV1, "-frames:v", "1"], 1),
    "none.mkv": ([*FFV1, "-frames:v", "0"], ["no video"]),
    "none.y4m": (["-frames:v", "0"], ["pictures"]),
    "variable.mkv": (
        [*FFV1, "-vf", "setpts='if(gt(N,1),N+3,N)/25/TB'", "-fps_mode", "vfr"],
        ["frame rate"],
    ),
    "dropped.mkv": (
        [*FFV1, "-vf", "select='not(eq(n,2))'", "-fps_mode", "passthrough"],
        ["frame rate"],
    ),
    "late.mkv": (
        [
            *FFV1,
            "-vf",
            "setpts=PTS+1/TB",
            "-fps_mode",
            "passthrough",
            "-avoid_negative_ts",
            "disabled",
        ],
        4,
    ),
    "film.mkv": ([*FFV1, "-vf", "setpts=N*1001/24000/TB,fps=24000/1001"], None),
    "fast.mkv": ([*FFV1, "-vf", "settb=1/240,setpts=N,fps=240"], None),
    "slow.mkv": ([*FFV1, "-vf", "setpts=N*2/TB,fps=1/2"], None),
    "raw.h264": ([*X264, "-pix_fmt", "yuv420p"], 4),
    "raw.hevc": (
        [
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=none",
            "-pix_fmt",
            "yuv420p",
        ],
        4,
    ),
    "raw.obu": (["-c:v", "libaom-av1", "-cpu-used", "8"], ["does not state its frame rate"]),
    "sound.mp4": (None, ["no video"]),
    "sound.wav": (None, ["no video"]),
    "cover.m4a": (None, ["no video"]),
}
# Changes of a good file: its name, what is done to the bytes, and what is expected.
Y4M = b"YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420jpeg"


def _whole_pictures(content: bytes) -> bytes:
    return content + bytes(-len(content) % PICTURE)


def _headed(header: bytes, pictures: int = 4, size: int = PICTURE) -> bytes:
    return header + b"\n" + (b"FRAME\n" + bytes([126]) * size) * pictures


WRITTEN = {
    "plain.y4m": (_headed(Y4M), 4),
    "interlaced_by_mark.y4m": (_headed(Y4M).replace(b"FRAME\n", b"FRAME It\n"), ["interlaced"]),
    "mixed_by_mark.y4m": (_headed(Y4M).replace(b"FRAME\n", b"FRAME Iti\n"), ["interlaced"]),
    "progressive_by_mark.y4m": (_headed(Y4M).replace(b"FRAME\n", b"FRAME I1p\n"), 4),
    "two_ranges.y4m": (
        _headed(Y4M + b" XCOLORRANGE=LIMITED XCOLORRANGE=LIMITED"),
        ["XCOLORRANGE twice"],
    ),
    "two_rates.y4m": (_headed(Y4M + b" F50:1"), ["F twice"]),
    "two_comments.y4m": (_headed(Y4M + b" XYSCSS=420JPEG XCOLORRANGE=LIMITED"), 4),
    "y4m_64x48_25.yuv": (_whole_pictures(_headed(Y4M)), ["holds Y4M"]),
    "mkv_64x48_25.yuv": (_whole_pictures(b"\x1aE\xdf\xa3" + bytes(99)), ["Matroska"]),
    "mp4_64x48_25.yuv": (_whole_pictures(b"\0\0\0\x20ftypisom"), ["MP4"]),
    "avi_64x48_25.yuv": (_whole_pictures(b"RIFF\0\0\0\0AVI "), ["AVI"]),
    "zip_64x48_25.yuv": (_whole_pictures(b"PK\3\4" + bytes(99)), ["zip archive"]),
    "gz_64x48_25.yuv": (_whole_pictures(b"\x1f\x8b\x08" + bytes(99)), ["gzip archive"]),
    "ten_bit_64x48_25.yuv": (b"\x40\0\x80\2\xff\3" * (PICTURE // 3), ["10 bit"]),
    "ten_bit_64x48_25_10bit.yuv": (b"\x40\0\x80\2\xff\3" * (PICTURE // 3), 1),
    "dark_64x48_25.yuv": (b"\0\1\2\3" * (PICTURE // 4), 1),
    "one_level_64x48_25.yuv": (bytes([16]) * PICTURE, 1),
    "unstated_scan.y4m": (_headed(Y4M.replace(b" Ip", b"")), 4),
    "mixed_scan.y4m": (_headed(Y4M.replace(b"Ip", b"Im")), ["interlaced"]),
    "top_first.y4m": (_headed(Y4M.replace(b"Ip", b"It")), ["interlaced"]),
    "no_rate.y4m": (_headed(Y4M.replace(b" F25:1", b"")), ["states no rate"]),
    "zero_rate.y4m": (_headed(Y4M.replace(b"F25:1", b"F0:0")), ["rate"]),
    "rate_over_zero.y4m": (_headed(Y4M.replace(b"F25:1", b"F25:0")), ["rate"]),
    "negative_rate.y4m": (_headed(Y4M.replace(b"F25:1", b"F-25:1")), ["rate"]),
    "rate_as_decimal.y4m": (_headed(Y4M.replace(b"F25:1", b"F29.97:1")), ["rate"]),
    "ntsc.y4m": (_headed(Y4M.replace(b"F25:1", b"F30000:1001")), 4),
    "rate_not_reduced.y4m": (_headed(Y4M.replace(b"F25:1", b"F50:2")), 4),
    "huge_rate.y4m": (_headed(Y4M.replace(b"F25:1", b"F4000000000:1")), ["rate"]),
    "zero_width.y4m": (_headed(Y4M.replace(b"W64", b"W0")), ["no video"]),
    "negative_width.y4m": (_headed(Y4M.replace(b"W64", b"W-64")), ["no video"]),
    "no_width.y4m": (_headed(Y4M.replace(b"W64 ", b"")), ["no video"]),
    "endless_width.y4m": (_headed(Y4M.replace(b"W64", b"W99999999999")), ["no video"]),
    "larger_width.y4m": (_headed(Y4M.replace(b"W64", b"W128")), ["no video"]),
    "smaller_width.y4m": (_headed(Y4M.replace(b"W64", b"W32")), ["no video"]),
    "half_height.y4m": (_headed(Y4M.replace(b"H48", b"H24")), ["no video"]),
    "says_444.y4m": (_headed(Y4M.replace(b"C420jpeg", b"C444")), ["found"]),
    "says_420p10.y4m": (_headed(Y4M.replace(b"C420jpeg", b"C420p10")), ["no video"]),
    "says_nothing_of_colour.y4m": (_headed(Y4M.replace(b" C420jpeg", b"")), 4),
    "unknown_colour.y4m": (_headed(Y4M.replace(b"C420jpeg", b"Cfoo")), ["no video"]),
    "paldv.y4m": (_headed(Y4M.replace(b"C420jpeg", b"C420paldv")), 4),
    "full.y4m": (_headed(Y4M + b" XCOLORRANGE=FULL"), ["full range"]),
    "limited.y4m": (_headed(Y4M + b" XCOLORRANGE=LIMITED"), 4),
    "cut_picture.y4m": (_headed(Y4M)[:-100], ["not whole"]),
    "cut_mark.y4m": (_headed(Y4M) + b"FRA", ["not whole"]),
    "mark_alone.y4m": (_headed(Y4M) + b"FRAME\n", ["not whole"]),
    "junk_behind.y4m": (_headed(Y4M) + b"junk" * 30, ["no video"]),
    "junk_between.y4m": (_headed(Y4M).replace(b"FRAME\n", b"FRAMEE\n"), ["not whole"]),
    "no_marks.y4m": (Y4M + b"\n" + bytes(PICTURE * 4), ["no video"]),
    "header_alone.y4m": (Y4M + b"\n", ["pictures"]),
    "crlf.y4m": (_headed(Y4M).replace(b"\n", b"\r\n"), ["not whole"]),
    "bom.y4m": (b"\xef\xbb\xbf" + _headed(Y4M), ["no video"]),
    "twice.y4m": (_headed(Y4M) * 2, ["twice.y4m"]),  # FFmpeg may see it, or the marks show it
    "parameters_of_pictures.y4m": (_headed(Y4M).replace(b"FRAME\n", b"FRAME Ip\n"), 4),
    "endless_header.y4m": (Y4M + b" X" + b"a" * 5000 + b"\n" + bytes(PICTURE), ["no video"]),
    "empty.y4m": (b"", ["no video"]),
    "empty.mkv": (b"", ["no video"]),
    "empty_64x48_25.yuv": (b"", ["whole number"]),
    "zeros.mp4": (bytes(5000), ["no video"]),
    "page.mp4": (b"<!DOCTYPE html><html>sign in</html>" * 40, ["no video"]),
    "pointer.mkv": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
        ["no video"],
    ),
    "playlist.mkv": (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", ["no video"]),
    "concat.mkv": (b"ffconcat version 1.0\nfile /etc/hostname\n", ["no video"]),
    "subtitles.mkv": (b"1\n00:00:00,000 --> 00:00:01,000\nhello\n", ["no video"]),
    "ansi.mkv": (b"\x1b[31mhello" * 500, ["no video"]),
    "raw_in_mkv.mkv": (bytes(range(256)) * 90, ["no video"]),
}
CUTS = {"good.mkv": 6, "good.mp4": 5, "good.avi": 5, "raw.h264": 4}  # file: cut at so many places


def read(path, **keys):
    """A video as an experiment takes it: planned, then prepared. Its number of pictures."""
    entry = OwnSequence.model_validate({"file": str(path), **keys}).plain()
    sequence = own_sequence("a", entry)
    made = prepare_sequence(
        sequence, sequence.clip(), "", path.with_name("made.mkv"), path.parent / "scratch"
    )
    assert made["frames"] == sequence.frames
    return sequence.frames


@pytest.mark.parametrize("name", RAW_NAMES)
def test_the_name_of_a_raw_file(tmp_path, meet, name):
    path = tmp_path / name
    path.write_bytes(bytes(8 * PICTURE))
    expected = RAW_NAMES[name]

    def named():
        sequence = own_sequence("a", OwnSequence(file=str(path)).plain())
        return [str(sequence.fps), str(sequence.bit_depth), str(sequence.frames)]

    meet(named, [expected] if isinstance(expected, str) else tuple(map(str, expected)))


@pytest.mark.parametrize("keys", RAW_KEYS)
def test_the_keys_of_a_raw_file(tmp_path, meet, keys):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(8 * PICTURE))
    given = dict(pair.split("=") for pair in keys.split())
    entry = {key: value if key == "fps" else int(value) for key, value in given.items()}
    expected = RAW_KEYS[keys]
    from jndlab.configuration import checked

    def told():
        entry_ = checked(OwnSequence, {"file": str(path), **entry}, "a").plain()
        return own_sequence("a", entry_).frames

    meet(told, [expected] if isinstance(expected, str) else expected)


@pytest.mark.parametrize("name", MADE)
def test_a_video(tmp_path, meet, name):
    options, expected = MADE[name]
    path = tmp_path / name
    if options is None:
        run(["-f", "lavfi", "-i", "sine=duration=0.2", str(path)])
    elif name.startswith("turned"):
        run([*SOURCE, *options, str(tmp_path / "plain.mp4")])
        run(["-display_rotation", "90", "-i", str(tmp_path / "plain.mp4"), "-c", "copy", str(path)])
    else:
        depth = [] if "-pix_fmt" in options or "gif" in name or "bmp" in name else [
            "-pix_fmt", "yuv420p"]  # fmt: skip
        run([*SOURCE, *depth, *options, str(path)])
    if expected is None:  # whatever its number of pictures: the rate that it states
        stated = {"film": "24000/1001", "fast": "240", "slow": "1/2"}[path.stem]
        entry = OwnSequence(file=str(path)).plain()
        meet(lambda: str(own_sequence("a", entry).fps), stated)
    else:
        meet(lambda: read(path), expected)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_written_file(tmp_path, meet, name):
    content, expected = WRITTEN[name]
    path = tmp_path / name
    path.write_bytes(content)
    meet(lambda: read(path), expected)


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, count in CUTS.items() for place in range(count)]
)
def test_a_cut_file(tmp_path, meet, name, place):
    path = tmp_path / name
    run([*SOURCE, "-pix_fmt", "yuv420p", *MADE[name][0], str(path)])
    content = path.read_bytes()
    path.write_bytes(content[: (place + 1) * len(content) // (CUTS[name] + 1)])
    meet(lambda: read(path, frames=FRAMES) == 0, [str(path)])


def edited(content, *entries):
    """An MP4 file with another edit list: seconds, and the second that each entry begins at."""
    place = content.index(b"elst") - 4
    rows = [struct.pack(">iiHH", int(1000 * length), int(12800 * start) if start >= 0 else -1, 1, 0)
            for length, start in entries]  # fmt: skip
    box = b"elst" + struct.pack(">II", 0, len(rows)) + b"".join(rows)
    old = struct.unpack(">I", content[place : place + 4])[0]
    grown = 4 + len(box) - old
    data = bytearray(content)
    for parent in (b"moov", b"trak", b"edts"):
        at = content.index(parent) - 4
        data[at : at + 4] = struct.pack(">I", struct.unpack(">I", data[at : at + 4])[0] + grown)
    return bytes(data[:place]) + struct.pack(">I", 4 + len(box)) + box + bytes(data[place + old :])


# Edit lists: entries, and what is expected of a file of 4 pictures of 0.04 s, each coded by itself.
EDITS = {
    "whole": ([(0.16, 0)], 4),
    "start_left_out": ([(0.08, 0.08)], ["edit list", "4 stored"]),
    "end_left_out": ([(0.08, 0)], ["edit list"]),
    "middle_left_out": ([(0.04, 0), (0.04, 0.12)], ["edit list"]),
    "twice": ([(0.16, 0), (0.16, 0)], ["edit list"]),
    "moved": ([(0.08, 0.08), (0.08, 0)], ["edit list"]),
    "backwards": ([(0.04, 0.12), (0.04, 0.08), (0.04, 0.04), (0.04, 0)], ["edit list"]),
    "in_two_parts": ([(0.08, 0), (0.08, 0.08)], 4),
    "late": ([(0.5, -1), (0.16, 0)], 4),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_list(tmp_path, meet, name):
    entries, expected = EDITS[name]
    run([*SOURCE, *X264, "-g", "1", "-pix_fmt", "yuv420p", "-video_track_timescale", "12800",
         str(tmp_path / "plain.mp4")])  # fmt: skip
    path = tmp_path / "edited.mp4"
    path.write_bytes(edited((tmp_path / "plain.mp4").read_bytes(), *entries))
    entry = OwnSequence(file=str(path)).plain()
    meet(lambda: own_sequence("a", entry).frames, expected)  # when a run is planned


@pytest.mark.parametrize("options", ["-ss 0.08", "-ss 0.04 -t 0.08"])
def test_a_clip_cut_without_coding(tmp_path, meet, options):
    plain, path = tmp_path / "plain.mp4", tmp_path / "cut.mov"
    run([*SOURCE, *X264, "-bf", "2", "-pix_fmt", "yuv420p", str(plain)])
    run([*options.split(), "-i", str(plain), "-c", "copy", str(path)])
    entry = OwnSequence(file=str(path)).plain()
    meet(lambda: own_sequence("a", entry).frames, ["edit list"])


# What is put together from a video of 64x48, one of 32x24 and a picture; and what is expected.
STREAMS = {
    "two.mkv": ("-map 0 -map 1 -c copy", ["several videos", "0:0, 0:1"]),
    "two.ts": ("-map 0 -map 1 -c:v mpeg2video", ["several videos"]),
    "two_by_default.mkv": ("-map 1 -map 0 -c copy -disposition:v:1 default", ["several videos"]),
    "cover.mp4": ("-map 0 -map 2 -c copy -disposition:v:1 attached_pic", 4),
    "cover_first.mp4": ("-map 2 -map 0 -c copy -disposition:v:0 attached_pic", 4),
    "attachment.mkv": ("-map 0 -c copy -attach PICTURE -metadata:s:t mimetype=image/jpeg", 4),
    "picture_as_video.mkv": ("-map 2 -map 0 -c copy", ["several videos"]),
    "sound.mkv": ("-map 0 -map 3 -c:v copy -c:a flac -t 0.16", 4),
}


@pytest.mark.parametrize("name", STREAMS)
def test_several_streams(tmp_path, meet, name):
    options, expected = STREAMS[name]
    small = [part.replace("64x48", "32x24") for part in SOURCE]
    whole, other, picture = (tmp_path / file for file in ("a.mp4", "b.mp4", "c.jpg"))
    run([*SOURCE, *X264, "-pix_fmt", "yuv420p", str(whole)])
    run([*small, *X264, "-pix_fmt", "yuv420p", str(other)])
    run([*small, "-frames:v", "1", str(picture)])
    path = tmp_path / name
    inputs = ["-i", str(whole), "-i", str(other), "-i", str(picture)]
    run([*inputs, "-f", "lavfi", "-i", "anullsrc",
         *options.replace("PICTURE", str(picture)).split(), str(path)])  # fmt: skip
    meet(lambda: read(path), expected)


@pytest.mark.parametrize(
    ("angle", "expected"),
    [("30", ["right angle", "30.00"]), ("-45", ["right angle"]), ("0.5", ["right angle"]),
     ("180", 4), ("270", 4)],
)  # fmt: skip
def test_an_angle(tmp_path, meet, angle, expected):
    run([*SOURCE, *X264, "-pix_fmt", "yuv420p", str(tmp_path / "a.mp4")])
    path = tmp_path / "turned.mp4"
    run(["-display_rotation", angle, "-i", str(tmp_path / "a.mp4"), "-c", "copy", str(path)])
    meet(lambda: read(path), expected)


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mov", "cut.avi"])
def test_a_file_that_is_cut_between_two_pictures(tmp_path, meet, name):
    """FFmpeg takes what is there for the whole."""
    path, packed = tmp_path / name, ["-movflags", "faststart"] if "avi" not in name else []
    run([*SOURCE, "-pix_fmt", "yuv420p", "-c:v", "rawvideo" if "avi" in name else "libx264",
         *packed, str(path)])  # fmt: skip
    content = path.read_bytes()
    listed = run(["-i", str(path), "-c", "copy", "-f", "framecrc", "-"]).stdout.decode()
    last = [line for line in listed.splitlines() if not line.startswith("#")][-1]
    if "avi" in name:
        path.write_bytes(content[: content.rindex(b"00dc\0\x12")])
    else:
        path.write_bytes(content[: -int(last.split(",")[4])])
    entry = OwnSequence(file=str(path)).plain()
    meet(lambda: own_sequence("a", entry).frames, ["cut", "bytes"])


# Keys that contradict the video itself.
CONTRADICTED = {
    "width=32": ["width", "64"],
    "height=96": ["height", "48"],
    "bit_depth=10": ["bit_depth", "8"],
    "fps=50": ["fps", "25"],
    "fps=30000/1001": ["fps", "25"],
    "fps=25": 4,
    "width=64 height=48": 4,
    "frames=5": ["shorter"],
    "start=4": ["shorter"],
    "start=3": 1,
    "frames=2 start=2": 2,
    "frames=3 start=2": ["shorter"],
}


@pytest.mark.parametrize("keys", CONTRADICTED)
def test_keys_against_the_video(tmp_path, meet, keys):
    path = tmp_path / "a.mkv"
    run([*SOURCE, "-pix_fmt", "yuv420p", *FFV1, str(path)])
    given = dict(pair.split("=") for pair in keys.split())
    entry = {key: value if key == "fps" else int(value) for key, value in given.items()}

    def planned():
        whole = OwnSequence.model_validate({"file": str(path), **entry}).plain()
        return own_sequence("a", whole).frames

    meet(planned, CONTRADICTED[keys])


@pytest.mark.parametrize("order", ["size", "depth", "sampling"])
def test_a_change_within_a_stream(tmp_path, meet, order):
    """Two streams one after the other, as broken recorders and joined files have them."""
    second = {"size": "scale=32:24", "depth": "format=yuv420p10le", "sampling": "format=yuv444p"}
    for name, filters in (("a", "format=yuv420p"), ("b", second[order])):
        run([*SOURCE, "-vf", filters, *X264, str(tmp_path / f"{name}.h264")])
    path = tmp_path / "joined.h264"
    path.write_bytes((tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes())
    meet(lambda: read(path), ["changes its format"])


def test_the_samples_of_a_good_file_are_its_own(tmp_path):
    """What the table above rests on: a good file is read bit for bit."""
    run([*SOURCE, "-pix_fmt", "yuv420p", "-f", "rawvideo", str(tmp_path / "a.yuv")])
    wanted = hashlib.sha256((tmp_path / "a.yuv").read_bytes()).hexdigest()
    clip = ClipFormat(WIDTH, HEIGHT, Fraction(25), FRAMES)
    for name in ("good.mkv", "good.y4m", "good.avi"):
        run([*SOURCE, "-pix_fmt", "yuv420p", *MADE[name][0], str(tmp_path / name)])
        entry = OwnSequence(file=str(tmp_path / name)).plain()
        made = prepare_sequence(
            own_sequence("a", entry), clip, "", tmp_path / "made.mkv", tmp_path / "scratch"
        )
        assert made["samples_sha256"] == wanted
