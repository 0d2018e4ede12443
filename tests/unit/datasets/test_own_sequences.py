"""Videos of one's own: what the file or its name tells needs not be written, the rest is asked."""

from __future__ import annotations

from fractions import Fraction

import pytest

from codec_clips import cut_clip
from jndlab.datasets.own_sequences import OwnSequence, own_sequence
from jndlab.datasets.prepare import prepare_sequence
from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndops.settings import load_settings

METHODS = {"anchor": {"kind": "anchor"}}
DEEP = ["-pix_fmt", "yuv420p10le"]
# Name of a file, FFmpeg's options for it, and rate and depth that it tells.
FILES = [
    ("mine.mkv", ["-c:v", "ffv1"], 25, 8),
    ("mine.y4m", [], 25, 8),
    ("deep.y4m", [*DEEP, "-strict", "-1"], 25, 10),
    ("my:clip.mp4", ["-c:v", "libx264"], 25, 8),
    ("stream.264", ["-c:v", "libx264"], 25, 8),
    ("name_80x48_50.yuv", ["-f", "rawvideo"], 50, 8),
    ("name-80x48-24fps_10bit.YUV", [*DEEP, "-f", "rawvideo"], 24, 10),
    ("name_80x48_30_crop_p10le.yuv", [*DEEP, "-f", "rawvideo"], 30, 10),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "source.mkv"
    return path, cut_clip(path, 80, 48, 5)


def made(source, folder, name, options):
    path = folder / name
    ffmpeg.run(["-i", str(source[0]), *options, f"file:{path}"])
    return path


def entry(path, **keys):
    return OwnSequence.model_validate({"file": str(path), **keys}).plain()


@pytest.mark.parametrize(("name", "options", "fps", "depth"), FILES, ids=lambda v: str(v)[:20])
def test_a_file_alone_is_enough_and_is_coded_as_it_is(
    repository, tmp_path, source, name, options, fps, depth
):
    path = made(source, tmp_path, name, options)
    given = {"own_sequences": {"mine": {"file": str(path)}}, "methods": METHODS}
    settings = load_settings(given, repository)
    sequence, clip = settings.sequences["mine"], settings.clip("mine")
    assert settings.config["sequences"] == ["mine"] and sequence.content == "own"
    assert (clip.width, clip.height, clip.frames) == (80, 48, 5)
    assert (clip.fps, clip.bit_depth) == (Fraction(fps), depth)
    facts = prepare_sequence(
        sequence, clip, settings.source_dir("mine"), tmp_path / "out.mkv", tmp_path
    )
    assert facts["content"] == "own" and facts["source_bytes"] == path.stat().st_size


def test_some_of_the_frames_of_a_raw_file(tmp_path, source):
    path = made(source, tmp_path, "mine.yuv", ["-f", "rawvideo"])
    keys = {"width": 80, "height": 48, "fps": 25, "start": 1, "frames": 2}
    sequence = own_sequence("mine", entry(path, **keys))
    prepared = tmp_path / "out.mkv"
    prepare_sequence(sequence, sequence.clip(), "", prepared, tmp_path)
    raw = ffmpeg.run(["-i", str(prepared), "-f", "rawvideo", "-"]).stdout
    one = source[1].frame_bytes
    assert raw == path.read_bytes()[one : 3 * one]
    assert own_sequence("mine", entry(path, **keys | {"frames": None})).frames == 4


def test_a_y4m_file_is_counted_by_its_size(tmp_path, source, monkeypatch):
    path = made(source, tmp_path, "mine.y4m", [])
    monkeypatch.setattr("jndlab.datasets.own_sequences.count_pictures", None)
    assert own_sequence("mine", entry(path)).frames == 5


@pytest.mark.parametrize(
    ("name", "options", "keys", "told"),
    [
        ("mine.yuv", ["-f", "rawvideo"], {}, "does not state its width, height, fps"),
        ("mine_80x48.yuv", ["-f", "rawvideo"], {}, "does not state its fps"),
        ("mine_82x48_50.yuv", ["-f", "rawvideo"], {}, "no whole number of frames"),
        ("mine.y4m", [], {"frames": 6}, "at most 5 frames from frame 0"),
        ("mine.y4m", [], {"start": 5}, "at most 0 frames from frame 5"),
        ("wide.mkv", ["-pix_fmt", "yuv444p", "-c:v", "ffv1"], {}, "found yuv444p"),
        ("small.y4m", ["-vf", "scale=16:16"], {}, "at least 18x18, found 16x16"),
        ("odd.y4m", ["-vf", "scale=81:48"], {}, "81x48 is not a 4:2:0 size"),
    ],
)
def test_what_a_file_does_not_tell_is_asked_for(tmp_path, source, name, options, keys, told):
    path = made(source, tmp_path, name, options)
    with pytest.raises(UserError) as caught:
        own_sequence("mine", entry(path, **keys)).clip()
    assert told in str(caught.value)


def test_a_missing_video_is_told_unless_all_is_written(tmp_path):
    with pytest.raises(UserError, match=r"own_sequences\.mine is missing"):
        own_sequence("mine", entry(tmp_path / "none.y4m"))
    facts = {"width": 80, "height": 48, "fps": "30000/1001", "frames": 3}
    known = own_sequence("mine", entry(tmp_path / "none.y4m", **facts))
    assert known.clip().seconds == pytest.approx(0.1001)


def test_names_of_the_sheet_are_taken(repository):
    taken = {"own_sequences": {"bikes": {"file": "x.y4m"}}, "methods": METHODS}
    with pytest.raises(UserError, match=r"'bikes' is in config/sequences.tsv already"):
        load_settings(taken, repository)
    taken = {
        "sequences": ["bikes"],
        "own_codecs": {"x265-medium": {"adapter": "x265", "preset": "slow"}},
    }
    with pytest.raises(UserError, match=r"'x265-medium' is in config/codecs.yaml already"):
        load_settings({**taken, "methods": METHODS}, repository)
    with pytest.raises(UserError, match="`sequences` names nothing"):
        load_settings({"methods": METHODS}, repository)


def test_own_codec_entries_are_checked_like_those_of_the_file(repository):
    given = {"sequences": ["bikes"], "codecs": ["mine"], "methods": METHODS}
    own = {"mine": {"adapter": "x265", "preset": "slow"}}
    settings = load_settings({**given, "own_codecs": own}, repository)
    assert settings.effective()["codecs"]["mine"]["preset"] == "slow"
    with pytest.raises(UserError, match=r"mine\.preset"):
        load_settings({**given, "own_codecs": {"mine": {"adapter": "x265", "preset": "x"}}},
                      repository)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "codec", "message"),
    [
        ("a_36x20_25.yuv", "kvazaar-fast", "Kvazaar codes no pictures of 36x20"),
        ("a_40x24_25_10bit.yuv", "x264-medium", "X264 codes no clips of 10 bit"),
    ],
)
def test_a_codec_that_cannot_code_a_video_is_told_before_any_job(
    repository, tmp_path, name, codec, message
):
    (tmp_path / name).write_bytes(bytes(40 * 24 * 3 * 4 if "10bit" in name else 36 * 20 * 3 * 2))
    given = {"own_sequences": {"mine": {"file": str(tmp_path / name)}}, "sequences": ["mine"],
             "frames": 1, "methods": METHODS}  # fmt: skip
    assert load_settings({**given, "codecs": ["x265-medium"]}, repository)
    with pytest.raises(UserError, match=message) as told:
        load_settings({**given, "codecs": ["x265-medium", codec]}, repository)
    assert f"codec '{codec}', sequence 'mine'" in str(told.value)
