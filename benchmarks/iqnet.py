"""Benches of IQNet: the prefilter against eager PyTorch, its memory, training, candidates."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import yaml

from benchmarks.figures import ROOT, Bench, Figure, python
from benchmarks.grid import snakemake_lines
from jndlab.files import read_json

PREFILTER_GOAL = 6
MEMORY_FRAMES = 300
MEMORY_LIMIT_MIB = 16
BUSY_GOAL = 0.85
CANDIDATE_JOBS = 4

CANDIDATES = {
    "results_dir": "candidates",
    "sequences": ["bikes"],
    "frames": 1,
    "methods": {"anchor": {"kind": "anchor"}},
    "mlflow": False,
    "iqnet": {
        "training_data": {
            "source": "packaged",
            "pictures": 8,
            "jobs": CANDIDATE_JOBS,
            "codec": "vvenc-faster",
            "alphas": [0.1, 0.3, 0.5, 0.7, 1.0],
            "scorer": "piqe",
        }
    },
}


def network_prefilter(bench: Bench) -> Iterator[Figure]:
    """IQNet's network at 1080p in ONNX Runtime against eager PyTorch, and its memory."""
    bench.say(f"IQNet's prefilter at 1080p in PyTorch and in ONNX Runtime, {MEMORY_FRAMES} frames")
    told = _measured("prefilter", f"4, threads={bench.cores}, memory_frames={MEMORY_FRAMES}")
    yield Figure(
        "prefilter IQNet, 1080p, ONNX Runtime",
        1 / told["onnx_seconds_per_frame"],
        "frames/s",
        1 / told["eager_seconds_per_frame"],
        "eager float32 PyTorch, same threads",
        f"{told['threads']} threads, conversion from and to 8 bit included, frames in turns, "
        f"medians of {told['frames']}",
        at_least=PREFILTER_GOAL,
    )
    yield Figure(
        f"memory growth over {MEMORY_FRAMES} frames of 1080p",
        told["memory_growth_mib"],
        "MiB",
        MEMORY_LIMIT_MIB,
        "less than a dozen raw frames",
        "resident memory of the process after each frame, largest less that after the first",
        at_most=1,
    )


def training(bench: Bench) -> Iterator[Figure]:
    """Steps of IQNet's training at the paper's batch; a figure to plan by, without a goal."""
    bench.say("IQNet's training at batch 128")
    told = _measured("training", f"6, threads={bench.cores}")
    yield Figure(
        "training IQNet, batch 128 of 64x64",
        told["steps_per_second"],
        "steps/s",
        155_000 / 86_400,
        "the paper's 155,000 steps in one day",
        f"forward, backward and Adam on {told['device']}, {told['threads']} threads",
    )


def candidates(bench: Bench) -> Iterator[Figure]:
    """How busy making IQNet's candidates keeps the cores."""
    (bench.folder / "grid.yaml").write_text(yaml.safe_dump(CANDIDATES), encoding="utf-8")
    folder = f"{CANDIDATES['results_dir']}/iqnet"
    snakemake_lines(bench, [f"{folder}/training_data/pictures.csv"])
    bench.say(f"IQNet's candidates in {CANDIDATE_JOBS} jobs on {bench.cores} cores")
    names = [f"{folder}/candidates/{number:04d}.json" for number in range(CANDIDATE_JOBS)]
    lines = snakemake_lines(bench, names)
    begin = next(moment for moment, line in lines if line.startswith("Job "))
    end = [moment for moment, line in lines if line.startswith("Finished jobid")][-1]
    spent = end - begin
    busy = sum(read_json(bench.folder / name)["cpu_seconds"] for name in names)
    yield Figure(
        "cores kept busy by IQNet's candidates",
        busy,
        "CPU s",
        spent.wall * bench.cores,
        f"{bench.cores} cores x wall of the jobs",
        f"filters, encoders and decoders of 8 pictures at 5 alphas; other programs took "
        f"{spent.others:.1f} CPU s meanwhile",
        at_least=BUSY_GOAL,
    )


def _measured(what: str, arguments: str) -> dict:
    """A bench of jndlab.training in a process of its own: torch stays out of this one."""
    program = f"import json; from benchmarks.training import bench_{what} as bench\n"
    program += f"print(json.dumps(bench({arguments})))"
    done = python(
        "-c",
        program,
        cwd=ROOT,
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
    )
    return json.loads(done.stdout.splitlines()[-1])
