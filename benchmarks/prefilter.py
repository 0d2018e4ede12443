"""Benches of IQNet's filter at 1080p and of candidates made with it; the clips of all benches."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.figures import Bench, Figure, in_own_process, timed
from jndlab.datasets.prepare import prepare_sequence
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.media.clip import ClipFormat, read_clip
from jndlab.memory import keep_freed_memory
from jndlab.paths import CONFIG

FILTER_GOAL = 55  # frames/s
BUSY_GOAL = 0.95
PICTURES = 4  # of a job that makes candidates


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
    alone = seconds["operations"] + seconds["edges"]
    yield Figure(
        "IQNet's filter, 1080p, one core",
        1 / seconds["filter"],
        "frames/s",
        FILTER_GOAL,
        "goal",
        "luma of an enlarged real clip in memory, default options, CPU time; files and decoding "
        f"not counted; BLAS takes its kernels for {seconds['kernels']}.",
        at_least=1,
    )
    yield Figure(
        "IQNet's filter, 1080p, share of its operations alone",
        1 / seconds["filter"],
        "frames/s",
        1 / alone,
        "limit",
        f"limit: {1e3 * seconds['products']:.1f} ms a frame in the products with the DCT's matrix "
        f"(64 x 64, four times for each block: two grids, there and back), "
        f"{1e3 * (seconds['operations'] - seconds['products']):.1f} ms in thresholds and clipping, "
        "both on the same blocks over and over, which stay in the cache, and "
        f"{1e3 * seconds['edges']:.1f} ms in finding minor edges (two passes of OpenCV's Canny). "
        f"The other {1e3 * (seconds['filter'] - alone):.1f} ms bring samples into blocks and back, "
        "average the grids, round. All sums keep their order, so that every sample stays the same: "
        "two 8 x 8 products instead of one of 64 x 64 would round otherwise.",
    )


def filter_seconds(*, lumas: str, rounds: int) -> dict[str, Any]:
    """CPU seconds a frame of the filter, and of what it computes: see the figures' words."""
    import cv2
    from threadpoolctl import threadpool_info

    from jndlab.jnd.dct import BLOCK, dct_blocks, idct_blocks
    from jndlab.jnd.edges import minor_edges
    from jndlab.jnd.erjnd import AT_ONCE, IqnetFilter, erjnd_threshold
    from jndlab.media.blocks import split_blocks

    keep_freed_memory()  # as a job of one thread does
    cv2.setNumThreads(1)
    frames = np.load(lumas)
    prefilter = IqnetFilter(alpha=0.5, weighting="xiang2016")
    part = split_blocks(frames[0].astype("float32"), BLOCK).reshape(-1, BLOCK, BLOCK)[:AT_ONCE]
    coefficients, weights = dct_blocks(part), prefilter.weights.astype("float32")
    parts = 2 * frames[0].size / part.size

    def threshold_and_clip() -> None:
        scale = (0.5 * erjnd_threshold(coefficients)).astype("float32")
        bound = scale[:, np.newaxis, np.newaxis] * weights
        np.maximum(np.minimum(coefficients, bound), -bound)

    def of_frame(*operations: Callable[[], object]) -> None:
        for _ in range(round(parts)):
            for operation in operations:
                operation()

    products = [lambda: dct_blocks(part), lambda: idct_blocks(coefficients)]
    ways: dict[str, Callable[[int], object]] = {
        "filter": lambda n: prefilter.filter_luma(frames[n].copy(), 8),
        "products": lambda n: of_frame(*products),
        "operations": lambda n: of_frame(*products, threshold_and_clip),
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
    kernels = {one["architecture"] for one in threadpool_info() if "architecture" in one}
    best = {name: min(values) for name, values in spent.items()}
    return best | {"kernels": " and ".join(sorted(kernels)) or "what it does not say"}


def iqnet_candidates(bench: Bench) -> Iterator[Figure]:
    """How busy jobs of IQNet's candidates keep the cores: one job for each, the same work."""
    bench.say(f"candidates of {PICTURES} pictures are made by {bench.cores} jobs at a time")
    rounds: list[tuple[float, float]] = []
    some = partial(in_own_process, "benchmarks.prefilter", "make_some", limit=1)

    def jobs() -> None:
        targets = [str(bench.folder / f"{number}.npz") for number in range(bench.cores)]
        with ThreadPoolExecutor(bench.cores) as pool:
            made = list(pool.map(lambda target: some(target=target, started=time.time()), targets))
        rounds.append((sum(job["cpu"] for job in made), sum(job["wall"] for job in made)))

    others = sum(timed(jobs).others for _ in range(max(3, bench.rounds)))
    cpu, wall = sorted(rounds, key=lambda found: found[0] / found[1])[len(rounds) // 2]
    yield Figure(
        "IQNet's candidates: cores kept busy",
        cpu,
        "CPU s",
        wall,
        "wall of each job",
        f"{PICTURES} packaged pictures of 448x256 a job, 4 alphas, VVenC faster, {bench.cores} "
        f"jobs at a time, from Python's start to its end; median of {len(rounds)}. Other programs "
        f"took {others / len(rounds):.1f} CPU seconds meanwhile: where they keep a job from its "
        "core, this is lower than on a machine without them.",
        at_least=BUSY_GOAL,
    )


def make_some(target: str, started: float) -> dict[str, float]:
    """What a job of IQNet's candidates does, for a few packaged pictures; its seconds."""
    import cv2

    from jndlab.codecs import get_codec
    from jndlab.datasets.pictures.crops import list_crops, load_crop
    from jndlab.papers.iqnet.candidates import CandidateOptions, make_candidates, write_candidates

    keep_freed_memory()  # as a job of one thread does
    cv2.setNumThreads(1)
    options = CandidateOptions((0.25, 0.5, 0.75, 1.0), {"weighting": "xiang2016"})
    codec = get_codec({"adapter": "vvenc", "preset": "faster"})
    with TemporaryDirectory() as folder:
        write_candidates(
            target,
            (
                make_candidates(crop.name, load_crop(crop), options, codec, Path(folder))
                for crop in list_crops("packaged", crop=(448, 256), limit=PICTURES)
            ),
        )
    return {"cpu": sum(os.times()[:4]), "wall": time.time() - started}


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
