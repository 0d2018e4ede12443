"""Estimate what a run would do and cost (jobs, CPU hours, wall time, disk), without doing it."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from jndlab.errors import UserError
from jndlab.files import write_json
from jndlab.paths import ROOT
from jndlab.yaml_files import load_mapping
from jndops.command import new_parser, run_command
from jndops.doctor import usable_cores
from jndops.plan.cost_model import FIRST_VALUES, CostModel, load_first_values
from jndops.plan.disk import load_shares
from jndops.plan.job_graph import job_graph
from jndops.plan.needs import missing_data, missing_tools
from jndops.plan.plan import ORDERS, Machine, load_controller, plan, points_done
from jndops.plan.text import render
from jndops.plan.timings import TIMINGS_NAME, read_timings
from jndops.settings import Settings, load_settings


def main(options: argparse.Namespace) -> None:
    """Print the plan and, on request, write it as JSON and as a chart."""
    least = {"cores": options.cores, "segments": options.segments, "gpus": [options.gpus]}
    for name, values in least.items():
        if any(value < 1 for value in values):
            raise UserError(f"--{name}: {min(values)} are too few.", expected="1 at least")
    if options.price is not None and not 0 <= options.price < math.inf:
        raise UserError(f"--price: {options.price:g} is no price.", expected="0 or more")
    options.config = dict(map(_pair, options.config))
    settings = load_settings({**load_mapping(options.configfile), **options.config}, ROOT)
    planned = _planned(settings, options)
    print(render(planned), end="")
    if options.output:
        write_json(options.output, planned)
    if options.chart:
        from jndops.plan.chart import plot_plan  # takes as long to import as all the rest

        plot_plan(planned, options.chart)


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__, configfile="configuration to plan")
    add = parser.add_argument
    add("targets", nargs="*", help="plan only what these rules or files need, after --")
    add("--config", nargs="*", default=[], metavar="KEY=VALUE", help="keys in place of the file's")
    add("--output", type=Path, help="also write the plan here, as JSON")
    add("--chart", type=Path, metavar="FILE.png", help="also draw it")
    add("--cores", type=int, nargs="*", default=[1, 16, 64, 256, 1024], help="wall time on these")
    add("--gpus", type=int, default=1, help="GPUs that trainings share (as in the profile: 1)")
    add(
        "--cluster",
        action="store_true",
        help="cores of a cluster: its queue keeps them for jobs "
        "of several threads; on one machine these wait until nothing else does",
    )
    add("--price", type=float, help="price of a core for an hour, in any currency")
    add("--segments", type=int, nargs="*", default=[], metavar="FRAMES",
        help="also with all-intra encodes cut into segments of this number of frames")  # fmt: skip
    add("--order", choices=ORDERS, default="longest", help="which of two waiting jobs starts")
    return parser


def _pair(text: str) -> tuple[str, Any]:
    key, separator, value = text.partition("=")
    try:
        return key, yaml.safe_load(value if separator else "[")
    except yaml.YAMLError:
        raise UserError(f"--config {text}: this sets no key.", expected="KEY=VALUE") from None


def _planned(settings: Settings, options: argparse.Namespace) -> dict[str, Any]:
    model = _model(Path(settings.config["results_dir"]))
    planned = _of(settings, model, options)
    if options.targets:
        planned["points"] = planned["jobs_per_rule"].get("measure_point", 0)
    planned["config_name"] = str(options.configfile)
    planned["points_done"] = points_done(settings, Path())
    planned["missing_data"] = missing_data(settings)
    planned["missing_tools"] = missing_tools(settings)
    planned["segments"] = {}
    for frames in options.segments:
        config = {**settings.config, "ai_segment_frames": frames}
        variant = _of(replace(settings, config=config), model, options)
        planned["segments"][str(frames)] = variant
    return planned


def _of(settings: Settings, model: CostModel, options: argparse.Namespace) -> dict[str, Any]:
    segments = {"ai_segment_frames": settings.config["ai_segment_frames"]}
    return plan(
        settings,
        job_graph(options.configfile, settings, options.config | segments, options.targets),
        model,
        load_controller(FIRST_VALUES),
        Machine(usable_cores(), options.gpus, options.price, options.cluster),
        cores=options.cores,
        shares=load_shares(FIRST_VALUES),
        order=options.order,
    )


def _model(results: Path) -> CostModel:
    """First values, replaced by what all runs next to this one recorded."""
    # Runs keep their results next to each other: results, results/smoke, results/paper.
    folders = {Path("results"), results, *Path("results").glob("*")}
    files = sorted({folder / TIMINGS_NAME for folder in folders})
    recorded = read_timings([path for path in files if path.is_file()])
    return load_first_values(FIRST_VALUES).fitted(recorded)


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
