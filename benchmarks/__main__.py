"""Measure the suite's speed as ratios and write them to results/bench (bench.json, bench.md)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.run import BENCHES, run_benches, write_results
from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndops.doctor import usable_cores


def main() -> int:
    """Run the chosen benches; 1 if one could not be run (a missed goal is no failure)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help=f"of {', '.join(BENCHES)}"
    )
    parser.add_argument(
        "--long", action="store_true", help="up to 20,000 planned and 5,000 run jobs (half an hour)"
    )
    parser.add_argument("--cores", type=int, default=min(2, usable_cores()), help="cores to use")
    parser.add_argument(
        "--rounds", type=int, default=1, help="repeat the grid, contestants in turns (medians)"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "results/bench", metavar="FOLDER")
    options = parser.parse_args()
    try:
        done = run_benches(
            options.only,
            cores=options.cores,
            rounds=options.rounds,
            long=options.long,
            say=lambda text: print(text, flush=True),
        )
    except UserError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    print(f"\n{write_results(done, options.output)}\nWritten to {options.output}")
    missed = [figure.name for figure in done["figures"] if figure.met is False]
    print(f"Goals missed: {'; '.join(missed) or 'none'}")
    return 1 if done["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
