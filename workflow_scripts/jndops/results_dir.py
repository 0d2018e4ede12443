"""Print the results folder of a configuration file, for the Makefile."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.errors import UserError
from jndlab.yaml_files import load_yaml
from jndops.command import new_parser, run_command
from jndops.experiment import Experiment


def results_dir(configfile: str | Path) -> str:
    """``results_dir`` of a configuration file, or the default where the key is absent.

    Raises UserError for a file that is absent or no mapping in YAML.
    """
    config = load_yaml(configfile)
    if not isinstance(config, dict):
        raise UserError("a configuration holds no keys.", where=str(configfile))
    default = Experiment.model_fields["results_dir"].default
    return str(config.get("results_dir", default))


def main(options: argparse.Namespace) -> None:
    """Print the folder of the configuration that the command line names."""
    print(results_dir(options.configfile))


if __name__ == "__main__":
    parser = new_parser(__doc__)
    parser.add_argument("configfile", type=Path)
    sys.exit(run_command(main, parser))
