"""Adapter of rule check_data: what data is there, what is missing, what to do; and fetching it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.datasets.check import check_data
from jndlab.datasets.fetch import fetch_dataset
from jndlab.datasets.registry import choose_dataset, load_registry
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.errors import UserError
from jndlab.paths import CONFIG


def main(argv: list[str] | None = None) -> int:
    """Print the report; 0 if everything needed is there, 1 if not, 2 for a mistake in the call."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=Path, default=CONFIG / "datasets.yaml", metavar="FILE")
    parser.add_argument("--sequences", type=Path, default=CONFIG / "sequences.tsv", metavar="FILE")
    parser.add_argument("--data-dir", type=Path, default=Path("data"), metavar="FOLDER")
    parser.add_argument("--need", nargs="+", action="extend", default=[], metavar="DATASET")
    parser.add_argument("--sequence", nargs="+", action="extend", default=[], metavar="ID")
    parser.add_argument(
        "--fetch", nargs="+", action="extend", default=[], metavar="DATASET",
        help="fetch these data sets (those that need no account) before the report",
    )  # fmt: skip
    chosen = parser.parse_args(argv)
    try:
        registry = load_registry(chosen.datasets)
        for dataset in [choose_dataset(registry, key, "--fetch") for key in chosen.fetch]:
            fetch_dataset(dataset, chosen.data_dir)
        text, complete = check_data(
            registry,
            load_sequences(chosen.sequences),
            chosen.data_dir,
            [*chosen.need, *chosen.fetch],
            chosen.sequence,
        )
    except UserError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    print(text)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
