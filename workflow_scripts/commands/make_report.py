"""Build Snakemake's HTML report of a finished run; nothing of it comes from the network."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from jndlab.errors import UserError
from jndlab.files import write_text
from jndlab.paths import ROOT
from jndops.command import new_parser, run_command
from jndops.report_page import PAGE, STYLE, counts, landing_page
from jndops.results_dir import results_dir
from jndops.workflow.environment import SNAKEMAKE

MOST_RULES = 4  # named where jobs are still to be done
FOLLOWS = "input files updated by another job"  # a reason of Snakemake that is no first one


def main(options: argparse.Namespace) -> None:
    """Build the report and print where it is."""
    kind = "html" if options.html else "zip"
    print(how_to_open(make_report(options.configfile, kind, options.further)))


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__, configfile="configuration of the run")
    parser.epilog = "Further options go to Snakemake, e.g. --report-stylesheet."
    parser.add_argument(
        "--html",
        action="store_true",
        help="one self-contained report.html (for small runs) instead of report.zip",
    )
    return parser


def make_report(configfile: Path, kind: str, further: list[str]) -> Path:
    """Write ``report.zip`` or ``report.html`` (``kind``) into the results folder of a finished run.

    ``further`` are more options of Snakemake. Raises UserError when jobs of the run are still to
    be done and when Snakemake cannot build the report.
    """
    results = Path(results_dir(configfile))
    said = _snakemake(configfile, "--dry-run", "--nolock")
    if "Nothing to be done" not in said:
        raise UserError(
            f"the run of {configfile} is not finished: {_waiting(said)}.",
            remedy=f"make run CONFIG={configfile}   (then `make report CONFIG={configfile}` again)",
        )
    report = results / f"report.{kind}"
    # Snakemake names the folder inside a zip after the file: only its own name will do.
    with TemporaryDirectory(prefix=".part-report-", dir=results) as folder:
        part, page, shown = (
            Path(folder) / name for name in (report.name, "page.rst", "shown.yaml")
        )
        write_text(page, landing_page(results))
        write_text(shown, yaml.safe_dump(counts(results)))
        os.environ[PAGE] = str(page.resolve())
        # Where it has metadata, Snakemake opens on its page, not on the graph of rules.
        options = ["--report-metadata", str(shown), "--report-stylesheet", str(STYLE)]
        _snakemake(configfile, "--report", str(part), *options, *further)
        os.replace(part, report)
    return report


def how_to_open(report: Path) -> str:
    """What to type to see the report."""
    written = f"Report written to {report} ({report.stat().st_size / 1e6:.1f} MB)."
    if report.suffix == ".html":
        return f"{written}\nOpen it in any browser; no network is needed."
    unpacked = report.parent / "report" / "report.html"
    return (
        f"{written}\nUnpack it:  python3 -m zipfile -e {report} {report.parent}\n"
        f"Then open {unpacked} in any browser; no network is needed."
    )


def _snakemake(configfile: Path, *options: str) -> str:
    """Output of Snakemake on the suite; raises UserError with its last lines when it fails."""
    command = [*SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile")]
    command += ["--cores", "1", "--configfile", str(configfile), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines()[-12:]
        raise UserError("Snakemake ended with an error:\n    " + "\n    ".join(lines))
    return done.stdout


def _waiting(said: str) -> str:
    """How many jobs a dry run names, most of them by rule, and why the first of them are due."""
    table = said.partition("Job stats:")[2].partition("\ntotal")[0]  # it is there twice
    found = Counter({rule: int(n) for rule, n in re.findall(r"(?m)^(\w+) +(\d+)$", table)})
    del found["all"]
    if not found:
        return "Snakemake still has work to do"
    shown = [f"{count} {rule}" for rule, count in found.most_common(MOST_RULES)]
    shown += ["..."] if len(found) > MOST_RULES else []
    due = "1 job is" if found.total() == 1 else f"{found.total()} jobs are"
    reasons = re.findall(r"(?m)^ {4}(\S.+):\n {8}(.+)$", said.partition("\nReasons:")[2])
    first = next((reason for reason in reasons if reason[0] != FOLLOWS), None)
    cause = ""
    if first:
        rules = first[1].split(", ")
        rules = [*rules[:MOST_RULES], "..."] if len(rules) > MOST_RULES else rules
        cause = f"; first cause: {first[0]} ({', '.join(rules)})"
    return f"{due} still to be done ({', '.join(shown)}){cause}"


if __name__ == "__main__":
    sys.exit(run_command(main, _parser(), further=True))
