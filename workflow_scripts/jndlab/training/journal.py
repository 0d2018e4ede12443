"""How a training is watched: metrics.csv row by row, a progress bar or lines, a callback."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from jndlab.files import write_text

SECONDS_BETWEEN_LINES = 10.0

Row = dict[str, float | int | None]


class Journal:
    """Rows of metrics, streamed to a CSV file that can be followed while it grows."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, list(columns)
        self.bar: Any = None
        self.on_row: Callable[[Row], None] | None = None
        self.talks = False
        self.last_line = 0.0

    def open(
        self, step: int, total_steps: int, on_row: Callable[[Row], None] | None, show: bool
    ) -> None:
        """Start at ``step``: rows after it are of a run that was killed, and are dropped."""
        write_text(self.path, self._header() + "".join(self._rows_until(step)))
        self.on_row, self.total_steps = on_row, total_steps
        if show and sys.stderr.isatty():
            self.bar = tqdm(total=total_steps, initial=step, unit="step", dynamic_ncols=True)
        self.talks = show and self.bar is None and step < total_steps

    def advance(self, step: int, loss: float) -> None:
        """Move the progress bar."""
        if self.bar is not None:
            self.bar.set_postfix(loss=f"{loss:.3e}", refresh=False)
            self.bar.update(step - self.bar.n)

    def write(self, row: Row) -> None:
        """Append one row, then notify the listeners."""
        with open(self.path, "a", newline="", encoding="utf-8") as stream:
            stream.write(self._line(row))
        finished = row["step"] == self.total_steps
        if self.talks and (finished or time.monotonic() - self.last_line > SECONDS_BETWEEN_LINES):
            self.last_line = time.monotonic()
            values = ", ".join(f"{k} {v:.6g}" for k, v in row.items() if v is not None)
            print(f"training: {values} (of {self.total_steps} steps)", file=sys.stderr, flush=True)
        if self.on_row is not None:
            self.on_row(dict(row))

    def close(self) -> None:
        """Take the bar away; may be called at any time."""
        if self.bar is not None:
            self.bar.close()

    def _header(self) -> str:
        return ",".join(self.columns) + "\n"

    def _line(self, row: Row) -> str:
        text = io.StringIO()
        csv.DictWriter(text, self.columns, lineterminator="\n").writerow(row)
        return text.getvalue()

    def _rows_until(self, step: int) -> list[str]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)[1:]
        # A line without an end was being written when the process was killed.
        return [line for line in lines if line.endswith("\n") and int(line.split(",")[0]) <= step]
