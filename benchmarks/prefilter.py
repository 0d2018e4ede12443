"""Bench of IQNet's classical filter at 1080p; the 1080p clip of this and of other benches."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import Bench, Figure, in_own_process
from jndlab.datasets.prepare import prepare_sequence
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.media.clip import ClipFormat, read_clip
from jndlab.paths import CONFIG

FILTER_GOAL = 55  # frames/s


def iqnet_filter(bench: Bench) -> Iterator[Figure]:
    """IQNet's filter at 1080p on one core, against the transforms that it cannot do without."""
    clip, source = prepare_clip(bench.folder, "bigbuckbunny_720p", (1920, 1080), frames=6)
    lumas = bench.folder / "lumas.npy"
    np.save(lumas, np.stack([frame.y for frame in read_clip(source, clip)]))
    rounds = max(3, bench.rounds)
    bench.say(f"{clip.frames} frames of 1920x1080 are filtered by IQNet's filter, {rounds} times")
    seconds = in_own_process(
        "benchmarks.prefilter", "filter_seconds", limit=1, lumas=str(lumas), rounds=rounds
    )
    yield Figure(
        "IQNet's filter, 1080p, one core",
        1 / seconds["filter"],
        "frames/s",
        FILTER_GOAL,
        "goal",
        "luma of an enlarged real clip in memory, default options, CPU time; files and decoding "
        f"not counted. 8x8 DCT and inverse of one grid alone reach {1 / seconds['transforms']:.0f} "
        f"frames/s. The filter needs two grids and two passes of OpenCV's Canny: these alone reach "
        f"{1 / (2 * seconds['transforms'] + seconds['edges']):.0f} frames/s.",
        at_least=1,
    )


def filter_seconds(*, lumas: str, rounds: int) -> dict[str, float]:
    """CPU seconds a frame of the filter, of the transforms of one grid, of finding minor edges."""
    from jndlab.jnd.dct import dct_blocks, idct_blocks
    from jndlab.jnd.edges import minor_edges
    from jndlab.jnd.prefilter import load_prefilter
    from jndlab.media.blocks import split_blocks

    frames = np.load(lumas)
    prefilter = load_prefilter(
        "jndlab.jnd.erjnd:IqnetFilter", {"alpha": 0.5, "weighting": "xiang2016"}
    )
    blocks = [split_blocks(luma.astype("float32"), 8) for luma in frames]
    ways: dict[str, Callable[[int], object]] = {
        "filter": lambda n: prefilter.filter_luma(frames[n].copy(), 8, None),  # type: ignore[union-attr]
        "transforms": lambda n: idct_blocks(dct_blocks(blocks[n])),
        "edges": lambda n: minor_edges(frames[n]),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            started = time.process_time()
            for number in range(len(frames)):
                way(number)
            if turn:  # the first warms up
                spent[name].append((time.process_time() - started) / len(frames))
    return {name: min(values) for name, values in spent.items()}


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
