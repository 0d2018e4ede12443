"""Turn the Keras weight file (.h5) of a paper's authors into a model file of the suite (.pt)."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from jndops.command import new_parser, run_command


def main(options: argparse.Namespace) -> None:
    """Import, save, and print the architecture."""
    from jndlab.files import sha256_of
    from jndlab.models.keras.weights import import_keras
    from jndlab.models.model_files import architecture_of, architecture_text, save_model

    chosen: dict[str, Any] = {}
    if options.size is not None:
        chosen["input_size"] = options.size
    if options.level is not None:
        chosen["level"] = options.level
    network = import_keras(options.weights, options.network, chosen)
    origin = {"file": options.weights.name, "sha256": sha256_of(options.weights)}
    save_model(options.model, network, imported_from=origin)
    print(f"{options.model}: {architecture_text(architecture_of(network))}")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("weights", type=Path, help="the authors' HDF5 file")
    parser.add_argument(
        "network",
        help="lat, rec, e2e_lat, e2e_rec, mj_lat, mj_rec, laser_autoencoder, mt_3ljnd, "
        "mt_1ljnd_va, mt_3ljnd_va or bl_juniper_cnn",
    )
    parser.add_argument("model", type=Path, help="model file to write (.pt)")
    parser.add_argument(
        "--size",
        type=_size,
        metavar="HxW",
        help="height and width of its pictures, if not the paper's",
    )
    parser.add_argument(
        "--level", type=int, choices=(1, 2, 3), help="JND level of a one-level network (default 1)"
    )
    return parser


def _size(text: str) -> list[int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not HEIGHTxWIDTH, e.g. 352x640")
    return [int(number) for number in match.groups()]


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
