"""What all commands share: the configuration's option, messages of mistakes, exit codes."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jndlab.errors import UserError, limit_reached
from jndlab.paths import CONFIG


def new_parser(description: str | None, configfile: str = "") -> argparse.ArgumentParser:
    """A parser; ``configfile`` is the help text of that option, which is left out without one."""
    parser = argparse.ArgumentParser(description=description)
    if configfile:
        parser.add_argument(
            "--configfile", type=Path, default=CONFIG / "config.yaml", help=configfile
        )
    return parser


def run_command(
    main: Callable[[argparse.Namespace], int | None],
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None = None,
    *,
    mistake: int = 1,
    further: bool = False,
) -> int:
    """Exit code of ``main`` with the options of the command line (None counts as 0).

    A UserError, or a limit of the machine, is printed without a traceback and gives ``mistake``.
    With ``further``, options that the parser does not know are passed on as ``options.further``.
    """
    if further:
        options, options_of_others = parser.parse_known_args(argv)
        options.further = options_of_others
    else:
        options = parser.parse_args(argv)
    try:
        return main(options) or 0
    except UserError as error:
        message = error
    except (OSError, MemoryError) as error:
        reached = limit_reached(error)
        if reached is None:
            raise
        message = reached
    print(f"ERROR: {message}", file=sys.stderr)
    return mistake


def words_in(text: str) -> list[str]:
    """Words between spaces, those in quotes as one; UserError for a quote that does not end."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UserError(
            f"a quote does not end in: {text[:100]}",
            expected="names between spaces, each with a space or quote in it in quotes of its own",
        ) from error


def named_files(text: str, example: str) -> list[Path]:
    """The file that a text names, whatever is in its name, or several between spaces.

    Raises UserError where one is not there; ``example`` shows what to write.
    """
    if not text.strip():
        raise UserError("no file is named.", expected=example)
    files = [Path(text)] if Path(text).is_file() else [Path(word) for word in words_in(text)]
    for file in files:
        if not file.is_file():
            raise UserError("a file is not there.", where=str(file), expected=example)
    return files
