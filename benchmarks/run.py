"""All benches by name, run in one go, their figures written as JSON and as a table."""

from __future__ import annotations

import os
import platform
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.disk import finished_run
from benchmarks.figures import Bench, Figure, as_markdown
from benchmarks.grid import encode_grid
from benchmarks.iqnet import candidates, network_prefilter, training
from benchmarks.measuring import measuring
from benchmarks.planning import planning
from benchmarks.scheduling import scheduling
from benchmarks.tools import erjnd, imports
from jndlab.errors import UserError
from jndlab.files import write_json, write_text
from jndlab.media.ffmpeg import ffmpeg_version
from jndops.doctor import usable_cores

# A further bench is one entry: name -> function from a Bench to its figures.
BENCHES: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "encode_grid": encode_grid,
    "scheduling": scheduling,
    "planning": planning,
    "finished_run": finished_run,
    "imports": imports,
    "measuring": measuring,
    "erjnd": erjnd,
    "iqnet_prefilter": network_prefilter,
    "iqnet_training": training,
    "iqnet_candidates": candidates,
}
# Papers whose benches are the public functions from a Bench to figures of `benchmarks/<paper>.py`.
PAPERS = ("bl_juniper", "jnd_networks", "vp_jnd")
NOTES = Path(__file__).with_name("notes.md")


def benches_of(paper: str) -> dict[str, Callable[[Bench], Iterator[Figure]]]:
    """Benches of a paper's module by name; none where there is no such module."""
    module = f"benchmarks.{paper}"
    if find_spec(module) is None:
        return {}
    functions = vars(import_module(module)).items()
    return {
        name if name.startswith(paper) else f"{paper}_{name}": function
        for name, function in functions
        if not name.startswith("_")
        and getattr(function, "__module__", None) == module
        and getattr(function, "__annotations__", {}).get("bench") in ("Bench", Bench)
        and "Iterator[Figure]" in str(function.__annotations__.get("return"))
    }


for _paper in PAPERS:
    BENCHES |= benches_of(_paper)


def run_benches(
    names: Iterable[str],
    *,
    cores: int,
    rounds: int,
    say: Callable[[str], None],
    long: bool = False,
) -> dict[str, Any]:
    """Run benches one after the other; returns figures, machine and what failed.

    ``long`` adds the large sizes of planning and scheduling. A bench that fails is told and does
    not keep the others from running.
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
                figures += BENCHES[name](Bench(Path(folder), cores, rounds, told, long))
            except Exception as error:
                failures[name] = f"{type(error).__name__}: {error}"
                told("FAILED\n" + traceback.format_exc())
        told(f"done in {time.monotonic() - begun:.0f} s")
    machine["long"] = long
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
    """Write ``bench.json`` and ``bench.md``; returns the latter's text without the notes."""
    figures: list[Figure] = done["figures"]
    rows = [figure.as_row() for figure in figures]
    write_json(folder / "bench.json", {"schema": 1, **done, "figures": rows})
    machine = done["machine"]
    head = (
        f"Speed as ratios of one run, {done['seconds']:.0f} s on {machine['cores_used']} of "
        f"{machine['cores']} cores; load average {machine['load_average_before']} before and "
        f"{machine['load_average_after']} after (more than the cores used: other programs ran)."
    )
    worst = worst_of(figures)
    if worst:
        head += f" Worst against its goal: {worst.name}, ratio {worst.ratio:.3g}, {worst.goal}."
    text = as_markdown(figures, head)
    text += "".join(f"\nFAILED {name}: {reason}\n" for name, reason in done["failures"].items())
    write_text(folder / "bench.md", f"# Bench\n\n{text}\n{NOTES.read_text(encoding='utf-8')}")
    return text


def worst_of(figures: Iterable[Figure]) -> Figure | None:
    """The figure that keeps its goal worst: what to profile next. None without any goal."""
    return max((f for f in figures if f.strain is not None), key=lambda f: f.strain, default=None)


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
