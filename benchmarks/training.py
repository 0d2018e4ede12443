"""Speed of the luma networks: prefiltering against eager PyTorch, memory, and training steps."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import psutil
import torch

from jndlab.models.layers import LumaNetwork
from jndlab.models.model_files import build_network
from jndlab.models.network_prefilter import filter_integers
from jndlab.models.onnx_runtime import LumaSession, onnx_bytes, usable_cores
from jndlab.training.devices import choose_device, device_name, torch_threads
from jndlab.training.recipe import Recipe, named_outputs

MIB = 1 << 20


def bench_prefilter(
    frames: int = 8,
    *,
    network: str = "iqnet",
    width: int = 1920,
    height: int = 1080,
    threads: int | None = None,
    memory_frames: int = 0,
) -> dict[str, Any]:
    """Seconds per frame (median of ``frames``) of eager float32 PyTorch and of ONNX Runtime.

    ``eager`` is the network as it is trained, ``eager_folded`` its form for use, ``onnx`` the
    export of that. All filter the same 8-bit noise on the same CPU threads in turns, so that a
    busy machine slows all; conversion from and to 8 bit is included. ``speedup`` is eager / onnx.
    With ``memory_frames``, ONNX Runtime then filters as many more frames and
    ``memory_growth_mib`` tells how far the process grew at most after the first of them.
    """
    threads = threads or usable_cores()
    model = _luma_network(network)
    session = LumaSession(onnx_bytes(model), threads=threads)
    frame = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)

    ways = {
        "eager": _eager_filter(model),
        "eager_folded": _eager_filter(model.for_use()),
        "onnx": session,
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    with torch_threads(threads):
        difference = np.abs(_filtered(ways["eager"], frame) - _filtered(session, frame)).max()
        for _ in range(frames):
            for way, run in ways.items():
                seconds[way].append(_seconds_of(partial(filter_integers, run, frame, 8)))
    resident = []
    for _ in range(memory_frames):
        filter_integers(session, frame, 8)
        resident.append(psutil.Process().memory_info().rss / MIB)
    median = {way: statistics.median(values) for way, values in seconds.items()}
    return {
        "network": network,
        "size": f"{width}x{height}",
        "threads": threads,
        "frames": frames,
        **{f"{way}_seconds_per_frame": round(value, 4) for way, value in median.items()},
        **{f"{way}_best_seconds": round(min(values), 4) for way, values in seconds.items()},
        "speedup": round(median["eager"] / median["onnx"], 2),
        "largest_difference_8bit_steps": round(float(difference) * 255, 6),
        "memory_frames": memory_frames,
        "memory_growth_mib": round(max(resident) - resident[0], 1) if resident else None,
    }


def bench_training(
    steps: int = 10,
    *,
    network: str = "iqnet",
    batch_size: int = 128,
    crop: int = 64,
    device: str = "auto",
    threads: int | None = None,
) -> dict[str, Any]:
    """Training steps per second (forward, backward, Adam) on random crops, after two to warm up."""
    where = choose_device(device)
    model = _luma_network(network).to(where, memory_format=torch.channels_last).train()
    recipe = Recipe(epochs=1, batch_size=batch_size)
    optimizer = recipe.make_optimizer(model)
    half = where.type == "cuda"
    scaler = torch.amp.GradScaler(where.type, enabled=half)
    source = torch.rand(batch_size, 1, crop, crop, device=where)
    margin = model.border
    target = source[:, :, margin : crop - margin, margin : crop - margin]

    def take_steps(count: int) -> None:
        for _ in range(count):
            with torch.autocast(where.type, torch.float16, enabled=half):
                returned = model(source)
            loss = recipe.loss(named_outputs(returned), {"output": target})
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        if half:
            torch.cuda.synchronize(where)

    with torch_threads(threads) as used:
        take_steps(2)
        seconds = _seconds_of(lambda: take_steps(steps))
    return {
        "network": network,
        "batch_size": batch_size,
        "crop": crop,
        "device": f"{where.type}: {device_name(where)}",
        "threads": used,
        "steps_per_second": round(steps / seconds, 2),
    }


def bench_cuda_prefilter(
    frames: int = 50, *, network: str = "iqnet", width: int = 1920, height: int = 1080
) -> dict[str, Any]:
    """Frames per second of torch on CUDA; upload, conversion and download included."""
    device = choose_device("cuda")
    on_cuda = _eager_filter(_luma_network(network).for_use().to(device), device)
    frame = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    filter_integers(on_cuda, frame, 8)
    seconds = _seconds_of(lambda: [filter_integers(on_cuda, frame, 8) for _ in range(frames)])
    return {
        "network": network,
        "size": f"{width}x{height}",
        "device": f"cuda: {device_name(device)}",
        "frames_per_second": round(frames / seconds, 1),
    }


def _luma_network(name: str) -> LumaNetwork:
    model = build_network(name, seed=0)
    assert isinstance(model, LumaNetwork)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():  # no weight may stay zero: work could be skipped
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def _eager_filter(
    model: LumaNetwork, device: torch.device | str = "cpu"
) -> Callable[[np.ndarray], np.ndarray]:
    def run(luma: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            picture = torch.from_numpy(luma)[None, None].to(device)
            return model.at_use(picture)[0, 0].cpu().numpy()

    return run


def _filtered(run: Callable[[np.ndarray], np.ndarray], frame: np.ndarray) -> np.ndarray:
    return run(frame.astype(np.float32) / np.float32(255.0))


def _seconds_of(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
