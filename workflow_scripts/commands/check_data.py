"""Which data is present, which is missing and how to get it; fetches it on request."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.datasets.check import check_data
from jndlab.datasets.fetch import fetch_dataset
from jndlab.datasets.registry import choose_dataset, load_registry
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.paths import CONFIG
from jndops.command import new_parser, run_command


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 if everything needed is there, 1 if not, 2 for a mistake in the call."""
    return run_command(_report, _parser(), argv, mistake=2)


def _report(options: argparse.Namespace) -> int:
    registry = load_registry(options.datasets)
    for dataset in [choose_dataset(registry, key, "--fetch") for key in options.fetch]:
        fetch_dataset(dataset, options.data_dir)
    text, complete = check_data(
        registry,
        load_sequences(options.sequences),
        options.data_dir,
        [*options.need, *options.fetch],
        options.sequence,
    )
    print(text)
    missing = [path for path in options.own if not path.is_file()]
    for path in options.own:
        print(f"own_sequences: {path}: {'missing' if path in missing else 'present'}")
    return 0 if complete and not missing else 1


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("--datasets", type=Path, default=CONFIG / "datasets.yaml", metavar="FILE")
    parser.add_argument("--sequences", type=Path, default=CONFIG / "sequences.tsv", metavar="FILE")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), metavar="FOLDER")
    parser.add_argument("--need", nargs="+", action="extend", default=[], metavar="DATASET")
    parser.add_argument("--sequence", nargs="+", action="extend", default=[], metavar="ID")
    parser.add_argument("--own", nargs="+", action="extend", default=[], type=Path, metavar="FILE")
    parser.add_argument(
        "--fetch", nargs="+", action="extend", default=[], metavar="DATASET",
        help="fetch these data sets (those that need no account) before the report",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
