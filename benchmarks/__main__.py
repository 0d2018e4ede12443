"""Measure the suite's speed as ratios and write them to results/bench (bench.json, bench.md)."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import bl_juniper, grid, measuring, networks, prefilter, scheduling
from benchmarks.figures import Bench, Figure, as_markdown, before_and_after, strain_of
from jndlab.errors import UserError
from jndlab.files import read_json, write_json, write_text
from jndlab.media.ffmpeg import ffmpeg_version
from jndlab.paths import ROOT
from jndops.command import new_parser, run_command
from jndops.doctor import usable_cores

RECORD = ROOT / "docs/results"
TOLERANCE = 1.15  # of `--check`

# A further bench is one entry: name -> function from a Bench to its figures.
BENCHES: dict[str, Callable[[Bench], Iterable[Figure]]] = {
    "encode_grid": grid.encode_grid,
    "scheduling": scheduling.scheduling,
    "planning": scheduling.planning,
    "imports": measuring.imports,
    "measuring": measuring.measuring,
    "iqnet_filter": prefilter.iqnet_filter,
    "iqnet_candidates": prefilter.iqnet_candidates,
    "iqnet_prefilter": networks.iqnet_prefilter,
    "iqnet_training": networks.iqnet_training,
    "jnd_networks": networks.jnd_networks,
    "bl_juniper_stage_1": bl_juniper.stage_1,
    "bl_juniper_later_stages": bl_juniper.later_stages,
}


def main(options: argparse.Namespace) -> int:
    """Run the chosen benches; 1 if one could not be run (a missed goal is no failure)."""
    done = run_benches(
        options.only,
        cores=options.cores,
        rounds=options.rounds,
        long=options.long,
        say=lambda text: print(text, flush=True),
    )
    print(f"\n{write_results(done, options.output)}\nWritten to {options.output}")
    missed = [figure.name for figure in done["figures"] if figure.met is False]
    print(f"Goals missed: {'; '.join(missed) or 'none'}")
    if options.record:
        record(done, RECORD)
    far = too_far(done["figures"])
    if options.check:
        print(f"Missed by more than {TOLERANCE - 1:.0%}: {'; '.join(far) or 'none'}")
    return 1 if done["failures"] or (options.check and far) else 0


def too_far(figures: Iterable[Figure]) -> list[str]:
    """Names of figures whose ratio is worse than its goal by more than the tolerance.

    Of those that missed it when they were recorded, by more than the tolerance beyond that.
    """
    recorded = {row["figure"]: row for row in _recorded(RECORD / "bench.json")}
    return [
        figure.name
        for figure in figures
        if figure.strain is not None
        and figure.strain > TOLERANCE * max(1, strain_of(recorded.get(figure.name)))
    ]


def run_benches(
    names: Iterable[str],
    *,
    cores: int,
    rounds: int,
    say: Callable[[str], None],
    long: bool = False,
) -> dict[str, Any]:
    """Run benches one after the other; returns figures, machine and what failed.

    ``long`` adds the large sizes of planning and scheduling. A bench that fails is reported and
    does not keep the others from running. Raises UserError for an unknown name.
    """
    chosen = _choose(names)
    machine = _machine(cores) | {"long": long}
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    started = time.monotonic()
    for name in chosen:

        def report(text: str, name: str = name) -> None:
            say(f"[{time.monotonic() - started:5.0f} s] {name}: {text}")

        with TemporaryDirectory(prefix="jndlab-bench-") as folder:
            try:
                figures += BENCHES[name](Bench(Path(folder), cores, rounds, report, long))
            except Exception as error:
                failures[name] = f"{type(error).__name__}: {error}"
                report("FAILED\n" + traceback.format_exc())
        report("done")
    machine["load_average_after"] = round(os.getloadavg()[0], 2)
    seconds = round(time.monotonic() - started, 1)
    return {"figures": figures, "failures": failures, "machine": machine, "seconds": seconds}


def write_results(done: dict[str, Any], folder: Path) -> str:
    """Write ``bench.json`` and ``bench.md``; returns the latter's text."""
    figures: list[Figure] = done["figures"]
    rows = [figure.as_row() for figure in figures]
    write_json(folder / "bench.json", {"schema": 1, **done, "figures": rows})
    machine = done["machine"]
    head = (
        f"Speed as ratios of one run, {done['seconds']:.0f} s on {machine['cores_used']} of "
        f"{machine['cores']} cores; load average {machine['load_average_before']} before and "
        f"{machine['load_average_after']} after (more than the cores used: other programs ran)."
    )
    if worst := worst_of(figures):
        head += f" Worst against its goal: {worst.name}, ratio {worst.ratio:.3g}, {worst.goal}."
    text = as_markdown(figures, head)
    text += "".join(f"\nFAILED {name}: {reason}\n" for name, reason in done["failures"].items())
    write_text(folder / "bench.md", f"# Bench\n\n{text}")
    return text


def record(done: dict[str, Any], folder: Path) -> None:
    """Keep what was measured in the repository, figures of other benches as they were."""
    rows = {row["figure"]: row for row in _recorded(folder / "bench.json")}
    rows |= {figure.name: figure.as_row() for figure in done["figures"]}
    write_json(folder / "bench.json", {"schema": 1, "figures": list(rows.values())})
    write_text(folder / "bench.md", recorded_page(folder))


def recorded_page(folder: Path) -> str:
    """The page of the recorded figures, next to those recorded before."""
    return before_and_after(
        _recorded(folder / "bench_before.json"), _recorded(folder / "bench.json")
    )


def _recorded(path: Path) -> list[dict[str, Any]]:
    return read_json(path, "figures")["figures"] if path.is_file() else []


def worst_of(figures: Iterable[Figure]) -> Figure | None:
    """The figure that keeps its goal worst: what to profile next. None without any goal."""
    return max((f for f in figures if f.strain is not None), key=lambda f: f.strain, default=None)


def _choose(names: Iterable[str]) -> list[str]:
    chosen = list(names) or list(BENCHES)
    for name in chosen:
        if name not in BENCHES:
            raise UserError(f"there is no bench '{name}'.", expected="one of " + ", ".join(BENCHES))
    return chosen


def _machine(cores: int) -> dict[str, Any]:
    return {
        "processor": next(_processors(), platform.machine()),
        "cores": usable_cores(),
        "cores_used": cores,
        "load_average_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "ffmpeg": ffmpeg_version(),
    }


def _processors() -> Iterator[str]:
    source = Path("/proc/cpuinfo")
    lines = source.read_text(encoding="utf-8").splitlines() if source.is_file() else []
    return (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    add = parser.add_argument
    add("--only", nargs="+", default=[], metavar="NAME", help=f"of {', '.join(BENCHES)}")
    add("--long", action="store_true", help="up to 20,000 planned and 5,000 run jobs: half an hour")
    add("--cores", type=int, default=min(2, usable_cores()), help="cores to use")
    add("--rounds", type=int, default=1, help="repeat the grid, contestants in turns (medians)")
    add("--check", action="store_true", help="fail where a goal is missed by more than 15 %%")
    add("--record", action="store_true", help="keep the figures in docs/results as well")
    add("--output", type=Path, default=ROOT / "results/bench", metavar="FOLDER")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser(), mistake=2))
