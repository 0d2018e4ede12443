"""All benches by name, run in one go, their figures written as JSON and as a table."""

from __future__ import annotations

import os
import platform
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jndlab.errors import UserError
from jndlab.files import write_json, write_text
from jndlab.media.ffmpeg import ffmpeg_version
from jndops.bench_figures import Bench, Figure, as_markdown
from jndops.bench_grid import encode_grid
from jndops.bench_iqnet import candidates, network_prefilter, training
from jndops.bench_tools import erjnd, imports, measurement, planning
from jndops.doctor import usable_cores

# A further bench is one entry: name -> function from a Bench to its figures.
BENCHES: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "encode_grid": encode_grid,
    "planning": planning,
    "imports": imports,
    "measurement": measurement,
    "erjnd": erjnd,
    "iqnet_prefilter": network_prefilter,
    "iqnet_training": training,
    "iqnet_candidates": candidates,
}


def run_benches(
    names: Iterable[str], *, cores: int, rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run benches one after the other; returns figures, machine and what failed.

    A bench that fails is told and does not keep the others from running.
    """
    machine = _machine(cores)
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    started = time.monotonic()
    for name in choose(names):
        begun = time.monotonic()

        def told(text: str, name: str = name) -> None:
            say(f"[{time.monotonic() - started:5.0f} s] {name}: {text}")

        with TemporaryDirectory(prefix="jndlab-bench-") as folder:
            try:
                figures += BENCHES[name](Bench(Path(folder), cores, rounds, told))
            except Exception as error:
                failures[name] = f"{type(error).__name__}: {error}"
                told("FAILED\n" + traceback.format_exc())
        told(f"done in {time.monotonic() - begun:.0f} s")
    machine["load_average_after"] = round(os.getloadavg()[0], 2)
    return {
        "figures": figures,
        "failures": failures,
        "machine": machine,
        "seconds": round(time.monotonic() - started, 1),
    }


def choose(names: Iterable[str]) -> list[str]:
    """The benches of the given names, all of them for none; raises UserError for an unknown."""
    chosen = list(names) or list(BENCHES)
    for name in chosen:
        if name not in BENCHES:
            raise UserError(f"there is no bench '{name}'.", expected="one of " + ", ".join(BENCHES))
    return chosen


def write_results(done: dict[str, Any], folder: Path) -> str:
    """Write ``bench.json`` and ``bench.md``; returns the text of the latter."""
    figures: list[Figure] = done["figures"]
    rows = [figure.as_row() for figure in figures]
    write_json(folder / "bench.json", {"schema": 1, **done, "figures": rows})
    machine = done["machine"]
    head = (
        f"Speed as ratios of one run, {done['seconds']:.0f} s on {machine['cores_used']} of "
        f"{machine['cores']} cores; load average {machine['load_average_before']} before and "
        f"{machine['load_average_after']} after (more than the cores used: other programs ran)."
    )
    text = as_markdown(figures, head)
    text += "".join(f"\nFAILED {name}: {reason}\n" for name, reason in done["failures"].items())
    write_text(folder / "bench.md", text)
    return text


def _machine(cores: int) -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "cores_used": cores,
        "load_average_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "ffmpeg": ffmpeg_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
