"""Compare two runs: what they show of who is better, of which none may show the contrary, and how
far their numbers are apart."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndops.command import new_parser, run_command
from jndops.documents.moves import RECORDED, moves, record
from jndops.results_dir import refuse_links
from jndops.statements import contradictions, statements


def main(options: argparse.Namespace) -> int:
    """Print the numbers of statements and each contradiction; 1 where there is one."""
    for results in (options.first, options.second):
        refuse_links(results)
    first, second = statements(options.first), statements(options.second)
    found = contradictions(first, second)
    print(f"{options.first} shows {len(first)} statements, {options.second} {len(second)}, "
          f"{len(first & second)} of them the same; {len(found)} contradictions")  # fmt: skip
    for contradiction in found:
        print(f"  {contradiction}")
    overall, *columns = moves(options.first, options.second, options.record or "these two runs")
    print(f"{overall.moved} of {overall.numbers} numbers differ, by {overall.relative:.2%} at most "
          f"({overall.where or 'none'}); {overall.texts} cells of words differ")  # fmt: skip
    for move in sorted(columns, key=lambda move: -move.relative)[:10]:
        if move.moved:
            print(f"  {move.table} {move.column}: {move.moved} of {move.numbers}, at most "
                  f"{move.absolute:.3g} or {move.relative:.2%} ({move.where})")  # fmt: skip
    if options.record:
        record([overall, *columns])
        print(f"recorded in {RECORDED}: `make docs` writes docs/reproducibility.md from it")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("first", type=Path, help="results folder of a run")
    parser.add_argument("second", type=Path, help="results folder of another run")
    parser.add_argument(
        "--record", metavar="WHAT DIFFERS", help="keep how far the numbers are apart, by this name"
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
