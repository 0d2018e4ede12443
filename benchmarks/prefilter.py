"""Bench of IQNet's classical filter at 1080p; the 1080p clip of this and of other benches."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Bench, Figure, in_turns
from jndlab.datasets.prepare import prepare_sequence
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.media.clip import ClipFormat, read_clip
from jndlab.paths import CONFIG


def iqnet_filter(bench: Bench) -> Iterator[Figure]:
    """IQNet's filter at 1080p, against the transforms that it cannot do without."""
    from jndlab.jnd.dct import dct_blocks, idct_blocks
    from jndlab.jnd.prefilter import load_prefilter
    from jndlab.media.blocks import split_blocks

    clip, source = prepare_clip(bench.folder, "bigbuckbunny_720p", (1920, 1080), frames=6)
    options = {"alpha": 0.5, "weighting": "xiang2016"}
    lumas = [frame.y for frame in read_clip(source, clip)]
    prefilter = load_prefilter("jndlab.jnd.erjnd:IqnetFilter", options)
    bench.say(
        f"{len(lumas)} frames of 1920x1080 are filtered by IQNet's filter, {bench.rounds} times"
    )

    def transforms_only() -> None:
        for luma in lumas:
            idct_blocks(dct_blocks(split_blocks(luma.astype("float32"), 8)))

    def filtered() -> None:
        for luma in lumas:
            prefilter.filter_luma(luma.copy(), clip.bit_depth, None)

    ours, transforms = in_turns([filtered, transforms_only], max(3, bench.rounds))
    yield Figure(
        "IQNet's filter, 1080p",
        len(lumas) / ours.wall,
        "frames/s",
        len(lumas) / transforms.wall,
        "8x8 DCT and inverse alone (float32)",
        "luma of an enlarged real clip in memory, default options, as many threads as NumPy takes; "
        "files and decoding not counted.",
    )


def prepare_clip(
    folder: Path, name: str, size: tuple[int, int] | None = None, frames: int = 17
) -> tuple[ClipFormat, Path]:
    """A demo clip as a lossless file, enlarged where a size (width, height) is given."""
    sequence = load_sequences(CONFIG / "sequences.tsv")[name]
    if size:
        before = f"{sequence.width}x{sequence.height}"
        sequence = dataclasses.replace(sequence, width=size[0], height=size[1], scaled_from=before)
    clip, target = sequence.clip(frames), folder / f"{name}.mkv"
    prepare_sequence(sequence, clip, folder, target, folder)
    return clip, target
