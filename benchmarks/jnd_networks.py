"""Benches of LASeR-JND and MTJND at the papers' size: frames, a training step, its memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from benchmarks.figures import ROOT, Bench, Figure, python
from jndlab.papers.jnd_networks.stages import NETWORKS, WITH_BLOCKS

SPEEDUP_GOAL = 1.5
GPU_GIB = 24  # of the card that the papers' batch is to fit
PAPER_BATCH = 8
STEP_BATCH = 2  # of the training step on a CPU
EPOCHS_STEPS = (300 * 22, 500 * 22)  # LASeR-JND's and MTJND's epochs, of 176 frames in batches of 8


def jnd_networks(bench: Bench) -> Iterator[Figure]:
    """Each network on one frame: ONNX Runtime against eager torch; the best speed-up has a goal."""
    names = [name for networks in NETWORKS.values() for name in networks]
    told = {}
    for name in names:
        bench.say(f"{name} on one frame of the paper's size")
        told[name] = _measured(f"bench_frames({name!r}, threads={bench.cores})")
        yield Figure(
            f"{name}, a frame, ONNX Runtime",
            1 / told[name]["onnx_seconds"],
            "frames/s",
            1 / told[name]["eager_seconds"],
            "eager float32 PyTorch, same threads",
            f"{bench.cores} threads, prepared input, in turns, medians of 3",
        )
    best = max(told.values(), key=lambda row: row["speedup"])
    yield Figure(
        "JND networks: best speed-up by ONNX Runtime",
        best["speedup"],
        "times",
        1,
        "eager float32 PyTorch",
        f"{best['network']}; the fastest turn of each",
        at_least=SPEEDUP_GOAL,
    )


def training(bench: Bench) -> Iterator[Figure]:
    """Training steps at the papers' size and their memory: with a GPU of all networks, measured.

    Without one: the lightest network at a smaller batch, and memory of the heaviest by estimate;
    ``bench.long`` adds a real step of the two whose memory asks for checkpoints, some minutes each.
    """
    if _measured("has_gpu()"):
        for name in (name for networks in NETWORKS.values() for name in networks):
            bench.say(f"training steps of {name} at the paper's size, batch {PAPER_BATCH}")
            yield from _full_size(name, bench.cores, steps=10)
        return
    bench.say(f"training steps of LAT at the paper's size, batch {STEP_BATCH}")
    call = f"bench_training('lat', batch_size={STEP_BATCH}, threads={bench.cores})"
    told = _measured(call)
    yield Figure(
        f"training LAT, batch {STEP_BATCH} of 640x352",
        told["steps_per_second"],
        "steps/s",
        EPOCHS_STEPS[0] * PAPER_BATCH / STEP_BATCH / 86_400,
        "300 epochs of 176 frames (VideoSet, 80 %, one frame each) in one day",
        f"forward, backward and Adam on {told['device']}, {told['threads']} threads",
    )
    bench.say(f"memory of training steps at batch {PAPER_BATCH}, by estimate")
    heavy = _measured(f"bench_memory({list(WITH_BLOCKS)!r}, options={{'checkpoint_blocks': True}})")
    for name, gib in heavy.items():
        yield Figure(
            f"memory of training {name}, batch {PAPER_BATCH} of 640x352",
            gib,
            "GiB",
            GPU_GIB,
            "memory of the card that it is to fit",
            "tensors alive at the worst moment of a step, block computed twice in chunks; counted "
            "on tensors without content",
            at_most=1,
        )
    for name in ("rec", "mj_rec") if bench.long else ():
        bench.say(f"a real training step of {name}, batch {PAPER_BATCH}")
        yield from _full_size(name, bench.cores, steps=1)


def _full_size(name: str, threads: int, steps: int) -> Iterator[Figure]:
    """Steps and measured peak of one network at the paper's size and batch, as trained there."""
    options = {"checkpoint_blocks": True} if name in WITH_BLOCKS else {}
    call = f"bench_training({name!r}, steps={steps}, threads={threads}, options={options})"
    told = _measured(call)
    size = f"batch {PAPER_BATCH} of the paper's size"
    yield Figure(
        f"training {name}, {size}",
        told["steps_per_second"],
        "steps/s",
        EPOCHS_STEPS[name.startswith("mt_")] / 86_400,
        "all epochs of 176 frames (VideoSet, 80 %, one frame each) in one day",
        f"forward, backward and Adam in float32 on {told['device']}",
    )
    whole = "of tensors" if told["device"].startswith("cuda") else "of the whole process"
    yield Figure(
        f"measured memory of training {name}, {size}",
        told["peak_gib"],
        "GiB",
        GPU_GIB,
        "memory of the card that it is to fit",
        f"peak {whole} on {told['device']}",
        at_most=1,
    )


def _measured(call: str) -> Any:
    """A function of benchmarks.jnd_training in a process of its own: torch stays out of here."""
    program = "import json; from benchmarks.jnd_training import *\n"
    program += f"print(json.dumps({call}))"
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = python("-c", program, cwd=ROOT, env=environment)
    return json.loads(done.stdout.splitlines()[-1])
