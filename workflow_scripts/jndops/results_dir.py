"""Print the results folder of a configuration file, for the Makefile."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndlab.yaml_files import load_mapping
from jndops.command import new_parser, run_command
from jndops.experiment import Experiment

SUITE = (
    ".ci", ".git", ".github", ".snakemake", ".venv", "benchmarks", "config", "data", "docs", "envs",
    "models", "profiles", "report", "rules", "studies", "tests", "workflow_scripts",
)  # fmt: skip


LONGEST_NAME = 255  # bytes, of a file system


def results_dir(configfile: str | Path) -> str:
    """``results_dir`` of a configuration file, or the default where the key is absent.

    Raises UserError for a file that is absent or no mapping in YAML, for no name of a folder, and
    for a folder with links (see :func:`refuse_links`).
    """
    default = Experiment.model_fields["results_dir"].default
    found = checked_results_dir(load_mapping(configfile).get("results_dir", default))
    refuse_links(found)
    return found


def refuse_links(results: str | Path) -> None:
    """Raise UserError where a results folder holds a link out of it, or neither file nor folder.

    Such a folder was unpacked or copied from elsewhere: what is read or written through the link
    lies where its maker chose, and a pipe is waited for without end. The folder itself may be a
    link, which its owner made.
    """
    home = os.path.realpath(results)
    for entry in _entries(home):
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if target == home or target.startswith(home + os.sep):
                continue
            wrong = f"a link leads out of the results, to {target}"
        elif entry.is_file(follow_symlinks=False):
            continue
        else:
            wrong = "a pipe, socket or device lies among the results"
        raise UserError(
            f"{wrong}.",
            where=str(Path(results, Path(entry.path).relative_to(home))),
            expected="files and folders alone: nothing is read or written outside of the folder",
            remedy="remove it, or put what it leads to in its place. To keep results on another "
            "disk, set `results_dir` to a folder there.",
        )


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder and below, but for the folders themselves; no link is followed."""
    try:
        found = list(os.scandir(folder))
    except OSError:  # absent, or not readable: for those who need it to say so
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)
        else:
            yield entry


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
    elif any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(text).parts):
        wrong = f"a name in it has more than {LONGEST_NAME} bytes"
    elif (Path.cwd() / text).resolve().is_relative_to("/proc"):
        wrong = "it is a folder of the system"
    else:
        path = Path(text)
        folder = Path.cwd() / path
        resolved, suite = folder.resolve(), root.resolve()
        if resolved in suite.parents:
            wrong = "the suite itself lies in it"
        elif resolved == suite or {suite / part for part in SUITE} & {resolved, *resolved.parents}:
            wrong = "it is a folder of the suite itself"
        elif file := next((up for up in (folder, *folder.parents) if _is_no_folder(up)), None):
            wrong = f"{file} is a file"
    if wrong:
        raise UserError(
            f"results_dir: {wrong}.",
            where="the configuration",
            expected=f"a folder for the results alone, such as results/mine; found {name!r}",
        )
    return path.as_posix()


def _is_no_folder(path: Path) -> bool:
    return path.exists() and not path.is_dir()


def main(options: argparse.Namespace) -> None:
    """Print the folder of the configuration that the command line names."""
    print(results_dir(options.configfile))


if __name__ == "__main__":
    parser = new_parser(__doc__)
    parser.add_argument("configfile", type=Path)
    sys.exit(run_command(main, parser))
