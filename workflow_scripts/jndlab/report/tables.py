"""Any table as CSV, Markdown, LaTeX and HTML, stable bytes."""

from __future__ import annotations

import html
import math
import numbers
import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
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
        **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
        "\xa0": " ",
    }
)
LATEX_LINE, LATEX_LINES = 80, 38  # characters and lines that fit the text of an article's page
LATEX_GAP = 0.45  # of a line, between rows of several lines
LATEX_BREAKS = (60, 40, 30, 24, 20, 16, 12)  # longest lines of a cell that are tried in turn


def write_table(
    frame: pd.DataFrame,
    stem: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    caption: str = "",
    float_formats: Mapping[str, str] | None = None,
    bold: Collection[int] = (),
) -> list[Path]:
    """Write ``frame`` as ``stem`` with each suffix of ``formats``; return the paths written.

    Rows and columns stay in the order given: whoever builds a table sorts it. CSV carries six
    decimals of every float; Markdown, LaTeX (booktabs, graphicx) and HTML (a page of its own) use
    ``float_formats`` (column to format specification, e.g. ``{"psnr_drop_db": ".3f"}``), two
    decimals where none is given. The caption, with :data:`NOTES`, is the first line of the Markdown
    and HTML files and the caption in LaTeX, labelled ``tab:<name>``: cells are broken into lines
    where a table is wider than a page, which then shrinks to its width, and a long table is cut
    into several. Rows at the places ``bold`` are bold. The HTML page sorts and filters its rows by
    itself and folds those that were not measured. Missing values are empty cells. The bytes depend
    on the values alone.
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
                text = _latex(cells, numeric, caption, stem.name, bold)
            else:
                text = {"md": _markdown, "html": _html}[kind](cells, numeric, caption, bold)
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


def _markdown(
    cells: pd.DataFrame, numeric: Sequence[bool], caption: str, bold: Collection[int]
) -> str:
    escaped = cells.map(_markdown_text).rename(columns=_markdown_text)
    escaped = _emphasised(escaped, bold, "**", "**")
    table = escaped.to_markdown(
        index=False,
        disable_numparse=True,
        colalign=["right" if is_number else "left" for is_number in numeric] if len(cells) else (),
    )
    return f"{_markdown_text(caption)}\n\n{table}\n" if caption else f"{table}\n"


def _emphasised(
    cells: pd.DataFrame, bold: Collection[int], before: str, after: str
) -> pd.DataFrame:
    cells = cells.copy()
    for place in bold:
        cells.iloc[place] = [f"{before}{text}{after}" if text else "" for text in cells.iloc[place]]
    return cells


def _markdown_text(text: str) -> str:
    return MARKUP.sub(r"\\\1", text).replace("\n", " ")


def _latex(
    cells: pd.DataFrame, numeric: Sequence[bool], caption: str, label: str, bold: Collection[int]
) -> str:
    sides = ["r" if is_number else "l" for is_number in numeric]
    for longest in LATEX_BREAKS:
        broken = [
            [_lines(text, longest) for text in row]
            for row in [list(cells.columns), *cells.to_numpy().tolist()]
        ]
        columns = zip(*broken, strict=True)
        widths = [max(len(line) for text in column for line in text) for column in columns]
        width = sum(widths) + 2 * len(widths)  # with what is between columns
        if width <= LATEX_LINE:
            break
    head, *rows = (
        " & ".join(_latex_cell(*cell, place, bold) for cell in zip(row, sides, strict=True))
        for place, row in enumerate(broken)
    )
    heights = [max(map(len, row)) for row in broken]
    gap = "\n\\addlinespace" if max(heights[1:], default=1) > 1 else ""
    # A table that is wider than the page shrinks, and more lines fit.
    room = (LATEX_LINES - len(caption) / 70) * max(1, width / LATEX_LINE) - heights[0]
    parts: list[list[str]] = [[]]
    used = 0.0
    for row, height in zip(rows, heights[1:], strict=True):
        used += height + (LATEX_GAP if gap else 0)
        if used > room and parts[-1]:
            parts.append([])
            used = height
        parts[-1].append(row)
    lines = []
    for number, part in enumerate(parts, 1):
        of = f" ({number} of {len(parts)})" if len(parts) > 1 else ""
        lines += [r"\begin{table}[htbp]", r"\centering"]
        lines += [rf"\caption{{{(caption + of).translate(LATEX_TEXT)}}}"] if caption else []
        if number == 1:
            lines.append(rf"\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', label)}}}")
        lines += [r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"]
        lines += [rf"\begin{{tabular}}{{{''.join(sides)}}}"]
        lines += [r"\toprule", rf"{head} \\", r"\midrule"]
        lines += [rf"{row} \\{gap}" for row in part[:-1]] + [rf"{row} \\" for row in part[-1:]]
        lines += [r"\bottomrule", r"\end{tabular}}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _lines(text: str, longest: int) -> list[str]:
    """``text`` in lines of at most ``longest`` characters, intervals and long words whole."""
    return textwrap.wrap(_whole_intervals(text), longest, break_long_words=False) or [""]


def _whole_intervals(text: str) -> str:
    """``text`` that is not broken inside brackets."""
    return re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "\xa0"), text)


def _latex_cell(lines: Sequence[str], side: str, place: int, bold: Collection[int]) -> str:
    """A cell of the row ``place``, of which 0 is the head."""
    texts = [line.translate(LATEX_TEXT) for line in lines]
    texts = [rf"\textbf{{{text}}}" if place - 1 in bold and text else text for text in texts]
    if len(texts) == 1:
        return texts[0]
    # After the end of a line LaTeX takes these for arguments.
    texts = [f"{{}}{text}" if text.startswith(("[", "*")) else text for text in texts]
    inner = r" \\ ".join(texts)
    return rf"\begin{{tabular}}[{'t' if place else 'b'}]{{@{{}}{side}@{{}}}}{inner}\end{{tabular}}"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; }}
p {{ max-width: 60em; }}
table {{ border-collapse: collapse; border-block: 2px solid #222; }}
th, td {{ padding: .2em .7em; text-align: left; vertical-align: top; }}
th {{ border-bottom: 1px solid #222; position: sticky; top: 0; background: #fff; }}
th {{ vertical-align: bottom; cursor: pointer; }}
th[aria-sort="ascending"]::after {{ content: " \\25B4"; }}
th[aria-sort="descending"]::after {{ content: " \\25BE"; }}
tr.even td {{ background: #f4f4f4; }}
:is(th, td):is({numbers}) {{ text-align: right; font-variant-numeric: tabular-nums; }}
td.whole, td:is({numbers}) {{ white-space: nowrap; }}
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

# Click a head to sort, by the number that cells begin with; words in the box keep the rows that
# have them all; rows that were not measured stay folded until asked for.
_SCRIPT = """
const body = document.querySelector("tbody"), rows = [...body.rows];
const box = document.getElementById("filter"), fold = document.getElementById("fold");
const folded = rows.filter(row => [...row.cells].some(cell => cell.textContent === "{fold}"));
for (const cell of body.querySelectorAll("td"))  // names are not broken at a hyphen
  if (!/\\s/.test(cell.textContent.trim())) cell.className = "whole";
const key = text => {
  const number = text.match(/^\\s*([+-]?\\d+(\\.\\d+)?(e[+-]?\\d+)?)(?=\\s|$)/);
  return text.trim() === "" ? null : number ? Number(number[1]) : text;
};
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
    if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
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


def _html(cells: pd.DataFrame, numeric: Sequence[bool], caption: str, bold: Collection[int]) -> str:
    places = [place for place, is_number in enumerate(numeric, 1) if is_number]
    escaped = cells.map(lambda text: html.escape(_whole_intervals(text), quote=False))
    escaped = escaped.rename(columns=html.escape)
    with pd.option_context("display.max_colwidth", None):
        table = _emphasised(escaped, bold, "<b>", "</b>").to_html(
            index=False, border=0, escape=False
        )
    return _PAGE.format(
        title=html.escape(caption[:80]),
        numbers=", ".join(f":nth-child({place})" for place in places),
        caption=html.escape(caption),
        table=table,
        script=_SCRIPT.replace("{fold}", FOLDED).strip(),
    )
