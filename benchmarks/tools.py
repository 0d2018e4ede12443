"""Benches of single parts: imports of the adapters, the classical prefilter; clips for both."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import ROOT, Bench, Figure, in_turns, python
from jndlab.datasets.prepare import prepare_sequence
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.media.clip import ClipFormat

HEAVY = ("torch", "pyiqa", "mlflow", "seaborn", "pandas", "matplotlib")


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


def erjnd(bench: Bench) -> Iterator[Figure]:
    """The classical prefilter at 1080p, against the transforms that it cannot do without."""
    from jndlab.jnd.dct import dct_blocks, idct_blocks
    from jndlab.jnd.prefilter import load_prefilter
    from jndlab.media.blocks import split_blocks
    from jndlab.media.clip import read_clip

    clip, source = prepare_clip(bench.folder, "bigbuckbunny_720p", 1920, 1080, frames=6)
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


def prepare_clip(
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


_SCRIPTS = ROOT / "workflow_scripts"
_PREAMBLE = [  # of Snakemake's class PythonScript
    "from snakemake.logging import logger",
    "from snakemake.iocontainers import Snakemake",
]


def _imports_of(adapter: str) -> str:
    """What a rule's script imports; whole, it cannot run without Snakemake."""
    lines = (_SCRIPTS / f"coding/{adapter}.py").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line.startswith(("import ", "from "))]
    return "\n".join([*_PREAMBLE, *lines])
