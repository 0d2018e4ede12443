"""Sources whose samples changed behind Snakemake's back: another content, but no newer time.

`cp -p`, `rsync -t` and unpacking give a file the time of its original, which is older than what was
made of the file before. The time of its last change on this disk (ctime) is not given away so.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from jndlab.errors import UserError
from jndlab.files import read_json, sha256_of, write_text

CHANGED, SEEN = ".changed", ".seen"  # after the name of a sequence's log


def change_of(source: Path, results: str | Path, sequence: str) -> list[str]:
    """A note, newer than the prepared clip, where the source is not the one that this was made of.

    The note stays, as an input of the job that prepares the clip. A source is read, for its
    SHA-256, once after each change that its time does not show.
    """
    stem = f"{results}/logs/prepare_sequence/{sequence}.source"
    note, seen, made = (
        Path(stem + CHANGED),
        Path(stem + SEEN),
        Path(results, "sequences", f"{sequence}.json"),
    )
    with suppress(OSError, UserError, KeyError, TypeError):  # not made yet, or not to be written
        time, state = made.stat().st_mtime_ns, source.stat()
        if state.st_mtime_ns <= time < state.st_ctime_ns and not _is_noted(seen, state.st_ctime_ns):
            if sha256_of(source) != read_json(made, "source_sha256")["source_sha256"]:
                write_text(note, "the source changed after it was prepared\n")
            write_text(seen, json.dumps(state.st_ctime_ns))
    return [str(note)] if note.is_file() else []


def _is_noted(seen: Path, time: int) -> bool:
    return seen.is_file() and seen.read_text(encoding="utf-8") == json.dumps(time)
