"""VVenC and x265 on tiny real clips: the same bytes again, the right pictures, no leftovers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from codec_clips import cut_clip, job
from jndlab.codecs import EncodeResult, get_codec, packaged
from jndlab.codecs.bitstream import decoded_md5
from jndlab.codecs.config import Codecs
from jndlab.configuration import checked, entry_of, schema_of, variants_of
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media import ffmpeg
from jndlab.media.clip import read_clip, write_clip
from jndlab.media.ffmpeg import CompletedRun, ToolError

VVENC = {"adapter": "vvenc", "preset": "faster"}
X265 = {"adapter": "x265", "preset": "ultrafast"}
TAGS = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:chroma_location=topleft"
FRAMES = 10  # more than one GOP of eight


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "bikes.mkv"
    return path, cut_clip(path, 80, 48, FRAMES)


@pytest.fixture
def tiny_job(source, tmp_path):
    codec = get_codec(X265)
    return codec, job(*source, tmp_path / "qp32.265", "AI")


def files_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
@pytest.mark.parametrize("spec", [VVENC, X265], ids=["vvenc", "x265"])
def test_the_same_stream_again_and_with_two_threads(source, tmp_path, spec, configuration):
    codec = get_codec(spec)
    stream = tmp_path / f"qp32.{codec.suffix}"
    results: list[EncodeResult] = []
    hashes = set()
    for threads in (1, 2):
        results.append(codec.encode(job(*source, stream, configuration, threads=threads)))
        hashes.add(sha256_of(stream))
    assert len(hashes) == 1
    first = results[0]
    assert "".join(first.slice_types) == ("I" * FRAMES if configuration == "AI" else "IPPPPPPPPP")
    assert sum(first.bits_per_frame) == 8 * stream.stat().st_size
    assert str(stream) in first.command and not any(".part-" in word for word in first.command)
    assert first.version == codec.recipe(configuration, 32)["version"]
    assert first.wall_seconds > 0 and first.cpu_seconds > 0
    assert files_under(tmp_path) == [stream.name]
    assert len(decoded_md5(stream)) == 32  # it decodes without an error


@pytest.mark.parametrize("spec", [VVENC, X265], ids=["vvenc", "x265"])
def test_tags_of_the_source_change_neither_stream_nor_samples(source, tmp_path, spec):
    """A filtered clip has lost its source's tags: the comparison of the two must not see that."""
    tagged, rewritten = tmp_path / "tagged.mkv", tmp_path / "rewritten.mkv"
    clip = cut_clip(tagged, 80, 48, 2, tags=f"{TAGS},setsar=4/3")
    write_clip(rewritten, read_clip(tagged, clip), clip)
    codec = get_codec(spec)
    streams = [tmp_path / f"{path.stem}.{codec.suffix}" for path in (tagged, rewritten)]
    for path, stream in zip((tagged, rewritten), streams, strict=True):
        codec.encode(job(path, clip, stream))
    assert sha256_of(streams[0]) == sha256_of(streams[1])


def test_vvenc_raises_eight_bit_sources_by_exactly_four(tmp_path):
    path = tmp_path / "one.mkv"
    clip = cut_clip(path, 80, 48, 1)
    nearly_lossless = tmp_path / "qp0.266"
    get_codec(VVENC).encode(job(path, clip, nearly_lossless, qp=0))
    coded = ffmpeg.run(["-i", str(nearly_lossless), "-f", "rawvideo", "-"]).stdout
    eight = ffmpeg.run(["-i", str(path), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]).stdout
    tens = [low + 256 * high for low, high in zip(coded[::2], coded[1::2], strict=True)]
    offsets = [ten - 4 * byte for ten, byte in zip(tens, eight, strict=True)]
    assert abs(sum(offsets) / len(offsets)) < 0.05  # a full-range raise would shift the mean by 1


def test_x265_adapts_around_the_qp_of_its_pictures(source, tmp_path):
    """Without adaptation the rate factor gives the very intra pictures of constant QP."""
    streams = {}
    for mode in (None, 0, 2):
        stream = streams[mode] = tmp_path / f"{mode}.265"
        codec = get_codec({**X265, "aq_mode": mode})
        codec.encode(job(*source, stream, "AI", qp=30))
    hashes = {mode: sha256_of(stream) for mode, stream in streams.items()}
    assert hashes[0] == hashes[None] != hashes[2]
    assert codec.recipe("AI", 30)["parameters"]["aq-mode"] == "2"
    with pytest.raises(UserError, match="aq_mode"):
        checked(Codecs, {"mine": {**X265, "aq_mode": 5}}, "codecs")


def test_x265_codes_every_picture_at_the_stated_qp(source, tmp_path):
    codec = get_codec(X265)
    for configuration in ("AI", "LDP"):
        stream = tmp_path / "qp30.265"
        codec.encode(job(*source, stream, configuration, qp=30))
        trace = ffmpeg.run(["-v", "info", "-i", str(stream), "-c", "copy",
                           "-bsf:v", "trace_headers", "-f", "null", "-"]).stderr  # fmt: skip
        initial, deltas = (
            {int(value) for value in re.findall(rf"{name}\s+[01]+ = (-?\d+)", trace)}
            for name in ("init_qp_minus26", "slice_qp_delta")
        )
        assert {26 + start + delta for start in initial for delta in deltas} == {30}


def test_lower_qp_costs_more_bits(source, tmp_path):
    codec = get_codec(X265)
    bits = [
        sum(codec.encode(job(*source, tmp_path / f"qp{qp}.265", "LDP", qp)).bits_per_frame)
        for qp in (22, 27, 32, 37)
    ]
    assert bits == sorted(bits, reverse=True) and len(set(bits)) == 4


def test_the_recipe_holds_what_changes_the_stream_and_no_thread_count(source):
    for spec in (VVENC, X265):
        codec = get_codec(spec)
        recipe = codec.recipe("AI", 32)
        assert recipe["preset"] == spec["preset"] and recipe["qp"] == 32
        assert recipe != codec.recipe("LDP", 32) and recipe != codec.recipe("AI", 33)
        assert recipe != get_codec({**spec, "preset": "medium"}).recipe("AI", 32)
        assert not {"threads", "pools"} & (set(recipe) | set(recipe["parameters"]))
    assert get_codec(X265).recipe("AI", 32)["parameters"]["wpp"] == "0"
    assert get_codec(VVENC).recipe("LDP", 32)["parameters"]["Frame8"].startswith("P 8 1 0.0 0.0 ")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"frames": 9}, "expected: 9 frames, found 10"),
        ({"width": 88}, "expected: 88x48, found 80x48"),
    ],
)
def test_a_source_unlike_its_sheet_is_an_error(source, tmp_path, change, message):
    path, clip = source
    with pytest.raises(UserError, match=message):
        get_codec(X265).encode(job(path, replace(clip, **change), tmp_path / "out" / "qp32.265"))
    assert files_under(tmp_path / "out") == []


def test_a_failing_encoder_is_reported_with_its_words_and_leaves_nothing(tmp_path, source):
    missing = tmp_path / "absent.mkv"
    stream, log = tmp_path / "out" / "qp32.266", tmp_path / "encode.log"
    with pytest.raises(ToolError, match="No such file"):
        get_codec(VVENC).encode(job(missing, source[1], stream, log=log))
    assert files_under(stream.parent) == []
    assert "No such file" in log.read_text()


def test_an_old_stream_survives_a_failed_encode(tmp_path, source):
    stream = tmp_path / "qp32.265"
    stream.write_bytes(b"whole")
    with pytest.raises(ToolError):
        get_codec(X265).encode(job(tmp_path / "absent.mkv", source[1], stream))
    assert stream.read_bytes() == b"whole"


def test_an_encoder_killed_midway_leaves_nothing(tmp_path, monkeypatch):
    """A long encode whose FFmpeg dies of SIGKILL after its first pictures were written."""
    path = tmp_path / "long.mkv"
    clip = cut_clip(path, 320, 176, 50)
    stream = tmp_path / "out" / "qp0.265"
    seen: list[int] = []

    def run_and_kill(command, *, log=None, cwd=None, env=None) -> CompletedRun:
        if "libx265" not in command:
            return run_tool(command, log=log, env=env)
        process = subprocess.Popen(
            command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and (size := Path(command[-1]).stat().st_size) == 0:
            time.sleep(0.005)
        seen.append(size)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        raise ToolError(f"ended with exit status {process.returncode}")

    run_tool = ffmpeg.run_tool
    monkeypatch.setattr(ffmpeg, "run_tool", run_and_kill)
    with pytest.raises(ToolError, match="exit status -9"):
        get_codec({**X265, "preset": "slow"}).encode(job(path, clip, stream, qp=0))
    assert seen[0] > 0, "the encoder was to be killed after it had written something"
    assert files_under(stream.parent) == []


@pytest.mark.parametrize("damage", ["cut", "tail", "empty", "no last picture"])
def test_a_damaged_stream_is_found_though_the_encoder_reported_success(
    tmp_path, source, monkeypatch, damage
):
    stream = tmp_path / "out" / "qp32.265"
    last: list[int] = []

    def run_and_damage(args, *, log=None):
        done = run(args, log=log)
        if "libx265" in args:
            part = Path(args[-1])
            data = part.read_bytes()
            last.append(int(Path(args[args.index("-stats_enc_post") + 1]).read_text().split()[-1]))
            part.write_bytes({"cut": data[:-1], "tail": data + b"tail", "empty": b"",
                              "no last picture": data[: -last[-1]]}[damage])  # fmt: skip
        return done

    run = ffmpeg.run
    monkeypatch.setattr(packaged.ffmpeg, "run", run_and_damage)
    with pytest.raises(UserError, match=r"not what its encoder reports|empty|found 9"):
        get_codec(X265).encode(job(*source, stream))
    assert last and files_under(stream.parent) == []


@pytest.mark.parametrize(
    "spec, message",
    [
        ({"adapter": "hm"}, "expected: vvenc, x265, vtm"),
        ({}, "unknown codec adapter 'None'"),
        ({"adapter": "vvenc"}, "lacks the key 'preset'"),
        ({"adapter": "vvenc", "preset": "ultrafast"}, "faster, fast, medium, slow, slower"),
    ],
)
def test_a_wrong_entry_names_what_is_allowed(spec, message):
    with pytest.raises(UserError, match=message):
        get_codec(spec)


def test_unknown_configurations_and_qps_are_refused():
    with pytest.raises(UserError, match="AI or LDP"):
        get_codec(VVENC).recipe("RA", 32)
    with pytest.raises(UserError, match="0 to 51"):
        get_codec(X265).recipe("AI", 52)


@pytest.fixture(scope="module")
def entries(repository):
    return yaml.safe_load((repository / "config/codecs.yaml").read_text())


class TestSheet:
    def test_the_shipped_entries_are_valid_and_can_be_built(self, entries):
        checked(Codecs, entries, "codecs")
        assert set(entries) >= {"vvenc-faster", "vvenc-medium", "vvenc-slower", "x265-medium",
                                "x265-ultrafast", "vtm-11.0"}  # fmt: skip
        for spec in entries.values():
            assert get_codec(spec).suffix in ("264", "265", "266", "obu")

    @pytest.mark.parametrize(
        "entry, message",
        [
            (
                {"adapter": "vvenc", "presett": "faster"},
                "unknown key 'presett' .did you mean 'preset'",
            ),
            ({"adapter": "vvenc", "preset": "ultrafast"}, "ultrafast"),
            ({"adapter": "hm", "preset": "faster"}, 'mine.adapter: "hm" is not allowed'),
            ({"adapter": "vtm", "version": 11.0}, "mine.version: 11.0 is not allowed"),
            ({"preset": "faster"}, "mine: 'adapter' is a required key; add it"),
        ],
    )
    def test_a_wrong_entry_is_refused(self, entry, message):
        with pytest.raises(UserError, match=message):
            checked(Codecs, {"mine": entry}, "codecs")

    def test_the_presets_of_configuration_and_adapters_agree(self):
        for adapter, model in variants_of(entry_of(schema_of(Codecs))).items():
            if "preset" in model["properties"]:
                rule = model["properties"]["preset"]
                presets = rule.get("enum") or [*range(rule["minimum"], rule["maximum"] + 1)]
                codec = get_codec({"adapter": adapter, "preset": presets[0]})
                assert list(codec.presets) == presets


def test_an_encode_that_ends_without_pictures_is_tried_again(tiny_job, monkeypatch):
    """FFmpeg ends some short VVenC encodes on a busy machine with success and nothing written."""
    codec, job = tiny_job
    real, attempts = ffmpeg.run, []

    def sometimes_nothing(args, *, log=None):
        run = real(args, log=log)
        if str(job.clip.fps) in args and len(attempts) < 2:
            attempts.append(args)
            Path(args[-1]).write_bytes(b"")
            Path(args[args.index("-stats_enc_post") + 1]).write_text("")
        return run

    monkeypatch.setattr(ffmpeg, "run", sometimes_nothing)
    assert len(codec.encode(job).bits_per_frame) == job.clip.frames
    assert len(attempts) == 2


def test_an_encode_without_pictures_every_time_is_an_error(tiny_job, monkeypatch):
    codec, job = tiny_job
    real = ffmpeg.run

    def nothing(args, *, log=None):
        run = real(args, log=log)
        Path(args[-1]).write_bytes(b"")
        Path(args[args.index("-stats_enc_post") + 1]).write_text("")
        return run

    monkeypatch.setattr(ffmpeg, "run", nothing)
    with pytest.raises(UserError, match="the stream is empty"):
        codec.encode(job)
    assert not job.stream.exists()
