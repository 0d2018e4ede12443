"""Benches of VP-JND: search against asking at every quality, pixel-JND maps, classifier."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from benchmarks.figures import ROOT, Bench, Figure, python

CALLS_GOAL = 1 / 5
MAP_SECONDS = 1.0


def quality_search(bench: Bench) -> Iterator[Figure]:
    """Calls and seconds of the searches with blocks and by votes against the exhaustive one."""
    for search in ("voting", "block"):
        bench.say(f"quality search '{search}' against exhaustive")
        told = _measured("search", f"{bench.rounds}, '{search}'")
        yield Figure(
            f"calls of the search '{search}', mean over clean sequences",
            told["mean_calls"],
            "calls",
            100,
            "exhaustive",
            f"all 101 clean sequences of 100 qualities; at most {told['most_calls']}",
            # With blocks the fifth is kept on clean sequences only in part, see quality_search.
            at_most=CALLS_GOAL if search == "voting" else None,
        )
        yield Figure(
            f"seconds per picture, search '{search}'",
            told["seconds"],
            "s",
            told["exhaustive_seconds"],
            "exhaustive, same picture",
            f"512x384, JPEG and classifier (a quarter of the width, 32 patches of 32x32, random "
            f"weights) in ONNX Runtime; {told['timed_calls']} calls against 100",
            at_most=0.5,
        )


def pixel_jnd(bench: Bench) -> Iterator[Figure]:
    """CPU seconds of a 1080p map by each pixel-wise JND model."""
    bench.say("pixel-JND maps of 1080p")
    for model, seconds in _measured("pixel_jnd", f"{bench.rounds}").items():
        yield Figure(
            f"pixel-JND map 1920x1080, {model}",
            seconds,
            "CPU s",
            MAP_SECONDS,
            "one second",
            "one thread, luma of 8 bit",
            at_most=1,
        )


def classifier(bench: Bench) -> Iterator[Figure]:
    """Pairs that the classifier judges per second."""
    bench.say("VP-JNDnet's pairs per second, eager and in ONNX Runtime")
    told = _measured("pairs", f"{bench.cores}, {bench.rounds}")
    yield Figure(
        "VP-JNDnet (a quarter of the width), ONNX Runtime",
        told["onnx_pairs_per_second"],
        "pairs/s",
        told["eager_pairs_per_second"],
        "eager PyTorch, same threads",
        f"32 patches of 32x32 each, batches of 4 pairs, {bench.cores} threads",
        at_least=1,
    )


def _measured(what: str, arguments: str) -> dict:
    """A bench of jndlab.training in a process of its own: torch stays out of this one."""
    program = f"import json; from benchmarks.vp_jnd_training import bench_{what} as bench\n"
    program += f"print(json.dumps(bench({arguments})))"
    env = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = python("-c", program, cwd=ROOT, env=env)
    return json.loads(done.stdout.splitlines()[-1])
