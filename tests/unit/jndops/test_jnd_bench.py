"""Benches of LASeR-JND and MTJND: what they run with a GPU and without, and their functions."""

from __future__ import annotations

import pytest

from benchmarks import jnd_networks as bench_jnd_networks
from benchmarks.figures import Bench
from benchmarks.jnd_training import bench_frames, bench_training
from benchmarks.run import BENCHES
from jndlab.papers.jnd_networks.stages import NETWORKS

TINY = {"input_size": [64, 64], "width": 0.0625}
NAMES = [name for networks in NETWORKS.values() for name in networks]


@pytest.fixture
def figures_of(monkeypatch, tmp_path):
    """Run a bench on made-up measurements: its figures, and the calls that it asked for."""

    def run(name: str, *, gpu: bool, long: bool = False):
        calls = []

        def measured(call: str):
            calls.append(call)
            if call == "has_gpu()":
                return gpu
            if call.startswith("bench_memory"):
                return {"rec": 2.5, "e2e_rec": 4.0, "mj_rec": 30.0}
            device = "cuda: card" if gpu else "cpu: chip"
            return {"network": "lat", "steps_per_second": 2.0, "device": device, "threads": 2,
                    "peak_gib": 12.0, "eager_seconds": 2.0, "onnx_seconds": 1.0,
                    "speedup": 2.0}  # fmt: skip

        monkeypatch.setattr(bench_jnd_networks, "_measured", measured)
        bench = Bench(tmp_path, 2, 1, lambda text: None, long)
        return list(BENCHES[name](bench)), calls

    return run


def test_frames_of_every_network_are_timed(figures_of):
    figures, calls = figures_of("jnd_networks", gpu=False)
    assert [call.split("'")[1] for call in calls] == NAMES
    assert figures[-1].met and figures[-1].at_least == 1.5


def test_a_gpu_trains_every_network_at_full_size(figures_of):
    figures, calls = figures_of("jnd_networks_training", gpu=True)
    assert [call.split("'")[1] for call in calls[1:]] == NAMES
    assert all("'checkpoint_blocks': True" in call for call in calls if "rec'" in call)
    assert len(figures) == 2 * len(NAMES)
    memory = [figure for figure in figures if figure.unit == "GiB"]
    assert all(figure.met and "cuda: card" in figure.counted for figure in memory)


def test_without_a_gpu_memory_is_estimated_and_on_demand_measured(figures_of):
    figures, _ = figures_of("jnd_networks_training", gpu=False)
    assert [figure.met for figure in figures] == [None, True, True, False]  # 30 of 24 GiB
    longer, calls = figures_of("jnd_networks_training", gpu=False, long=True)
    assert len(longer) == len(figures) + 4
    assert "of the whole process" in longer[-1].counted and "steps=1" in calls[-1]


def test_measurements_of_a_tiny_network():
    frames = bench_frames("lat", threads=1, rounds=1, options=TINY)
    assert min(frames["eager_seconds"], frames["onnx_seconds"], frames["speedup"]) > 0
    told = bench_training("mt_1ljnd_va", batch_size=2, steps=1, threads=1, device="cpu",
                          options=TINY)  # fmt: skip
    assert told["steps_per_second"] > 0 and 0.05 < told["peak_gib"] < 20
