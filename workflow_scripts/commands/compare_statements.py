"""Compare what two runs show of who is better: none may show the contrary of the other."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndops.command import new_parser, run_command
from jndops.statements import contradictions, statements


def main(options: argparse.Namespace) -> int:
    """Print the numbers of statements and each contradiction; 1 where there is one."""
    first, second = statements(options.first), statements(options.second)
    found = contradictions(first, second)
    print(f"{options.first} shows {len(first)} statements, {options.second} {len(second)}, "
          f"{len(first & second)} of them the same; {len(found)} contradictions")  # fmt: skip
    for contradiction in found:
        print(f"  {contradiction}")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("first", type=Path, help="results folder of a run")
    parser.add_argument("second", type=Path, help="results folder of another run")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
