"""Speed and memory of the JND networks at their papers' size: frames, training steps."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.training_memory import training_memory, training_step
from jndlab.models.jnd_onnx import JndSession, jnd_onnx_bytes
from jndlab.models.model_files import build_network
from jndlab.models.picture_network import PictureNetwork
from jndlab.training.devices import choose_device, device_name, torch_threads

GIB = 2**30


def bench_frames(
    network: str, *, threads: int, rounds: int = 3, options: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Seconds of one frame in eager torch and in ONNX Runtime, in turns, after one to warm up.

    ``speedup`` is that of the best turns: a busy machine slows single ones.
    """
    model = _network(network, options).for_use().eval()
    session = JndSession(jnd_onnx_bytes(model), threads=threads)
    generator = torch.Generator().manual_seed(0)
    (picture,) = (torch.rand(x.shape, generator=generator) for x in model.example_inputs())
    array = picture.numpy()
    ways: dict[str, Callable[[], Any]] = {
        "eager": lambda: model(picture),
        "onnx": lambda: session(array),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    with torch_threads(threads), torch.inference_mode():
        for turn in range(rounds + 1):
            for way, run in ways.items():
                started = time.perf_counter()
                run()
                if turn:
                    seconds[way].append(time.perf_counter() - started)
    return {
        "network": network,
        "threads": threads,
        **{f"{way}_seconds": statistics.median(values) for way, values in seconds.items()},
        "speedup": min(seconds["eager"]) / min(seconds["onnx"]),
    }


def bench_training(
    network: str,
    *,
    batch_size: int = 8,
    steps: int = 3,
    threads: int | None = None,
    device: str = "auto",
    options: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Training steps per second (forward, backward, Adam, float32) after one to warm up.

    ``peak_gib`` is the measured peak: of tensors on CUDA (with ``reserved_gib``, what the allocator
    held for them), on a CPU of this whole process, so ask for one training a process there.
    """
    where = choose_device(device)
    model = _network(network, options).to(where, memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad])
    inputs = tuple(torch.rand_like(x) for x in model.example_inputs(batch_size, where))
    cuda = where.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(where)
    with torch_threads(threads) as used:
        training_step(model, optimizer, inputs)
        if cuda:
            torch.cuda.synchronize(where)
        started = time.perf_counter()
        for _ in range(steps):
            training_step(model, optimizer, inputs)
        if cuda:
            torch.cuda.synchronize(where)
        seconds = time.perf_counter() - started
    return {
        "network": network,
        "batch_size": batch_size,
        "device": f"{where.type}: {device_name(where)}",
        "threads": used,
        "steps_per_second": steps / seconds,
        "peak_gib": torch.cuda.max_memory_allocated(where) / GIB if cuda else _process_gib(),
        "reserved_gib": torch.cuda.max_memory_reserved(where) / GIB if cuda else None,
    }


def bench_memory(
    networks: list[str], *, batch_size: int = 8, options: dict[str, Any] | None = None
) -> dict[str, float]:
    """Estimated peak GiB of a training step of each network (see ``models.training_memory``)."""
    return {
        name: training_memory(name, options, batch_size=batch_size).peak / GIB for name in networks
    }


def has_gpu() -> bool:
    """Whether a training would run on CUDA."""
    return choose_device("auto").type == "cuda"


def _process_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB  # KiB on Linux


def _network(name: str, options: dict[str, Any] | None) -> PictureNetwork:
    model = build_network(name, options, seed=0)
    assert isinstance(model, PictureNetwork)
    return model
