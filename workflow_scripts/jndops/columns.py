"""Plain text in aligned columns, for a terminal or a log."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from tabulate import tabulate


def aligned(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows as lines of columns; those whose cells below the first row are numbers stand right."""
    rows = [list(row) for row in rows]
    sides = ["right" if _is_numeric(column[1:]) else "left" for column in zip(*rows, strict=True)]
    # Without parsing: tabulate would write +2.30 as 2.3.
    text = tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=sides)
    return [line.rstrip() for line in textwrap.indent(text, indent).splitlines()]


def _is_numeric(cells: Sequence[str]) -> bool:
    numbers = (cell.split()[0].lstrip("+-").replace(",", "") for cell in cells if cell.strip())
    return all(text.replace(".", "", 1).isdigit() or text in ("nan", "none") for text in numbers)
