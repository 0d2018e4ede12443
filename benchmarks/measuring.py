"""Bench of measuring: one decode for five metrics, a pass for each, the library's command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import ffmpeg_quality_metrics

from benchmarks.figures import ROOT, Bench, Figure, in_turns, python
from benchmarks.tools import prepare_clip
from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.media.clip import ClipFormat, clip_as_text
from jndlab.media.ffmpeg import ffmpeg_path, run
from jndlab.quality.full_reference import VMAF_MODEL, VMAF_NEG_MODEL, measure

# A measurement as the adapter does it, in a Python of its own.
MEASURE_PROGRAM = """
import sys, json
from pathlib import Path
from jndlab.media.clip import clip_from_text
from jndlab.quality.full_reference import measure
clip = clip_from_text(json.loads(sys.argv[3]))
measure(Path(sys.argv[1]), Path(sys.argv[2]), clip, work_dir=Path(sys.argv[4]))
"""
_SCRIPTS = ROOT / "workflow_scripts"


def measuring(bench: Bench) -> Iterator[Figure]:
    """Frames per second of PSNR, SSIM, VMAF, VMAF NEG and XPSNR, by us and by two peers."""
    sequence = "bigbuckbunny"
    clip, source = prepare_clip(bench.folder, sequence)
    stream = bench.folder / "stream.266"
    bench.say("a stream is encoded (not counted) and measured in four ways")
    codec = get_codec({"adapter": "vvenc", "preset": "faster"})
    codec.encode(EncodeJob(source, clip, "AI", 37, stream, bench.folder, threads=bench.cores))
    environment = {"env": {"PYTHONPATH": str(_SCRIPTS), "PATH": str(ffmpeg_path().parent)}}
    clip_text = json.dumps(clip_as_text(clip))
    one, separate, own_process, command = in_turns(
        [
            lambda: measure(source, stream, clip, work_dir=bench.folder),
            lambda: _separate_passes(source, stream, clip),
            lambda: python(
                "-c", MEASURE_PROGRAM, source, stream, clip_text, bench.folder, **environment
            ),
            lambda: _library_command(source, stream, clip),
        ],
        max(3, bench.rounds),
    )
    what = (
        f"PSNR, SSIM, VMAF, VMAF NEG, XPSNR of {sequence} {clip.width}x{clip.height}, "
        f"{clip.frames} frames, VVC AI QP 37, 1 thread; medians in turns"
    )
    frames = clip.frames
    yield Figure(
        "measuring: one pass",
        frames / one.wall,
        "frames/s",
        frames / separate.wall,
        "an FFmpeg pass for each metric",
        f"{what}. Both call FFmpeg from here; wall.",
        at_least=1.5,
    )
    yield Figure(
        "measuring: one pass, CPU time",
        one.cpu / frames,
        "CPU s a frame",
        separate.cpu / frames,
        "an FFmpeg pass for each metric",
        "as above; less a matter of other programs.",
    )
    yield Figure(
        "measuring: one pass in a Python of its own",
        frames / own_process.wall,
        "frames/s",
        frames / command.wall,
        "`ffmpeg-quality-metrics`",
        f"{what}. The command knows neither XPSNR nor two models at a time: it is called with "
        "`-m psnr ssim vmaf`, with `-m vmaf` and the NEG model, and FFmpeg once for XPSNR. It "
        "compares at the depth of the decoded side.",
        at_least=1.5,
    )


def _separate_passes(source: Path, stream: Path, clip: ClipFormat) -> None:
    """Each of the five metrics by an FFmpeg call of its own, aligned and at 10 bit as ours."""
    for metric in ("psnr", "ssim", f"libvmaf=model=version={VMAF_MODEL}",
                   f"libvmaf=model=version={VMAF_NEG_MODEL}", "xpsnr"):  # fmt: skip
        _pass(source, stream, clip, metric)


def _pass(source: Path, stream: Path, clip: ClipFormat, metric: str) -> None:
    align = f"format=yuv420p10le,settb=1/({clip.fps}),setpts=N"
    inputs = ["-r", str(clip.fps), "-threads", "1", "-i"]
    graph = f"[0:v]{align}[d];[1:v]{align}[r];[d][r]{metric}"
    run([*inputs, str(stream), *inputs, str(source), "-filter_complex_threads", "1",
         "-filter_complex", graph, "-f", "null", "-"])  # fmt: skip


def _library_command(source: Path, stream: Path, clip: ClipFormat) -> None:
    """The same five metrics by the library's command line, and by FFmpeg what it does not know."""
    models = Path(ffmpeg_quality_metrics.__file__).parent / "vmaf_models"
    command = ["-m", "ffmpeg_quality_metrics", stream, source, "-t", "1"]
    command += ["-r", str(clip.fps), "--ffmpeg-path", ffmpeg_path()]
    python(*command, "-m", "psnr", "ssim", "vmaf")
    python(*command, "-m", "vmaf", "--vmaf-model-path", models / f"{VMAF_NEG_MODEL}.json")
    _pass(source, stream, clip, "xpsnr")
