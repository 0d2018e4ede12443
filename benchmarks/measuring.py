"""Benches of measuring (one decode for all metrics against peers) and of what adapters import."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.figures import ROOT, Bench, Figure, in_turns, python
from benchmarks.prefilter import prepare_clip
from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.media.clip import ClipFormat
from jndlab.media.ffmpeg import run
from jndlab.quality.full_reference import VMAF_MODEL, VMAF_NEG_MODEL, measure
from jndops.workflow.snakemake_patches import STAND_INS

# Filters that are timed alone; the models of libvmaf as measuring has them, in one instance.
PARTS = {
    "decoding": "psnr=enable=0",
    "PSNR": "psnr",
    "SSIM": "ssim",
    "XPSNR": "xpsnr",
    "VMAF": f"libvmaf=model=version={VMAF_MODEL}",
    "both models": f"libvmaf=model='version={VMAF_MODEL}|version={VMAF_NEG_MODEL}\\:name=neg'",
}
HEAVY = ("torch", "pyiqa", "mlflow", "seaborn", "pandas", "matplotlib")
_SCRIPTS = ROOT / "workflow_scripts"
_PREAMBLE = [STAND_INS, "import pickle", "from snakemake.iocontainers import Snakemake"]


def measuring(bench: Bench) -> Iterator[Figure]:
    """Frames per second of PSNR, SSIM, VMAF, VMAF NEG and XPSNR, in one pass and in five."""
    sequence = "bigbuckbunny"
    clip, source = prepare_clip(bench.folder, sequence)
    stream = bench.folder / "stream.266"
    bench.say("a stream is encoded (not counted) and measured in two ways")
    codec = get_codec({"adapter": "vvenc", "preset": "faster"})
    codec.encode(EncodeJob(source, clip, "AI", 37, stream, bench.folder, threads=bench.cores))
    passes = {name: partial(_pass, source, stream, clip, chain) for name, chain in PARTS.items()}
    one, separate, *others = in_turns(
        [
            lambda: measure(source, stream, clip, work_dir=bench.folder),
            lambda: _separate_passes(source, stream, clip),
            *passes.values(),
        ],
        max(3, bench.rounds),
    )
    cpu = {name: spent.cpu for name, spent in zip(passes, others, strict=True)}
    both = cpu.pop("both models")
    parts = {name: cpu[name] - cpu["decoding"] for name in ("PSNR", "SSIM", "XPSNR", "VMAF")}
    parts |= {"decoding": cpu["decoding"], "NEG": both - cpu["VMAF"]}
    words = ", ".join(f"{name} {1e3 * parts[name] / clip.frames:.1f}" for name in parts)
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
        "measuring: five metrics",
        frames / one.cpu,
        "frames/CPU s",
        frames / cpu["VMAF"],
        "libvmaf alone, one model",
        f"{what}. CPU time: how many frames a core measures a second. CPU ms a frame, each alone "
        f"beyond decoding: {words}; of the whole {1e3 * one.cpu / frames:.1f}. The second model "
        f"alone brings libvmaf to {cpu['VMAF'] / both:.2f} of what it does with one.",
        at_least=0.9,
    )
    yield Figure(
        "measuring: five metrics, share of libvmaf with both models",
        frames / one.cpu,
        "frames/CPU s",
        frames / both,
        "libvmaf alone, both models",
        f"{what}. CPU time; the limit of what these metrics can reach with this libvmaf.",
    )
    yield Figure(
        "measuring: one pass, CPU time",
        one.cpu / frames,
        "CPU s a frame",
        separate.cpu / frames,
        "an FFmpeg pass for each metric",
        "as above; less a matter of other programs.",
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


def imports(bench: Bench) -> Iterator[Figure]:
    """What the adapters of encode and measure jobs import: how long it takes, nothing heavy."""
    adapters = ["encode_clip", "measure_point", "measure_prefilter", "prepare_sequence"]
    bench.say(f"imports of {', '.join(adapters)}")
    programs = {name: _imports_of(name) for name in adapters}
    spent = in_turns(
        [lambda: python("-c", "pass")]
        + [lambda name=name: python("-c", programs[name], cwd=_SCRIPTS) for name in adapters],
        3,
    )
    for name, seconds in zip(adapters, spent[1:], strict=True):
        yield Figure(
            f"imports of {name}",
            seconds.cpu,
            "CPU s",
            spent[0].cpu,
            "a Python that does nothing",
            "CPU time of a Python that runs what Snakemake puts before a script and the script's "
            "import lines, median of 3; the first jobs of a run pay it, later ones are forks",
        )
    listing = "import json, sys\nprint(json.dumps([*sys.modules]))"
    loaded = {
        module.split(".")[0]
        for program in programs.values()
        for module in json.loads(python("-c", f"{program}\n{listing}", cwd=_SCRIPTS).stdout)
    }
    found = [module for module in HEAVY if module in loaded]
    yield Figure(
        "heavy packages that these import",
        len(found),
        "packages",
        len(HEAVY),
        ", ".join(HEAVY),
        f"in `sys.modules` after the imports of any of them: {', '.join(found) or 'none'}",
        at_most=0,
    )


def _imports_of(adapter: str) -> str:
    """What a rule's script imports; whole, it cannot run without Snakemake."""
    lines = (_SCRIPTS / f"coding/{adapter}.py").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line.startswith(("import ", "from "))]
    return "\n".join([*_PREAMBLE, *lines])
