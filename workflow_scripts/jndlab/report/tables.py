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
FOLDED = "not measured"  # the verdict of rows that the HTML page shows on request only
# What Markdown does not read as text; inside a word an underscore is one.
NOTES: list[str] = []  # sentences that every table of this process carries behind its caption
MARKUP = re.compile(r"([\\|<>]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\*(?=\S))")
LATEX_TEXT = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"},
        **{"<": r"\textless{}", ">": r"\textgreater{}"},
    }
)


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
    decimals where none is given. The caption, with :data:`NOTES`, is the first line of the Markdown
    and HTML files and the caption in LaTeX, whose table shrinks to the width of the line and is
    labelled ``tab:<name>``. The HTML page sorts and filters its rows by itself and folds those that
    were not measured. Missing values are empty cells. The bytes depend on the values alone.
    """
    unknown = set(formats) - set(FORMATS)
    if unknown:
        raise UserError(
            f"'{sorted(unknown)[0]}' is no table format.", expected="some of " + ", ".join(FORMATS)
        )
    stem = Path(stem)
    numeric = [_is_numeric(frame[name]) for name in frame.columns]
    caption = " ".join([*caption.split(), *NOTES])
    written = []
    for kind in formats:
        if kind == "csv":
            text = _as_text(frame, {}, EXACT).to_csv(index=False, lineterminator="\n")
        else:
            cells = _as_text(frame, float_formats or {}, TEXT_FORMAT)
            if kind == "tex":
                text = _latex(cells, numeric, caption, stem.name)
            else:
                text = {"md": _markdown, "html": _html}[kind](cells, numeric, caption)
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


def _latex(cells: pd.DataFrame, numeric: Sequence[bool], caption: str, label: str) -> str:
    columns = "".join("r" if is_number else "l" for is_number in numeric)
    table = cells.to_latex(index=False, escape=True, column_format=columns)
    # Pandas leaves these two, which LaTeX's default fonts show as other characters.
    table = table.replace("<", LATEX_TEXT[ord("<")]).replace(">", LATEX_TEXT[ord(">")])
    fit = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    head = [r"\begin{table}[htbp]", r"\centering"]
    if caption:
        head.append(rf"\caption{{{caption.translate(LATEX_TEXT)}}}")
    head.append(rf"\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', label)}}}")
    return "\n".join([*head, fit, f"{table.rstrip()}}}", r"\end{table}"]) + "\n"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; }}
p {{ max-width: 60em; }}
table {{ border-collapse: collapse; border-block: 2px solid #222; }}
th, td {{ padding: .2em .7em; text-align: left; white-space: nowrap; }}
th {{ border-bottom: 1px solid #222; position: sticky; top: 0; background: #fff; cursor: pointer; }}
th[aria-sort="ascending"]::after {{ content: " \\25B4"; }}
th[aria-sort="descending"]::after {{ content: " \\25BE"; }}
tr.even td {{ background: #f4f4f4; }}
:is(th, td):is({numbers}) {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style></head><body>
<p>{caption}</p>
<p><input id="filter" type="search" placeholder="show rows with ..." aria-label="filter">
<label id="fold" hidden><input type="checkbox"> also the <span></span> rows not measured</label></p>
{table}
<script>
{script}
</script>
</body></html>
"""

# Click a head to sort; words in the box keep the rows that have them all; rows that were not
# measured stay folded until asked for.
_SCRIPT = """
const body = document.querySelector("tbody"), rows = [...body.rows];
const box = document.getElementById("filter"), fold = document.getElementById("fold");
const folded = rows.filter(row => [...row.cells].some(cell => cell.textContent === "{fold}"));
const key = text => text.trim() === "" ? null : isNaN(text) ? text : Number(text);
function show() {
  const words = box.value.toLowerCase().split(/ +/), all = fold.querySelector("input").checked;
  let place = 0;
  for (const row of body.rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word)) || (!all && folded.includes(row));
    if (!row.hidden) row.className = place++ % 2 ? "even" : "";
  }
}
document.querySelectorAll("th").forEach((head, column) => head.addEventListener("click", () => {
  const down = head.getAttribute("aria-sort") === "ascending";
  document.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const order = (a, b) => {
    const [x, y] = [a, b].map(row => key(row.cells[column].textContent));
    if (x === null || y === null) return (x === null) - (y === null);
    return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
  };
  body.append(...rows.slice().sort(order));
  show();
}));
box.addEventListener("input", show);
fold.addEventListener("change", show);
fold.querySelector("span").textContent = folded.length;
fold.hidden = folded.length === 0 || folded.length === rows.length;
fold.querySelector("input").checked = folded.length === rows.length;
show();
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
        script=_SCRIPT.replace("{fold}", FOLDED).strip(),
    )
