"""Compare two runs: what they show of who is better, of which none may show the contrary, and how
far their numbers are apart. With docs/results/demo.tar.xz as one it checks an installation."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from jndlab.datasets.archives import unpack
from jndops.command import new_parser, run_command
from jndops.documents.moves import RECORDED, moves, record
from jndops.results_dir import refuse_links
from jndops.run_record import RECORD
from jndops.statements import contradictions, statements


def main(options: argparse.Namespace) -> int:
    """Print the numbers of statements and each contradiction; 1 where there is one."""
    with TemporaryDirectory() as scratch:
        folders = [_results(path, Path(scratch)) for path in (options.first, options.second)]
        return _compare(*folders, options)


def _results(path: Path, scratch: Path) -> Path:
    """The results folder itself, or that of an archive, unpacked."""
    if path.is_file():
        unpacked = unpack(path, Path(mkdtemp(dir=scratch)) / "unpacked")
        records = sorted(unpacked.rglob(RECORD), key=lambda record: len(record.parts))
        path = records[0].parent if records else unpacked
    refuse_links(path)
    return path


def _compare(first_run: Path, second_run: Path, options: argparse.Namespace) -> int:
    first, second = statements(first_run), statements(second_run)
    found = contradictions(first, second)
    print(f"{options.first} shows {len(first)} statements, {options.second} {len(second)}, "
          f"{len(first & second)} of them the same; {len(found)} contradictions")  # fmt: skip
    for contradiction in found:
        print(f"  {contradiction}")
    overall, *columns = moves(first_run, second_run, options.record or "these two runs")
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
    parser.add_argument("first", type=Path, help="results folder of a run, or its archive")
    parser.add_argument("second", type=Path, help="that of another run")
    parser.add_argument(
        "--record", metavar="WHAT DIFFERS", help="keep how far the numbers are apart, by this name"
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
