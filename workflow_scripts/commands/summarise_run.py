"""Tell what a run made, where it is, its headline numbers and, after a failure, why it failed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndops.failures import describe_failures, failed_jobs
from jndops.plan.timings import record_timings
from jndops.summary import summarise


def main() -> int:
    """Print the summary, then the failed jobs of the given Snakemake logs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder")
    parser.add_argument(
        "--failed",
        type=Path,
        nargs="+",
        metavar="LOG",
        help="Snakemake's log(s) of a run that failed: show its failed jobs instead of numbers",
    )
    options = parser.parse_args()
    try:
        record_timings(options.results, ROOT)  # for the next `make plan`
    except UserError as error:
        print(f"its timings are not recorded: {error}", file=sys.stderr)
    if options.failed is None:
        print(f"\n{summarise(options.results)}", end="")
        return 0
    told = describe_failures(failed_jobs(options.failed))
    print(f"\n{told or 'The run failed before any job did; see the messages above.'}")
    print("Finished jobs are kept: run the same command again to go on.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
