"""Mirror the results into MLflow; where that fails, warn and go on: results never depend on it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndops.command import new_parser, run_command
from jndops.mlflow.mirror import mirror, write_failed_ledger


def main(options: argparse.Namespace) -> None:
    """Mirror, and report what was done."""
    try:
        done = mirror(options.results, options.database, options.ledger)
    except Exception as error:  # whatever ails MLflow must not fail a run of the suite
        reason = f"{type(error).__name__}: {error}"
        print(f"warning: results were not mirrored into MLflow: {reason}", file=sys.stderr)
        write_failed_ledger(options.results, options.ledger, reason)
        return
    if done.rebuilt:
        print("the former database was of another place or version: kept as *.old.db, made again")
    print(
        f"MLflow: {done.written} written, {done.unchanged} unchanged, {done.deleted} deleted, "
        f"{done.superseded} kept of former recipes"
    )


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder")
    parser.add_argument("--database", type=Path, required=True, help="SQLite file of MLflow")
    parser.add_argument("--ledger", type=Path, required=True, help="CSV: what was mirrored")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
