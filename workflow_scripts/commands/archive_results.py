"""Pack a run's numbers, tables and figures without video, or rebuild what follows from them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.paths import ROOT
from jndops.archive import pack, rebuild
from jndops.command import new_parser, run_command
from jndops.results_dir import results_dir


def main(options: argparse.Namespace) -> None:
    """Pack or rebuild."""
    if options.task == "rebuild":
        rebuild(options.configfile, ROOT, options.further)
        return
    archive, files = pack(Path(results_dir(options.configfile)), options.numbers)
    print(f"Packed {files} files into {archive} ({archive.stat().st_size / 1e6:.1f} MB).")
    print(f"In another copy of the suite:  tar xzf {archive.name}")
    print(f"then, with no encoder:         make results-rebuild CONFIG={options.configfile}")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__, configfile="configuration of the run")
    parser.add_argument("task", choices=["pack", "rebuild"])
    parser.add_argument(
        "--numbers",
        type=Path,
        metavar="FILE.tar.xz",
        help="pack the numbers alone into this file, which documents quote",
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser(), further=True))
