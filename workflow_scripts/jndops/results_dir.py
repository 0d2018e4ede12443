"""Print the results folder of a configuration file, for the Makefile."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from jndops.experiment import Experiment


def results_dir(configfile: str | Path) -> str:
    """``results_dir`` of a configuration file, or the default where the key is absent.

    Raises OSError when the file cannot be read and ValueError when it is no mapping in YAML.
    """
    try:
        config = yaml.safe_load(Path(configfile).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"it is no valid YAML: {error}") from error
    if not isinstance(config, dict):
        raise ValueError("it holds no keys")
    return str(config.get("results_dir", Experiment.model_fields["results_dir"].default))


def main() -> int:
    """Print the folder of the configuration that the command line names."""
    if len(sys.argv) != 2:
        print("usage: results_dir.py CONFIGFILE", file=sys.stderr)
        return 2
    try:
        print(results_dir(sys.argv[1]))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"ERROR: cannot read configuration '{sys.argv[1]}': {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
