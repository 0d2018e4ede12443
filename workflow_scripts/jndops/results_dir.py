"""Print the results folder of a configuration file, for the Makefile."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndlab.yaml_files import load_mapping
from jndops.command import new_parser, run_command
from jndops.experiment import Experiment

SUITE = (
    "config", "data", "docs", "envs", "profiles", "report", "rules", "studies", "tests",
    "workflow_scripts",
)  # fmt: skip


def results_dir(configfile: str | Path) -> str:
    """``results_dir`` of a configuration file, or the default where the key is absent.

    Raises UserError for a file that is absent or no mapping in YAML, and for no name of a folder.
    """
    default = Experiment.model_fields["results_dir"].default
    found = load_mapping(configfile).get("results_dir", default)
    return checked_results_dir(found)


def checked_results_dir(name: Any, root: Path = ROOT) -> str:
    """The name of a results folder in its shortest form (``a//b/`` is ``a/b``).

    ``root`` is the folder of the suite. Raises UserError for what is no name of a folder, has
    characters that Snakemake takes for something else, or is a folder or below a file of the suite.
    """
    wrong = ""
    text = name if isinstance(name, str) else ""
    if not text.strip():
        wrong = "it is no name of a folder"
    elif found := re.search(r"[\x00-\x1f\x7f{}<>\\]", text):
        wrong = f"it has the character {found[0]!r}"
    elif "://" in text:
        wrong = "it is the address of a storage, and results are local files"
    elif text.startswith("~"):
        wrong = "`~` is not replaced by your home folder here"
    else:
        path = Path(text)
        folder = Path.cwd() / path
        resolved, suite = folder.resolve(), root.resolve()
        if resolved == suite or {suite / part for part in SUITE} & {resolved, *resolved.parents}:
            wrong = "it is a folder of the suite itself"
        elif file := next((up for up in (folder, *folder.parents) if up.is_file()), None):
            wrong = f"{file} is a file"
    if wrong:
        raise UserError(
            f"results_dir: {wrong}.",
            where="the configuration",
            expected=f"a folder for the results alone, such as results/mine; found {name!r}",
        )
    return path.as_posix()


def main(options: argparse.Namespace) -> None:
    """Print the folder of the configuration that the command line names."""
    print(results_dir(options.configfile))


if __name__ == "__main__":
    parser = new_parser(__doc__)
    parser.add_argument("configfile", type=Path)
    sys.exit(run_command(main, parser))
