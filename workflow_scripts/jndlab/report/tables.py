"""Any table as CSV, Markdown, LaTeX and HTML, stable bytes."""

from __future__ import annotations

import csv
import html
import io
import math
import numbers
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from jndlab.errors import UserError
from jndlab.files import write_text

FORMATS = ("csv", "md", "tex", "html")
CSV_DECIMALS = 6
TEXT_FORMAT = ".2f"


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
    decimals of every float; Markdown, LaTeX (booktabs) and HTML (a page of its own) use
    ``float_formats`` (column to format specification, e.g. ``{"psnr_drop_db": ".3f"}``), two
    decimals where none is given. The caption is the first line of the Markdown and HTML files and
    a comment in the LaTeX file. Missing values are empty cells. The bytes depend on the values
    alone.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown:
        raise UserError(
            f"'{sorted(unknown)[0]}' is no table format.", expected="some of " + ", ".join(FORMATS)
        )
    stem = Path(stem)
    names = [str(name) for name in frame.columns]
    chosen = float_formats or {}
    exact = [f".{CSV_DECIMALS}f"] * len(names)
    short = [chosen.get(name, TEXT_FORMAT) for name in names]
    caption = " ".join(caption.split())
    written = []
    for kind in formats:
        cells = _cells(frame, exact if kind == "csv" else short)
        if kind == "csv":
            text = _csv(names, cells)
        else:
            right = [_is_numeric(frame[name]) for name in frame.columns]
            write = {"md": _markdown, "tex": _latex, "html": _html}[kind]
            text = write(names, cells, right, caption)
        # Not with_suffix: a stem such as "points_qp22.5" must keep its last part.
        path = stem.with_name(f"{stem.name}.{kind}")
        write_text(path, text)
        written.append(path)
    return written


def markdown_text(text: str) -> str:
    """Text with the characters that Markdown would read as markup escaped."""
    for character in "\\|_*<>":
        text = text.replace(character, "\\" + character)
    return text.replace("\n", " ")


def latex_text(text: str) -> str:
    """Text with the characters that LaTeX would read as commands escaped."""
    return "".join(_LATEX.get(character, character) for character in text)


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\n": " ",
    **{character: "\\" + character for character in "&%$#_{}"},
}


def _cells(frame: pd.DataFrame, formats: Sequence[str]) -> list[list[str]]:
    columns = (frame.iloc[:, index].tolist() for index in range(frame.shape[1]))
    texts = [
        [_cell(value, spec) for value in column]
        for column, spec in zip(columns, formats, strict=True)
    ]
    return [list(row) for row in zip(*texts, strict=True)]


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


def _csv(names: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(cells)
    return stream.getvalue()


def _markdown(
    names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], caption: str
) -> str:
    lines = [markdown_text(caption), ""] if caption else []
    rule = ["---:" if is_right else "---" for is_right in right]
    lines += [
        "| " + " | ".join(row) + " |"
        for row in [
            [markdown_text(name) for name in names],
            rule,
            *([markdown_text(cell) for cell in row] for row in cells),
        ]
    ]
    return "\n".join(lines) + "\n"


def _latex(
    names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], caption: str
) -> str:
    def line(row: Sequence[str]) -> str:
        return " & ".join(latex_text(cell) for cell in row) + r" \\"

    return "\n".join(
        [
            *([f"% {caption}"] if caption else []),
            r"\begin{tabular}{" + "".join("r" if is_right else "l" for is_right in right) + "}",
            r"\toprule",
            line(names),
            r"\midrule",
            *(line(row) for row in cells),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; }}
p {{ max-width: 60em; }}
table {{ border-collapse: collapse; border-block: 2px solid #222; }}
th, td {{ padding: .2em .7em; text-align: left; white-space: nowrap; }}
th {{ border-bottom: 1px solid #222; position: sticky; top: 0; background: #fff; }}
tr:nth-child(even) td {{ background: #f4f4f4; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style></head><body>
<p>{caption}</p>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</body></html>
"""


def _html(
    names: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], caption: str
) -> str:
    def line(row: Sequence[str], tag: str) -> str:
        kinds = [' class="number"' if is_right else "" for is_right in right]
        parts = zip(row, kinds, strict=True)
        return "".join(f"<{tag}{kind}>{html.escape(cell)}</{tag}>" for cell, kind in parts)

    text = html.escape(caption)
    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in cells)
    return _PAGE.format(title=text[:80], caption=text, head=line(names, "th"), body=body)
