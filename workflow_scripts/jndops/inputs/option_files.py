"""Files that the options of a method or codec name: one, all of a folder, all that begin so."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

from jndlab.errors import UserError

MOST_FILES, MOST_BYTES = 10_000, 16 << 30  # of one option: each is hashed when a run is planned
_FILLED_IN = re.compile(r"\{[^{}]*\}|%0?\d*[ds]|\*+")  # what a class puts into a pattern of names


def files_named(text: str, results: str) -> list[str]:
    """Files that a text of options names, sorted; none where it is another text.

    A file; of a folder, all that is in it and below; of a pattern (``a/qp{qp}.onnx``) or the
    beginning of several names (``a/model.ckpt``), all that fit. What begins a name without a folder
    has a point in it, and ends there or before one of ``._-``: words name no files. Raises
    UserError for a folder that holds the results, for links out of a folder, and for more than
    :data:`MOST_FILES` or :data:`MOST_BYTES`.
    """
    # os.path and not Path, which raises for a text that is too long for a name.
    if os.path.isfile(text):  # noqa: PTH113
        return [text]
    if text.rstrip("/") == results or os.path.isdir(text):  # noqa: PTH112
        home = os.path.realpath(text)
        if f"{os.path.realpath(results)}/".startswith(f"{home.rstrip('/')}/"):
            raise _refused(text, "the results lie in it")
        if f"{home}/".startswith(f"{os.path.realpath(results)}/"):
            raise _refused(text, "it is a folder of the results, which jobs make")
        return _bounded(text, _below(text, home))
    parts = _FILLED_IN.split(text)
    pattern = "*".join(map(glob.escape, parts))
    if not re.search(r"\w", "".join(parts)) or "\0" in text:
        return []
    if len(parts) == 1:
        if not re.search(r"[./]", text):  # a word, such as the name of a network
            return []
        pattern += "*" if os.sep in text else "[._-]*"
    found = glob.iglob(pattern, include_hidden=True)  # noqa: PTH207
    return _bounded(text, (file for file in found if Path(file).is_file()))


def _below(folder: str, home: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.is_symlink():
            target = os.path.realpath(entry.path)
            if not target.startswith(home + os.sep):
                raise _refused(entry.path, f"a link in it leads out of it, to {target}")
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, home)
        elif entry.is_file():
            yield entry.path


def _bounded(text: str, files: Iterator[str]) -> list[str]:
    found, size = [], 0
    for file in files:
        found.append(file)
        size += Path(file).stat().st_size
        if len(found) > MOST_FILES or size > MOST_BYTES:
            bounds = f"{MOST_FILES:,} files or {MOST_BYTES:,} bytes"
            raise _refused(text, f"it stands for more than {bounds}")
    return sorted(found)


def _refused(text: str, fault: str) -> UserError:
    return UserError(
        f"an option names a folder, or files, that cannot be its inputs: {fault}.",
        where=text,
        expected="files that are hashed, so that another content makes the results again",
        remedy="name the files themselves, or a folder that holds them alone.",
    )
