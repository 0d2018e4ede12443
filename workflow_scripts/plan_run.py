"""Tell what a run would do and cost (jobs, CPU hours, wall time, disk), without doing it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.errors import UserError
from jndlab.files import read_json, write_json
from jndops.doctor import usable_cores
from jndops.plan import describe_run, plan, render
from jndops.schema import load_yaml
from jndops.settings import load_settings
from jndops.timings import collect_timings, load_timings

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Print the plan and, on request, write it as JSON; 1 for a configuration with mistakes."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--configfile", type=Path, help="configuration to plan")
    what.add_argument("--input", type=Path, help="the same, described as JSON (see describe_run)")
    parser.add_argument("--output", type=Path, help="also write the plan here, as JSON")
    parser.add_argument("--cores", type=int, nargs="*", default=[16, 64], help="wall time on these")
    options = parser.parse_args()
    try:
        if options.input:
            run = read_json(options.input)
        else:
            settings = load_settings(load_yaml(options.configfile), ROOT)
            run = describe_run(settings, str(options.configfile), usable_cores())
        results = Path(run["results_dir"])
        # Runs keep their results beside each other: results, results/smoke, results/paper.
        recorded = sorted({*Path("results").glob("points"), *Path("results").glob("*/points"),
                           *results.glob("points")})  # fmt: skip
        timings = load_timings(ROOT / "config/timings.json").updated(*collect_timings(recorded))
        planned = plan(run, timings, options.cores)
    except UserError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(render(planned), end="")
    if options.output:
        write_json(options.output, planned)
    return 0


if __name__ == "__main__":
    sys.exit(main())
