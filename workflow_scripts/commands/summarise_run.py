"""Summarise a run: its results, their folders, headline numbers; or how many jobs failed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndops.command import new_parser, run_command
from jndops.ends.at_work import vanished_jobs
from jndops.ends.failures import note_failure
from jndops.plan.timings import record_timings
from jndops.run_record import write_record
from jndops.summary import NO_SUMMARY, NOTHING, failed_jobs, summarise


def main(options: argparse.Namespace) -> None:
    """Print the summary, or how many jobs failed according to Snakemake's logs."""
    try:
        record_timings(options.results, ROOT)  # for the next `make plan`
    except UserError as error:
        print(f"its timings are not recorded: {error}", file=sys.stderr)
    if options.failed is None:
        write_record(options.results, ROOT, options.configfile, options.overrides)
        if NO_SUMMARY in os.environ:
            return
        configfile = Path(options.configfile[-1]) if options.configfile else None
        if NOTHING not in (
            text := summarise(options.results, configfile)
        ):  # single files were asked for
            print(f"\n{text}", end="")
        return
    failed = failed_jobs(options.failed)
    vanished = [log for log in vanished_jobs(options.results) if log not in failed.values()]
    for log in vanished:
        print(f"\n{log}: the process of this job ended before its end (killed, or os._exit).")
    for log in filter(None, [*failed.values(), *vanished]):
        note_failure(log)  # of a job that was killed, or whose outputs are missing
    if count := len(failed) + len(vanished):
        jobs = "1 job failed" if count == 1 else f"{count} jobs failed"
        print(f"\n{jobs}: see the messages and logs above.")
    else:
        print("\nThe run was ended before its last job.")
    print("Finished jobs are kept: run the same command again to go on; it makes these again.")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder")
    parser.add_argument("--configfile", nargs="*", default=[], help="configurations of the run")
    parser.add_argument(
        "--overrides", type=json.loads, default={}, help="what --config of Snakemake gave, as JSON"
    )
    parser.add_argument(
        "--failed",
        type=Path,
        nargs="+",
        metavar="LOG",
        help="Snakemake's log(s) of a run that failed: count its failed jobs instead",
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
