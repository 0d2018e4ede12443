"""Plain text in aligned columns, for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows as lines of columns; those whose cells below the first row are numbers stand right."""
    rows = [list(row) for row in rows]
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(_is_number(cell) for cell in column[1:] if cell) for column in columns]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def _is_number(text: str) -> bool:
    first = text.split(" ")[0].lstrip("+-").replace(",", "").replace(".", "", 1)
    return first.isdigit() or text in ("nan", "none")
