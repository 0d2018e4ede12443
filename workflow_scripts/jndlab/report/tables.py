"""Any table as CSV, Markdown, LaTeX and HTML, stable bytes."""

from __future__ import annotations

import html
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from jndlab.errors import UserError
from jndlab.files import write_text

FORMATS = ("csv", "md", "tex", "html")
LIST_FORMATS = ("csv", "md", "html")  # of long lists (every point, every picture): nothing to print
EXACT = ".6f"
TEXT_FORMAT = ".2f"
MARKUP = re.compile(r"([\\|_*<>])")  # what Markdown does not read as text


def write_table(
    frame: pd.DataFrame,
    stem: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    caption: str = "",
    float_formats: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write ``frame`` as ``stem`` with each suffix of ``formats``; return the paths written.

    Rows and columns stay in the order given: whoever builds a table sorts it. CSV carries six
    decimals of every float; Markdown, LaTeX (booktabs, graphicx) and HTML (a page of its own) use
    ``float_formats`` (column to format specification, e.g. ``{"psnr_drop_db": ".3f"}``), two
    decimals where none is given. The caption is the first line of the Markdown and HTML files and
    a comment in the LaTeX file, whose table shrinks to the width of the line. Missing values are
    empty cells. The bytes depend on the values alone.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown:
        raise UserError(
            f"'{sorted(unknown)[0]}' is no table format.", expected="some of " + ", ".join(FORMATS)
        )
    stem = Path(stem)
    numeric = [_is_numeric(frame[name]) for name in frame.columns]
    caption = " ".join(caption.split())
    written = []
    for kind in formats:
        if kind == "csv":
            text = _as_text(frame, {}, EXACT).to_csv(index=False, lineterminator="\n")
        else:
            write = {"md": _markdown, "tex": _latex, "html": _html}[kind]
            text = write(_as_text(frame, float_formats or {}, TEXT_FORMAT), numeric, caption)
        # Not with_suffix: a stem such as "points_qp22.5" must keep its last part.
        path = stem.with_name(f"{stem.name}.{kind}")
        write_text(path, text)
        written.append(path)
    return written


def _as_text(frame: pd.DataFrame, formats: Mapping[str, str], other: str) -> pd.DataFrame:
    """Every cell as text, floats by the format of their column or by ``other``."""
    cells = {
        str(name): [_cell(value, formats.get(str(name), other)) for value in frame[name].tolist()]
        for name in frame.columns
    }
    return pd.DataFrame(cells, dtype=str)


def _cell(value: Any, spec: str) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        text = format(float(value), spec)
        # A rounded tiny negative must not differ from zero by its sign: it is numerical noise.
        return text.lstrip("-") if not any(digit in text for digit in "123456789in") else text
    return str(value)


def _is_numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _markdown(cells: pd.DataFrame, numeric: Sequence[bool], caption: str) -> str:
    escaped = cells.map(_markdown_text).rename(columns=_markdown_text)
    table = escaped.to_markdown(
        index=False,
        disable_numparse=True,
        colalign=["right" if is_number else "left" for is_number in numeric] if len(cells) else (),
    )
    return f"{_markdown_text(caption)}\n\n{table}\n" if caption else f"{table}\n"


def _markdown_text(text: str) -> str:
    return MARKUP.sub(r"\\\1", text).replace("\n", " ")


def _latex(cells: pd.DataFrame, numeric: Sequence[bool], caption: str) -> str:
    columns = "".join("r" if is_number else "l" for is_number in numeric)
    table = cells.to_latex(index=False, escape=True, column_format=columns)
    # Pandas leaves these two, which LaTeX's default fonts show as other characters.
    table = table.replace("<", r"\textless{}").replace(">", r"\textgreater{}")
    head = f"% {caption}\n" if caption else ""
    fit = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    return f"{head}{fit}\n{table.rstrip()}}}\n"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; }}
p {{ max-width: 60em; }}
table {{ border-collapse: collapse; border-block: 2px solid #222; }}
th, td {{ padding: .2em .7em; text-align: left; white-space: nowrap; }}
th {{ border-bottom: 1px solid #222; position: sticky; top: 0; background: #fff; }}
tr:nth-child(even) td {{ background: #f4f4f4; }}
:is(th, td):is({numbers}) {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style></head><body>
<p>{caption}</p>
{table}
</body></html>
"""


def _html(cells: pd.DataFrame, numeric: Sequence[bool], caption: str) -> str:
    places = [place for place, is_number in enumerate(numeric, 1) if is_number]
    with pd.option_context("display.max_colwidth", None):
        table = cells.to_html(index=False, border=0)
    return _PAGE.format(
        title=html.escape(caption[:80]),
        numbers=", ".join(f":nth-child({place})" for place in places),
        caption=html.escape(caption),
        table=table,
    )
