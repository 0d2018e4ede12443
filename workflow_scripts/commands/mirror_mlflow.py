"""Mirror the results into MLflow; where that fails, warn and go on: results never depend on it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndops.mlflow.mirror import mirror, write_failed_ledger


def main() -> int:
    """Parse the command line, mirror, and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder")
    parser.add_argument("--database", type=Path, required=True, help="SQLite file of MLflow")
    parser.add_argument("--ledger", type=Path, required=True, help="CSV: what was mirrored")
    options = parser.parse_args()
    try:
        done = mirror(options.results, options.database, options.ledger)
    except Exception as error:  # whatever ails MLflow must not fail a run of the suite
        reason = f"{type(error).__name__}: {error}"
        print(f"warning: results were not mirrored into MLflow: {reason}", file=sys.stderr)
        write_failed_ledger(options.results, options.ledger, reason)
        return 0
    if done.rebuilt:
        print("the former database was of another place or version: kept as *.old.db, made anew")
    print(f"MLflow: {done.written} written, {done.unchanged} unchanged, {done.deleted} deleted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
