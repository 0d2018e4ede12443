"""Benches of networks: ONNX Runtime against eager PyTorch, training steps with their loader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.figures import Bench, Figure, in_own_process
from jndlab.models.onnx_runtime import TILE_COLUMNS, TILE_ROWS
from jndlab.papers.jnd_networks.stages import NETWORKS

PREFILTER_GOAL, FRAME_GOAL = 6, 1.5
LIMIT_GOAL, LOADER_GOAL = 0.95, 0.95
MEMORY_FRAMES, MEMORY_LIMIT_MIB = 100, 16


def iqnet_prefilter(bench: Bench) -> Iterator[Figure]:
    """IQNet's network at 1080p in ONNX Runtime against eager PyTorch, and its memory."""
    bench.say(f"IQNet's prefilter at 1080p in PyTorch and in ONNX Runtime, {MEMORY_FRAMES} frames")
    measured = _speed("prefilter", frames=4, threads=bench.cores, memory_frames=MEMORY_FRAMES)
    yield Figure(
        "prefilter IQNet, 1080p, ONNX Runtime",
        1 / measured["onnx"],
        "frames/s",
        1 / measured["eager"],
        "eager float32 PyTorch, same threads",
        f"{bench.cores} threads, conversion from and to 8 bit included, in turns, medians of 4",
        at_least=PREFILTER_GOAL,
    )
    yield _share_of_limit("prefilter IQNet, 1080p", measured, LIMIT_GOAL)
    yield _share_of_layers(measured, bench.cores)
    yield Figure(
        f"memory growth over {MEMORY_FRAMES} frames of 1080p",
        measured["memory_growth_mib"],
        "MiB",
        MEMORY_LIMIT_MIB,
        "less than a dozen raw frames",
        "resident memory of the process after each frame, largest less that after the first",
        at_most=1,
    )


def iqnet_training(bench: Bench) -> Iterator[Figure]:
    """Steps of IQNet's training at the paper's batch: bare, and in the loop with its loader."""
    bench.say("IQNet's training at batch 128")
    measured = _speed("training", folder=str(bench.folder), steps=6, threads=bench.cores)
    yield Figure(
        "training IQNet, batch 128 of 64x64",
        measured["steps_per_second"],
        "steps/s",
        155_000 / 86_400,
        "the paper's 155,000 steps in one day",
        f"forward, backward and optimizer on {measured['device']}, data in memory",
    )
    yield Figure(
        "training IQNet, the whole loop",
        measured["loop_steps_per_second"],
        "steps/s",
        measured["steps_per_second"],
        "the same steps on data in memory",
        "with crops, augmentation, validation, journal and checkpoints of training.loop",
        at_least=LOADER_GOAL,
    )


def jnd_networks(bench: Bench) -> Iterator[Figure]:
    """Each of LASeR-JND's and MTJND's networks on one frame of the paper's size."""
    speedups = {}
    for name in (name for networks in NETWORKS.values() for name in networks):
        bench.say(f"{name} on one frame of the paper's size")
        seconds = _speed("frame", network=name, threads=bench.cores)
        speedups[name] = seconds["best_eager"] / seconds["best_onnx"]
        yield Figure(
            f"{name}, a frame, ONNX Runtime",
            1 / seconds["onnx"],
            "frames/s",
            1 / seconds["eager"],
            "eager float32 PyTorch, same threads",
            f"{bench.cores} threads, prepared input, in turns, medians of 3",
        )
        yield _share_of_limit(f"{name}, a frame", seconds)
    best = max(speedups, key=speedups.__getitem__)
    yield Figure(
        "JND networks: best speed-up by ONNX Runtime",
        speedups[best],
        "times",
        1,
        "eager float32 PyTorch",
        f"{best}; the fastest turn of each",
        at_least=FRAME_GOAL,
    )


def _share_of_limit(name: str, measured: dict[str, float], goal: float | None = None) -> Figure:
    """A network in ONNX Runtime against the fastest arithmetic in the same turns."""
    left = measured.get("folded_gigaflop")
    folded = f" ({left:.1f} as it runs, its linear layers multiplied out)" if left else ""
    return Figure(
        f"{name}, share of the arithmetic limit",
        measured["gigaflop"] / measured["best_onnx"],
        "GFLOP/s",
        measured["limit"],
        "limit",
        f"{measured['gigaflop']:.1f} GFLOP a frame by PyTorch's counter{folded}; limit: the faster "
        "of a product of large matrices and a wide convolution in PyTorch, same threads, fastest "
        "turn",
        at_least=goal,
    )


def _share_of_layers(measured: dict[str, Any], cores: int) -> Figure:
    """IQNet's network against the kernels of its own layers, each on tiles that stay in cache."""
    layers = measured["layers_of_tiles"]
    alone, whole = (sum(measured[f"layers_of_{what}"].values()) for what in ("tiles", "frame"))
    one = layers["direct/Conv"] / layers["features/Conv"]  # both of 5x5, from luma
    slowest = sorted(layers, key=layers.__getitem__, reverse=True)[:6]
    return Figure(
        "prefilter IQNet, 1080p, share of its layers alone",
        1 / measured["best_onnx"],
        "frames/s",
        cores / alone,
        "limit",
        f"limit: {1e3 * alone:.0f} ms of a core for the kernels of a frame on tiles of "
        f"{TILE_ROWS} x {TILE_COLUMNS} and what they see around them, by ONNX Runtime's clock ("
        + ", ".join(f"{name} {1e3 * layers[name]:.1f}" for name in slowest)
        + f"); on a frame as a whole {1e3 * whole:.0f} ms: its maps of 16 channels, 133 MB, leave "
        f"the cache. The convolution of one channel takes {one:.2f} of the time of that of 16.",
    )


def _speed(function: str, **options: Any) -> dict[str, Any]:
    """A function of benchmarks.network_speed in its own process: torch stays out of this one."""
    return in_own_process("benchmarks.network_speed", function, **options)
