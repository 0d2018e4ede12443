"""Where a run writes when its terminal is gone, or the program that read what it says."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO


def discard(stream: TextIO) -> None:
    """From now on let a stream, and the programs that inherit it, write to nowhere."""
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
