"""Landing page of the HTML report in reStructuredText: results, the run, and where to start."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tabulate import tabulate

from jndlab.paths import ROOT
from jndops.artefacts import wings
from jndops.mlflow.records import paper_folders
from jndops.run_record import RECORD, provenance
from jndops.summary import method_table, shown_lines

WHO = 3  # columns that say which method
LOSSES = 3  # columns of what it saves and loses at equal QP, the last
TEXT, STYLE = ROOT / "report/workflow.rst", ROOT / "report/style.css"
PAGE = "JND_REPORT_PAGE"  # environment variable: the file that the Snakefile takes for its page


def landing_page(results: Path) -> str:
    """The page of a finished run; a template in which nothing of the results is taken for code."""
    parts = [
        "Results of the JND coding reproduction suite",
        "=" * 44,
        *_run(results),
        *_methods(results),
        *_shown(results),
        *_where_to_start(results),
    ]
    text = "\n".join(parts)
    return f"{{% raw %}}{text}{{% endraw %}}\n\n{TEXT.read_text(encoding='utf-8')}"


def counts(results: Path) -> dict[str, int]:
    """Numbers of points, tables and figures, by their names."""
    homes = [results, *paper_folders(results)]
    return {
        "rate-distortion points": sum(1 for _ in results.glob("points/**/qp*.json")),
        "tables": sum(1 for home in homes for _ in home.glob("tables/[!.]*.csv")),
        "figures": sum(1 for home in homes for _ in home.glob("figures/[!.]*.svg")),
    }


def _run(results: Path) -> list[str]:
    path = results / RECORD
    if not path.is_file():
        return []
    record = json.loads(path.read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {version}" for name, version in record["packages"].items())
    line = f"{provenance(record)} Suite {record['suite']}, Python {record['python']}, {versions}."
    return ["", line.replace("`", "``")]


def _methods(results: Path) -> list[str]:
    """The summary of methods: who, the first BD-rate, and what is saved and lost at equal QP."""
    caption, head, rows = method_table(results / "summary.md")
    if not rows:
        return []
    chosen = [*range(WHO + 1), *range(len(head) - LOSSES, len(head))]
    cells = [[row[place] for place in chosen] for row in rows]
    return [*_section("Methods"), _grid([head[n] for n in chosen], cells), "", _plain(caption)]


def _shown(results: Path) -> list[str]:
    lines = [f"* {_plain(line)}" for line in shown_lines(results)]
    return [*_section("Shown, over sources and training seeds"), *lines] if lines else []


def _where_to_start(results: Path) -> list[str]:
    rows = [
        [wing.title, wing.artefacts[0].category, wing.printed, wing.document]
        for wing in wings().values()
        if any(_is_made(results, artefact.stem) for artefact in wing.artefacts)
    ]
    return [*_section("Where to start"), _grid(["", "menu", "compared with", "document"], rows), ""]


def _is_made(results: Path, stem: str) -> bool:
    return any(results.glob(re.sub(r"\{\w+\}", "*", stem) + ".csv"))


def _section(title: str) -> list[str]:
    return ["", title, "-" * len(title), ""]


def _grid(head: list[str], rows: list[list[str]]) -> str:
    cells = [[_plain(cell) or "\\ " for cell in row] for row in rows]
    return tabulate(cells, head, tablefmt="grid", disable_numparse=True)


def _plain(text: str) -> str:
    """Text of which nothing is markup."""
    return re.sub(r"([*`|_\\])", r"\\\1", text)
