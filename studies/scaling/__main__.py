"""Simulate the papers' scale on up to ten thousand cores: the tables of docs/scaling.md; a command.

python -m studies.scaling [--numbers docs/results/scaling.tar.xz]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.files import write_csv
from jndlab.paths import ROOT
from jndops.archive import pack
from jndops.command import new_parser, run_command
from jndops.run_record import write_record
from studies.scaling import predictions, walls

CONFIG = Path("config/paper.yaml")


def main(options: argparse.Namespace) -> None:
    """Write the tables and pack them."""
    experiment = walls.Experiment(ROOT / CONFIG)
    tables = {
        "walls": walls.wall_table(experiment),
        "chains": walls.chain_table(experiment),
        "queues": walls.queue_table(experiment),
        "costs": walls.cost_table(experiment),
        "uncounted": walls.uncounted_table(experiment),
        "predictions": predictions.prediction_table(),
    }
    for name, rows in tables.items():
        write_csv(options.output / f"tables/{name}.csv", rows)
    write_record(options.output, ROOT, [str(ROOT / CONFIG)], {})
    print(f"Tables written to {options.output}")
    if options.numbers:
        archive, _ = pack(options.output, options.numbers)
        print(f"Packed into {archive}")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("results/scaling"), metavar="FOLDER")
    parser.add_argument("--numbers", type=Path, metavar="FILE.tar.xz", help="also pack them here")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
