"""Speed of VP-JND: calls and seconds of a search, pixel-JND maps of 1080p, pairs per second."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from jndlab.codecs.stills.base import get_still_codec
from jndlab.jnd.pixel.maps import MODELS, pixel_jnd
from jndlab.jnd.quality_search import search_pw_jnd
from jndlab.models.model_files import build_network
from jndlab.models.vp_jnd.choice import VpJndChoice
from jndlab.models.vp_jnd.network import VpJndNet
from jndlab.models.vp_jnd.onnx import ClassifierSession, export_classifier
from jndlab.models.vp_jnd.patch_classifier import PatchClassifier
from jndlab.training.devices import torch_threads

REDUCED = {"width": 0.25, "patch_size": 32, "start": "detail"}
PATCHES = 32
QUALITIES = range(1, 101)


def bench_search(rounds: int = 3, search: str = "voting") -> dict[str, Any]:
    """Mean calls of a search over the 101 clean sequences, and seconds for a picture of 512x384.

    The classifier is VP-JNDnet at a quarter of its width with random weights, in ONNX Runtime;
    coding and decoding by JPEG are part of each call.
    """
    calls = [
        search_pw_jnd(lambda quality, edge=edge: quality <= edge, QUALITIES, search).calls
        for edge in range(101)
    ]
    picture = _noise(384, 512)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        export_classifier(_network(), model)
        ways = {
            name: VpJndChoice(model=model, codec=get_still_codec("jpeg"), patches=PATCHES,
                              search=name)
            for name in (search, "exhaustive")
        }  # fmt: skip
        found = {name: way.choose(picture).calls for name, way in ways.items()}
        seconds = _medians({n: lambda way=w: way.choose(picture) for n, w in ways.items()}, rounds)
    return {
        "search": search,
        "mean_calls": statistics.mean(calls),
        "most_calls": max(calls),
        "timed_calls": found[search],
        "seconds": seconds[search],
        "exhaustive_seconds": seconds["exhaustive"],
    }


def bench_pixel_jnd(rounds: int = 3) -> dict[str, float]:
    """CPU seconds of a 1080p map by each model, on one thread."""
    luma = _noise(1080, 1920)[..., 0]
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        ways = {model: lambda model=model: pixel_jnd(luma, model) for model in MODELS}
        return _medians(ways, rounds, time.process_time)
    finally:
        cv2.setNumThreads(before)


def bench_pairs(threads: int, rounds: int = 3, pictures: int = 4) -> dict[str, Any]:
    """Pairs of pictures (32 patches of 32x32) judged per second, eager and in ONNX Runtime."""
    network = _network()
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.rand(pictures, PATCHES, 3, 32, 32, generator=generator) for _ in range(3)]

    def eager() -> None:
        with torch.inference_mode():
            network.verdict(*inputs)

    with tempfile.TemporaryDirectory() as folder, torch_threads(threads):
        export_classifier(network, Path(folder) / "model.onnx")
        session = ClassifierSession(Path(folder) / "model.onnx", threads=threads)
        arrays = [tensor.numpy() for tensor in inputs]
        seconds = _medians({"eager": eager, "onnx": lambda: session.run(*arrays)}, rounds)
    return {f"{name}_pairs_per_second": pictures / value for name, value in seconds.items()}


def _network() -> PatchClassifier:
    network = build_network("vp_jnd", REDUCED, seed=0)
    assert isinstance(network, VpJndNet)
    return network.eval()


def _noise(height: int, width: int) -> np.ndarray:
    """A picture with edges and noise (H x W x 3, uint8)."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (height // 32 + 1, width // 32 + 1, 3), dtype=np.uint8)
    wide = blocks.repeat(32, axis=0).repeat(32, axis=1)[:height, :width].astype(np.int16)
    noisy = wide + rng.integers(-12, 13, wide.shape)
    return np.ascontiguousarray(noisy.clip(0, 255).astype(np.uint8))


def _medians(
    ways: dict[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median seconds of each, in turns, so that load meets all alike; once before to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            started = clock()
            way()
            if turn:
                seconds[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}
