"""What the JND networks cost: numbers, multiply-accumulates, memory, time of a frame here."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from jndlab.files import read_json
from jndlab.models.jnd_onnx import JndSession, jnd_onnx_bytes
from jndlab.models.keras.layers import (
    keras_parameter_count,
    multiply_accumulates,
    trainable_parameter_count,
)
from jndlab.models.model_files import build_network, load_model, parameter_count
from jndlab.models.picture_network import PictureNetwork
from jndlab.papers.jnd_networks.stages import Stage
from jndlab.training.devices import torch_threads

MIB = 2**20
COLUMNS = ["name", "network", "input", "parameters", "trainable", "gmac", "weights_mib",
           "training_peak_mib", "training_device", "eager_ms", "onnx_ms",
           "paper_input", "paper_parameters", "paper_keras_parameters", "paper_gmac"]  # fmt: skip


def costs_of(
    stages: Mapping[str, Stage],
    weights: Mapping[str, str | Path],
    summaries: Mapping[str, str | Path],
    *,
    frames: int = 9,
) -> list[dict[str, Any]]:
    """A row (``COLUMNS``) for each network, its first level standing for all, without variants.

    ``weights`` and ``summaries`` are the model files (``.pt``) and summaries of trainings by stage
    name; of the latter comes the peak memory that a training took. Times are medians over
    ``frames`` of one frame on one thread, in turns, without reading and resizing. What is said of
    the paper's size is counted on tensors without content.
    """
    rows = []
    seen: set[str] = set()
    for name, path in weights.items():
        stage = stages[name]
        if stage.variant or stage.network in seen:
            continue
        seen.add(stage.network)
        network, trained = load_model(path), read_json(summaries[name])
        assert isinstance(network, PictureNetwork)
        height, width = network.input_size
        used = network.for_use().eval()
        rows.append(
            {
                "name": name,
                "network": stage.network,
                "input": f"{width}x{height}",
                "parameters": parameter_count(used),
                "trainable": trainable_parameter_count(network),
                "gmac": multiply_accumulates(used, used.example_inputs()) / 1e9,
                "weights_mib": sum(p.numel() * 4 for p in used.state_dict().values()) / MIB,
                "training_peak_mib": trained["peak_memory_mib"],
                "training_device": trained["device"],
                **_milliseconds(network, frames),
                **_at_paper_size(stage.network),
            }
        )
    return rows


def _milliseconds(network: PictureNetwork, frames: int) -> dict[str, float]:
    """Of one frame, by torch as the network is trained and by ONNX Runtime as it is used."""
    session = JndSession(jnd_onnx_bytes(network), threads=1)
    generator = torch.Generator().manual_seed(0)
    (picture,) = (
        torch.rand(zeros.shape, generator=generator) for zeros in network.example_inputs()
    )
    array = picture.numpy()
    network.eval()
    ways: dict[str, Callable[[], Any]] = {
        "eager_ms": lambda: network(picture),
        "onnx_ms": lambda: session(array),
    }
    spent: dict[str, list[float]] = {way: [] for way in ways}
    with torch_threads(1), torch.inference_mode():
        for turn in range(frames + 1):
            for way, run in ways.items():
                started = time.perf_counter()
                run()
                if turn:  # the first of each warms up
                    spent[way].append(1000 * (time.perf_counter() - started))
    return {way: statistics.median(values) for way, values in spent.items()}


def _at_paper_size(network: str) -> dict[str, Any]:
    with torch.device("meta"):
        full = build_network(network)
        assert isinstance(full, PictureNetwork)
        used = full.for_use()
    height, width = full.input_size
    return {
        "paper_input": f"{width}x{height}",
        "paper_parameters": parameter_count(used),
        "paper_keras_parameters": keras_parameter_count(used),
        "paper_gmac": multiply_accumulates(used, used.example_inputs(device="meta")) / 1e9,
    }
