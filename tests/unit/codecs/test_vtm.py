"""The VTM adapter on real logs, and end to end with a stand-in that is as strict as VTM."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from codec_clips import cut_clip, job
from jndlab.codecs import EncodeJob, get_codec
from jndlab.codecs.vtm import parse_log
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat
from jndlab.media.ffmpeg import ToolError

FRAMES = 9


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "bikes.mkv"
    return path, cut_clip(path, 80, 48, FRAMES, fps="50")


@pytest.fixture(scope="module")
def build(tmp_path_factory, repository):
    """A folder with the stand-in under VTM's names, and cfg files as short as can be."""
    script = (repository / "tests/data/vtm_stand_in.py").read_text()
    folder = tmp_path_factory.mktemp("vtm build")
    for name in ("EncoderAppStatic", "DecoderAppStatic"):
        (folder / f"{name}.py").write_text(script)
        # No `#!` line of its own: the path of this Python may hold a space.
        command = f'exec "{sys.executable}" "{folder / name}.py" "$@"'
        (folder / name).write_text(f"#!/bin/sh\n{command}\n")
        (folder / name).chmod(0o755)
    (folder / "intra.cfg").write_text("IntraPeriod : 1  # all\nTemporalSubsampleRatio : 8\n")
    (folder / "ldp.cfg").write_text("IntraPeriod : -1\n")
    return folder


@pytest.fixture(autouse=True)
def package_on_path(monkeypatch, repository):
    monkeypatch.setenv("PYTHONPATH", str(repository / "workflow_scripts"))


@pytest.fixture
def spec(build):
    """An entry of codecs.yaml with the stand-in."""
    return entry(build)


def entry(folder: Path) -> dict:
    return {
        "adapter": "vtm",
        "version": "11.0",
        "encoder": str(folder / "EncoderAppStatic"),
        "decoder": str(folder / "DecoderAppStatic"),
        "config_files": {"AI": str(folder / "intra.cfg"), "LDP": str(folder / "ldp.cfg")},
        "verify_with_decoder": False,
    }


@pytest.fixture(scope="module")
def encoded(build, source, tmp_path_factory, repository):
    """An all-intra stream and its log, encoded once for the stand-in to replay."""
    folder = tmp_path_factory.mktemp("encoded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(repository / "workflow_scripts"))
        log = folder / "all.log"
        get_codec(entry(build)).encode(job(*source, folder / "point.266", log=log))
    printed = log.read_text()
    (folder / "point.log").write_text(printed[printed.index("\nVVCSoftware") :])
    return folder / "point"


@pytest.fixture
def replaying(encoded, monkeypatch):
    monkeypatch.setenv("VTM_STAND_IN_REPLAY", str(encoded))


def left_over(tmp_path: Path) -> list[str]:
    out = tmp_path / "out"
    return sorted(path.name for path in out.rglob("*") if path.is_file())


def encode(spec, source, tmp_path, configuration="AI", **changes):
    stream = tmp_path / "out" / "qp32.266"
    return get_codec(spec).encode(replace(job(*source, stream, configuration), **changes))


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_encode_as_vtm_is_called(spec, source, tmp_path, monkeypatch, encoded, configuration):
    if configuration == "AI":
        monkeypatch.setenv("VTM_STAND_IN_REPLAY", str(encoded))
    log = tmp_path / "encode.log"
    result = encode({**spec, "verify_with_decoder": True}, source, tmp_path, configuration, log=log)
    raw = str(tmp_path / "out" / "work" / "qp32.266.source.yuv")
    cfg = spec["config_files"][configuration]
    assert result.command == [
        spec["encoder"], "-c", cfg, "-i", raw, "-wdt", "80", "-hgt", "48", "-fr", "50", "-f", "9",
        "-q", "32", "-b", str(tmp_path / "out" / "qp32.266"), "-o", "/dev/null",
        "--InputBitDepth=8", "--OutputBitDepth=8", "--TemporalSubsampleRatio=1",
    ]  # fmt: skip
    assert result.version == "11.0"
    assert "".join(result.slice_types) == ("I" * FRAMES if configuration == "AI" else "IPPPPPPPP")
    assert left_over(tmp_path) == ["qp32.266"]
    assert "POC    8" in log.read_text() and "Total Time" in log.read_text()


def test_ten_bit_sources_are_passed_at_ten_bit(spec, source, tmp_path, replaying):
    path, clip = source
    deep = tmp_path / "deep.mkv"
    ffmpeg.run(["-i", str(path), "-pix_fmt", "yuv420p10le", "-c:v", "ffv1", str(deep)])
    result = encode(spec, (deep, replace(clip, bit_depth=10)), tmp_path)
    assert {"--InputBitDepth=10", "--OutputBitDepth=10"} < set(result.command)


@pytest.mark.parametrize(
    "key, message",
    [("encoder", "`encoder`"), ("decoder", "`decoder`"), ("config_files", "`config_files.AI`")],
)
def test_a_path_that_is_not_set_names_its_key(spec, source, tmp_path, key, message):
    entry = {**spec, "verify_with_decoder": True, key: None}
    with pytest.raises(UserError, match=message) as caught:
        encode(entry, source, tmp_path)
    assert "config/codecs.yaml" in str(caught.value) and "VVCSoftware_VTM" in str(caught.value)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("key", ["encoder", "decoder"])
def test_an_absent_executable_names_its_key(spec, source, tmp_path, key):
    entry = {**spec, "verify_with_decoder": True, key: str(tmp_path / "nowhere")}
    with pytest.raises(UserError, match="absent or not executable") as caught:
        encode(entry, source, tmp_path)
    assert f"{key} of the entry with adapter vtm" in str(caught.value)


def test_an_absent_cfg_file_names_its_key(spec, source, tmp_path):
    spec["config_files"]["AI"] = str(tmp_path / "nowhere.cfg")
    with pytest.raises(UserError, match=r"nowhere\.cfg' is absent(.|\n)*config_files\.AI"):
        encode(spec, source, tmp_path)


def test_another_version_is_refused_before_the_encode(spec, source, tmp_path, monkeypatch):
    monkeypatch.setenv("VTM_STAND_IN_VERSION", "11.0rc1")
    with pytest.raises(UserError, match=r"expected: version 11\.0, found 11\.0rc1"):
        encode(spec, source, tmp_path)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    "fault, message",
    [
        ("refused", "Unknown profile"),
        ("killed", "ended by the signal SIGKILL"),
        ("cut", "not what its encoder reports"),
        ("tail", "not what its encoder reports"),
        ("short_log", "lacks its summary"),
    ],
)
def test_a_failed_encode_is_an_error_and_leaves_nothing(
    spec, source, tmp_path, monkeypatch, replaying, fault, message
):
    monkeypatch.setenv("VTM_STAND_IN_FAULT", fault)
    with pytest.raises(UserError, match=message):
        encode(spec, source, tmp_path)
    assert left_over(tmp_path) == []


def test_a_cfg_file_of_another_configuration_is_an_error(spec, source, tmp_path, replaying):
    with pytest.raises(UserError, match=r"configuration LDP(.|\n)*IPPPPPPPP, found IIIIIIIII"):
        encode(spec, source, tmp_path, "LDP")
    assert left_over(tmp_path) == []


def test_a_decoder_that_disagrees_is_an_error(spec, source, tmp_path, monkeypatch, replaying):
    monkeypatch.setenv("VTM_STAND_IN_FAULT", "other")
    with pytest.raises(UserError, match="different pictures"):
        encode({**spec, "verify_with_decoder": True}, source, tmp_path)
    assert left_over(tmp_path) == []


def test_a_source_unlike_its_sheet_is_an_error(spec, source, tmp_path):
    path, clip = source
    with pytest.raises(UserError, match=r"\(10 frames of 80x48\), found 51840"):
        encode(spec, (path, replace(clip, frames=10)), tmp_path)
    assert left_over(tmp_path) == []


def test_the_recipe_holds_the_cfg_file_by_hash_and_no_path(spec, tmp_path):
    recipe = get_codec(spec).recipe("LDP", 32)
    cfg = Path(spec["config_files"]["LDP"])
    assert recipe["config_sha256"] == sha256_of(cfg) and recipe["config_file"] == "ldp.cfg"
    assert str(tmp_path) not in str(recipe)
    cfg.write_text("IntraPeriod : -1\nSAO : 0\n")
    assert get_codec(spec).recipe("LDP", 32) != recipe


def test_parameters_reach_the_encoder_and_the_recipe(spec, source, tmp_path):
    stream = tmp_path / "out" / "qp32.266"
    encode({**spec, "params": {"SAO": 1}}, source, tmp_path)
    with_sao = stream.read_bytes()
    result = encode({**spec, "params": {"SAO": 0}}, source, tmp_path)
    assert result.command[-1] == "--SAO=0" and stream.read_bytes() != with_sao
    codec = get_codec({**spec, "params": {"SAO": 0}})
    assert codec.recipe("AI", 32)["options"] == ["--TemporalSubsampleRatio=1", "--SAO=0"]
    with pytest.raises(ToolError, match="Unhandled argument"):
        encode({**spec, "params": {"Soa": 0}}, source, tmp_path)


POINTS = {("AI", 22): (4985.8, 43.4856, 47.159), ("AI", 27): (2940.8, 40.0378, 34.812),
          ("AI", 32): (1636.4, 36.5713, 28.153), ("AI", 37): (878.4, 33.3888, 19.780),
          ("LDP", 22): (967.2, 42.2103, 154.995), ("LDP", 27): (478.4471, 38.3224, 103.564),
          ("LDP", 32): (247.0588, 34.9963, 89.567),
          ("LDP", 37): (127.3176, 32.1013, 63.622)}  # fmt: skip


@pytest.mark.parametrize("configuration, qp", POINTS)
def test_real_logs_give_their_printed_numbers(shared_data, configuration, qp):
    path = shared_data / "vtm11" / f"BasketballPass_{configuration}_QP{qp}.log"
    log = parse_log(path.read_text())
    assert (log.bitrate_kbps, log.psnr_y, log.user_seconds) == POINTS[configuration, qp]
    assert log.version == "11.0"
    pictures = log.pictures
    assert [picture.poc for picture in pictures] == list(range(2 if configuration == "AI" else 17))
    bits = sum(picture.bits for picture in pictures)
    assert bits * 50 / len(pictures) / 1000 == pytest.approx(log.bitrate_kbps, abs=1e-4)
    assert bits == 8 * path.with_suffix(".266").stat().st_size
    mean = sum(picture.psnr_y for picture in pictures) / len(pictures)
    assert mean == pytest.approx(log.psnr_y, abs=1e-4)
    offsets = [picture.qp - qp for picture in pictures]
    assert offsets[0] == (0 if configuration == "AI" else -1)  # intra QP offset of the LDP file
    assert pictures[0].nal_type == "IDR_N_LP"


def test_a_log_that_ends_early_or_contradicts_itself_is_an_error(shared_data):
    text = (shared_data / "vtm11" / "BasketballPass_LDP_QP37.log").read_text()
    lines = text.splitlines(keepends=True)
    for count in range(0, len(lines) - 1, 5):
        with pytest.raises(UserError, match="did not finish"):
            parse_log("".join(lines[:count]))
    with pytest.raises(UserError, match="17 pictures by its summary, found 16"):
        parse_log("".join(line for line in lines if not line.startswith("POC    7")))


@pytest.mark.parametrize("configuration, frames", [("AI", 2), ("LDP", 17)])
def test_a_real_encode_replayed(shared_data, spec, tmp_path, monkeypatch, configuration, frames):
    folder = shared_data / "vtm11"
    clip = ClipFormat(416, 240, Fraction(50), frames)
    path = tmp_path / "source.mkv"
    ffmpeg.run(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "416x240", "-framerate",
                "50", "-i", str(next(folder.glob("*.yuv"))), "-frames:v", str(frames),
                "-c:v", "ffv1", str(path)])  # fmt: skip
    real = folder / f"BasketballPass_{configuration}_QP37"
    monkeypatch.setenv("VTM_STAND_IN_REPLAY", str(real))
    stream = tmp_path / "out" / "qp37.266"
    work = EncodeJob(path, clip, configuration, 37, stream, tmp_path / "work")
    result = get_codec({**spec, "verify_with_decoder": True}).encode(work)
    assert sha256_of(stream) == sha256_of(real.with_suffix(".266"))
    log = parse_log(real.with_suffix(".log").read_text())
    assert result.bits_per_frame == [picture.bits for picture in log.pictures]
