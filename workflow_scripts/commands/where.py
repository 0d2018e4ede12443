"""`make where FILE=...`: rule, modules and configuration that a result comes from."""

from __future__ import annotations

import argparse
import sys

from jndlab.paths import ROOT
from jndops.columns import aligned
from jndops.command import new_parser, run_command
from jndops.where import where


def main(options: argparse.Namespace) -> None:
    """Print one line for each thing that a result comes from."""
    rows = [("", ""), *where(options.file, ROOT)]
    print("\n".join(aligned(rows, indent="")[1:]))


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("file", help="a table, figure or other file of a run")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
