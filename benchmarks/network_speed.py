"""Seconds of networks and of training steps; imports torch."""

from __future__ import annotations

import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode

from jndlab.memory import keep_freed_memory
from jndlab.models.jnd_onnx import JndSession, jnd_onnx_bytes
from jndlab.models.model_files import build_network
from jndlab.models.network_prefilter import filter_integers
from jndlab.models.onnx_runtime import (
    INPUT,
    REACH,
    TILE_COLUMNS,
    TILE_ROWS,
    LumaSession,
    onnx_bytes,
)
from jndlab.training.devices import choose_device, device_name, torch_threads
from jndlab.training.loop import train
from jndlab.training.recipe import Recipe, named_outputs
from jndlab.training.samplers.picture_pairs import PicturePairs, find_pairs

BATCH, CROP = 128, 64
SIZE = 2048  # of the matrices; the convolution is one of VGG16: 256 channels of 56 x 56, 3 x 3
_matrix, _picture, _kernel = (
    torch.ones(shape) for shape in ((SIZE, SIZE), (8, 256, 56, 56), (256, 256, 3, 3))
)
LIMITS: dict[str, Callable[[], object]] = {
    "product": lambda: _matrix @ _matrix,
    "convolution": lambda: torch.nn.functional.conv2d(_picture, _kernel, padding=1),
}
LIMIT_GIGAFLOP = {"product": 2 * SIZE**3 / 1e9, "convolution": 2 * 8 * 56**2 * 256**2 * 9 / 1e9}


def prefilter(
    *, frames: int, threads: int, memory_frames: int = 0, width: int = 1920, height: int = 1080
) -> dict[str, Any]:
    """Median seconds a frame of IQNet, eager and in ONNX Runtime; growth of memory in MiB.

    Also GFLOP a frame, and seconds of one core in each of the network's layers.
    """
    model = _luma_network()
    keep_freed_memory()  # as the suite's jobs do
    data = onnx_bytes(model)
    session = LumaSession(data, threads=threads)
    frame = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)

    def eager(luma: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model.at_use(torch.from_numpy(luma)[None, None])[0, 0].numpy()

    ways = {"eager": partial(filter_integers, eager, frame, 8),
            "onnx": partial(filter_integers, session, frame, 8)}  # fmt: skip
    with torch_threads(threads):
        seconds = _in_turns(ways | LIMITS, frames)
        picture = torch.from_numpy(frame)[None, None].float()
        work, folded = (_gigaflop(way.at_use, picture) for way in (model, model.for_use()))
    resident = [0.0]
    for _ in range(memory_frames):
        filter_integers(session, frame, 8)
        resident.append(psutil.Process().memory_info().rss / 2**20)
    growth = max(resident) - resident[min(1, memory_frames)]
    return {
        **seconds,
        "gigaflop": work,
        "folded_gigaflop": folded,
        "limit": _limit(seconds),
        "memory_growth_mib": growth,
        "layers_of_tiles": _layer_seconds(
            data, (TILE_ROWS, TILE_COLUMNS), (height, width), rim=REACH["iqnet"]
        ),
        "layers_of_frame": _layer_seconds(data, (height, width), (height, width)),
    }


def frame(*, network: str, threads: int, rounds: int = 3, **options: Any) -> dict[str, float]:
    """Median and best seconds of one frame in eager torch and in ONNX Runtime."""
    model = build_network(network, options or None, seed=0).for_use().eval()
    session = JndSession(jnd_onnx_bytes(model), threads=threads)
    generator = torch.Generator().manual_seed(0)
    (picture,) = (torch.rand(x.shape, generator=generator) for x in model.example_inputs())
    array = picture.numpy()
    with torch_threads(threads), torch.inference_mode():
        ways = {"eager": lambda: model(picture), "onnx": lambda: session(array)}
        seconds = _in_turns(ways | LIMITS, rounds)
        return {**seconds, "gigaflop": _gigaflop(model, picture), "limit": _limit(seconds)}


def training(*, folder: str, steps: int, threads: int, batch_size: int = BATCH) -> dict[str, Any]:
    """IQNet's steps per second on data in memory and in ``training.loop`` with its loader."""
    where = choose_device("auto")
    pairs = _pairs(Path(folder), crops=steps * batch_size)
    recipe = Recipe(epochs=1, batch_size=batch_size, best_by="train_loss")
    with torch_threads(threads):
        bare = _steps_per_second(recipe, pairs.batch(0, 0, batch_size), steps, where)
    summary = train(
        _luma_network(), pairs, recipe, Path(folder) / "run", threads=threads, show_progress=False
    )
    return {
        "device": f"{where.type}: {device_name(where)}",
        "steps_per_second": bare,
        "loop_steps_per_second": summary.steps_per_second,
    }


def _steps_per_second(recipe: Recipe, batch: Any, steps: int, where: torch.device) -> float:
    model = _luma_network().to(where, memory_format=torch.channels_last).train()
    optimizer = recipe.make_optimizer(model)
    half = where.type == "cuda"
    scaler = torch.amp.GradScaler(where.type, enabled=half)
    inputs = [tensor.to(where) for tensor in batch.inputs]
    targets = {name: tensor.to(where) for name, tensor in batch.targets.items()}

    def take_steps(count: int) -> None:
        for _ in range(count):
            with torch.autocast(where.type, torch.float16, enabled=half):
                returned = model(*inputs)
            loss = recipe.loss(named_outputs(returned), targets)
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        if half:
            torch.cuda.synchronize(where)

    take_steps(2)
    started = time.perf_counter()
    take_steps(steps)
    return steps / (time.perf_counter() - started)


def _pairs(folder: Path, crops: int) -> PicturePairs:
    """One noisy picture and its blurred version, from which the crops are taken."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 448), dtype=np.uint8)
    for name, picture in (("source", noise), ("target", cv2.blur(noise, (3, 3)))):
        (folder / name).mkdir()
        cv2.imwrite(str(folder / name / "noise.png"), picture)
    found = find_pairs(folder / "source", folder / "target")
    return PicturePairs(found, crop=CROP, held_out=0, crops_per_picture=crops, seed=0)


def _gigaflop(model: Callable[..., object], *inputs: torch.Tensor) -> float:
    """Additions and multiplications of a network's convolutions and products, in 1e9."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(*inputs)
    return counter.get_total_flops() / 1e9


def _layer_seconds(
    data: bytes, tile: tuple[int, int], frame: tuple[int, int], rim: int = 0, turns: int = 3
) -> dict[str, float]:
    """Seconds of one core in each kernel of an ONNX network, by ONNX Runtime's own clock.

    For as many samples as the frame has, in tiles with a rim around each; median of the tiles.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.enable_profiling = 1, True
    tiles = np.prod(frame) / np.prod(tile)
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = f"{folder}/layers"
        session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])
        seen = (1, 1, tile[0] + 2 * rim, tile[1] + 2 * rim)
        picture = np.random.default_rng(0).random(seen, np.float32)
        for _ in range(math.ceil(turns * tiles)):
            session.run(None, {INPUT: picture})
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    kernels: dict[str, list[float]] = {}
    for event in events:
        if event["name"].endswith("_kernel_time"):
            name = event["name"].removesuffix("_kernel_time").removeprefix("/network/")
            kernels.setdefault(name.replace("_output_0_nchwc", ""), []).append(event["dur"])
    return {name: tiles * statistics.median(values) / 1e6 for name, values in kernels.items()}


def _limit(seconds: dict[str, float]) -> float:
    """GFLOP/s of the fastest arithmetic: a convolution, or a product of matrices."""
    return max(work / seconds[f"best_{name}"] for name, work in LIMIT_GIGAFLOP.items())


def _luma_network() -> Any:
    model = build_network("iqnet", seed=0)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():  # no weight may stay zero: work could be skipped
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def _in_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median and best seconds of each, after one turn to warm up: load affects all equally."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return medians | {f"best_{name}": min(values) for name, values in seconds.items()}
