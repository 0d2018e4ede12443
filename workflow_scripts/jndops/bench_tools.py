"""Benches of single parts: planning, imports, one measurement, the prefilters."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.datasets.prepare import prepare_sequence
from jndlab.datasets.sequences import load_sequences
from jndlab.media.clip import ClipFormat, clip_as_text
from jndlab.media.ffmpeg import ffmpeg_path, run
from jndlab.quality.full_reference import VMAF_MODEL, VMAF_NEG_MODEL, measure
from jndops.bench_figures import ROOT, Bench, Figure, in_turns, python

PLAN_LIMIT_SECONDS = 6
HEAVY = ("torch", "pyiqa", "mlflow", "seaborn", "pandas", "matplotlib")

# A measurement as the adapter does it, in a Python of its own.
MEASURE_PROGRAM = """
import sys, json
from pathlib import Path
from jndlab.media.clip import clip_from_text
from jndlab.quality.full_reference import measure
clip = clip_from_text(json.loads(sys.argv[3]))
measure(Path(sys.argv[1]), Path(sys.argv[2]), clip, work_dir=Path(sys.argv[4]))
"""


def planning(bench: Bench) -> Iterator[Figure]:
    """All of paper.yaml: by Snakemake's dry run, and by `make plan`."""
    paper = ["--configfile", "config/paper.yaml"]
    bench.say("paper.yaml is planned three times, in two ways")
    dry_run, make_plan = in_turns(
        [
            lambda: python("-m", "snakemake", "--dry-run", "--nolock", "--cores", "1", *paper),
            lambda: python("workflow_scripts/plan_run.py", *paper),
        ],
        3,
    )
    for name, spent in (("`snakemake --dry-run`", dry_run), ("`make plan`", make_plan)):
        yield Figure(
            f"planning paper.yaml: {name}",
            spent.wall,
            "s",
            PLAN_LIMIT_SECONDS,
            "limit",
            f"start of Python to its end, wall, median of 3 ({spent.cpu:.2f} s of CPU time)",
            at_most=1,
        )


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
            "import lines, median of 3",
        )
    told = "import json, sys\nprint(json.dumps([*sys.modules]))"
    loaded = {
        module.split(".")[0]
        for program in programs.values()
        for module in json.loads(python("-c", f"{program}\n{told}", cwd=_SCRIPTS).stdout)
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


def measurement(bench: Bench) -> Iterator[Figure]:
    """All five metrics in one decode against a pass for each, and against the library's command."""
    sequence = "bigbuckbunny"
    clip, source = _prepare(bench.folder, sequence)
    stream = bench.folder / "stream.266"
    bench.say("a stream is encoded (not counted) and measured in three ways")
    codec = get_codec({"adapter": "vvenc", "preset": "faster"})
    codec.encode(EncodeJob(source, clip, "AI", 37, stream, bench.folder, threads=bench.cores))
    environment = {"env": {"PYTHONPATH": str(_SCRIPTS), "PATH": str(ffmpeg_path().parent)}}
    clip_text = json.dumps(clip_as_text(clip))
    command = ["-m", "ffmpeg_quality_metrics", stream, source, "-m", "psnr", "ssim", "vmaf"]
    one, separate, own_process, library = in_turns(
        [
            lambda: measure(source, stream, clip, work_dir=bench.folder),
            lambda: _separate_passes(source, stream, clip),
            lambda: python(
                "-c", MEASURE_PROGRAM, source, stream, clip_text, bench.folder, **environment
            ),
            lambda: python(*command, "-t", "1", "--ffmpeg-path", ffmpeg_path()),
        ],
        max(3, bench.rounds),
    )
    what = f"{sequence} {clip.width}x{clip.height}, {clip.frames} frames, VVC AI QP 37, 1 thread"
    yield Figure(
        "measurement: one pass",
        clip.frames / one.wall,
        "frames/s",
        clip.frames / separate.wall,
        "an FFmpeg pass for each metric",
        f"PSNR, SSIM, VMAF, VMAF NEG, XPSNR; {what}. Both call FFmpeg from here, medians of wall.",
        at_least=1,
    )
    yield Figure(
        "measurement: one pass in a Python of its own",
        clip.frames / own_process.wall,
        "frames/s",
        clip.frames / library.wall,
        "`ffmpeg_quality_metrics -m psnr ssim vmaf`",
        f"our five metrics at 10 bit against the library's three at 8 or 10 bit, start of Python "
        f"in both; {what}.",
    )


def erjnd(bench: Bench) -> Iterator[Figure]:
    """The classical prefilter at 1080p, against the transforms that it cannot do without."""
    from jndlab.jnd.dct import dct_blocks, idct_blocks
    from jndlab.jnd.prefilter import load_prefilter
    from jndlab.media.blocks import split_blocks
    from jndlab.media.clip import read_clip

    clip, source = _prepare(bench.folder, "bigbuckbunny_720p", 1920, 1080, frames=6)
    lumas = [frame.y for frame in read_clip(source, clip)]
    prefilter = load_prefilter("jndlab.jnd.erjnd:ErjndPrefilter")
    bench.say(f"{len(lumas)} frames of 1920x1080 are filtered by ERJND, {bench.rounds} times")

    def transforms_only() -> None:
        for luma in lumas:
            idct_blocks(dct_blocks(split_blocks(luma.astype("float32"), 8)))

    def filtered() -> None:
        for luma in lumas:
            prefilter.filter_luma(luma.copy(), clip.bit_depth, None)

    ours, transforms = in_turns([filtered, transforms_only], max(3, bench.rounds))
    yield Figure(
        "prefilter ERJND, 1080p",
        len(lumas) / ours.wall,
        "frames/s",
        len(lumas) / transforms.wall,
        "8x8 DCT and inverse alone (float32)",
        "luma of an enlarged real clip in memory, default options, as many threads as NumPy takes; "
        "files and decoding not counted.",
    )


_SCRIPTS = ROOT / "workflow_scripts"
_PREAMBLE = [  # of Snakemake's class PythonScript
    "from snakemake.logging import logger",
    "from snakemake.iocontainers import Snakemake",
]


def _imports_of(adapter: str) -> str:
    """What a rule's script imports; whole, it cannot run without Snakemake."""
    lines = (_SCRIPTS / f"{adapter}.py").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line.startswith(("import ", "from "))]
    return "\n".join([*_PREAMBLE, *lines])


def _prepare(
    folder: Path, name: str, width: int | None = None, height: int | None = None, frames: int = 17
) -> tuple[ClipFormat, Path]:
    """A demo clip as a lossless file, enlarged where a size is given."""
    sequence = load_sequences(ROOT / "config/sequences.tsv")[name]
    if width and height:
        size = f"{sequence.width}x{sequence.height}"
        sequence = dataclasses.replace(sequence, width=width, height=height, scaled_from=size)
    clip, target = sequence.clip(frames), folder / f"{name}.mkv"
    prepare_sequence(sequence, clip, folder, target, folder)
    return clip, target


def _separate_passes(source: Path, stream: Path, clip: ClipFormat) -> None:
    """Each of the five metrics by an FFmpeg call of its own, aligned and at 10 bit as ours."""
    align = f"format=yuv420p10le,settb=1/({clip.fps}),setpts=N"
    filters = ["psnr", "ssim", f"libvmaf=model=version={VMAF_MODEL}",
               f"libvmaf=model=version={VMAF_NEG_MODEL}", "xpsnr"]  # fmt: skip
    for name in filters:
        inputs = ["-r", str(clip.fps), "-threads", "1", "-i"]
        graph = f"[0:v]{align}[d];[1:v]{align}[r];[d][r]{name}"
        run([*inputs, str(stream), *inputs, str(source), "-filter_complex_threads", "1",
             "-filter_complex", graph, "-f", "null", "-"])  # fmt: skip
