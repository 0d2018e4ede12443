"""Summary of a run: what was made, where it is, headline numbers, how many jobs failed."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from jndlab.files import own_content, read_csv
from jndops.columns import aligned
from jndops.mlflow.records import REPORT_NAMES, paper_folders
from jndops.statements import shown

Row = Mapping[str, str]
WIDTH = 110
NO_SUMMARY = "JND_NO_SUMMARY"  # a variable of the environment: the end of a run prints no tables
NOTHING = "  nothing yet"
DEMO = "config/config.yaml"  # taken where no configuration is named
MOST_SHOWN = 3  # statements of a paper in full
# "Error in rule NAME:" and the indented lines below it, of which one names the job.
_FAILED = re.compile(
    r"^Error in (?:local)?(?:rule|checkpoint) \w+:\n(?P<lines>(?: {4}.*\n)+)", re.MULTILINE
)
_JOB = re.compile(r"^ {4}jobid: (\d+)", re.MULTILINE)
_LOG = re.compile(r"^ {4}log: (.+?)(?: \(check log file\(s\) for error details\))?$", re.MULTILINE)


def summarise(results_dir: Path, configfile: Path | None = None) -> str:
    """The summary of a results folder as aligned plain text; what is missing is left out.

    ``configfile`` is that of the run, for the commands that are named.
    """
    results_dir = Path(results_dir)
    points = _table(results_dir / "tables/rd_points.csv")
    with own_content(results_dir / "tables"):
        parts = [[f"Results in {results_dir}"], _inventory(results_dir, points, configfile)]
        parts += [_methods(results_dir / "summary.md"), _verdicts(results_dir)]
        parts += [_shown(results_dir), _notes(points)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def failed_jobs(snakemake_logs: Iterable[Path]) -> dict[str, str]:
    """Jobs that failed by Snakemake's own logs: number and log; one retried comes once."""
    failed: dict[str, str] = {}
    for log in snakemake_logs:
        if log.is_file():
            for error in _FAILED.finditer(log.read_text(encoding="utf-8", errors="replace")):
                job, job_log = (pattern.search(error["lines"]) for pattern in (_JOB, _LOG))
                if job:
                    failed[job[1]] = job_log[1] if job_log else ""
    return failed


def _inventory(results_dir: Path, points: list[Row], configfile: Path | None) -> list[str]:
    rows = []
    count = len(points) or sum(1 for _ in results_dir.glob("points/**/qp*.json"))
    if count:
        seconds = sum(float(row.get("encode_cpu_s") or 0) for row in points)
        spent = f", {seconds:.0f} s of encoder CPU time" if points else ", no table of them yet"
        rows.append((f"{count}", "RD points", f"{results_dir / 'points'}{spent}"))
    homes = [results_dir, *paper_folders(results_dir)]
    for what, suffix in (("tables", "csv"), ("figures", "svg")):
        for folder in (home / what for home in homes):
            if made := len(list(folder.glob(f"[!.]*.{suffix}"))):
                rows.append((f"{made}", what, f"{folder}"))
    if (results_dir / "summary.html").is_file():
        rows.append(("1", "summary", f"{results_dir / 'summary.html'}"))
    for name in REPORT_NAMES:
        if (results_dir / name).is_file():
            rows.append(("1", "report", f"{results_dir / name}"))
    if mirrored := _mirrored(results_dir, configfile):
        rows.append(mirrored)
    if not rows:
        return [NOTHING]
    return aligned([("", "", ""), *rows])[1:]


def _mirrored(results_dir: Path, configfile: Path | None) -> tuple[str, str, str] | None:
    rows = _table(results_dir / "mlflow_ledger.csv")
    failed = [row["state"] for row in rows if row.get("state") != "mirrored"]
    if failed:
        return "0", "MLflow runs", failed[0]
    shown = configfile
    if configfile and configfile.is_absolute() and configfile.is_relative_to(Path.cwd()):
        shown = configfile.relative_to(Path.cwd())
    of_run = f" CONFIG={shown}" if shown and str(shown) != DEMO else ""
    where = f"{results_dir / 'mlflow.db'} (browse: make ui{of_run})"
    return (f"{len(rows)}", "MLflow runs", where) if rows else None


def method_table(path: Path) -> tuple[str, list[str], list[list[str]]]:
    """Caption, heads and cells of the table of all methods, out of its Markdown; else empty."""
    try:
        lines = path.read_text(encoding="utf-8").replace("\\", "").splitlines()
    except (OSError, UnicodeDecodeError):
        return "", [], []
    table = [line for line in lines if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    if len({len(row) for row in rows}) != 1:  # none, or changed by hand
        return "", [], []
    return lines[0], rows[0], rows[2:]


def shown_lines(results_dir: Path) -> list[str]:
    """For each paper what its tables show of who is better, and how much they leave open."""
    lines = []
    for home in paper_folders(results_dir):
        words, undecided = shown(results_dir, home.name)
        if not words and not undecided:
            continue
        first = "; ".join(words[:MOST_SHOWN]) or "nothing"
        more = [f"{len(words) - MOST_SHOWN} more"] if len(words) > MOST_SHOWN else []
        noun = "comparison" if undecided == 1 else "comparisons"
        more += [f"{undecided} {noun} not shown"] if undecided else []
        lines.append(f"{home.name}: {'; '.join([first, *more])}")
    return lines


def _methods(path: Path) -> list[str]:
    caption, head, rows = method_table(path)
    return [*textwrap.wrap(caption, WIDTH), *aligned([head, *rows])] if rows else []


def _verdicts(results_dir: Path) -> list[str]:
    rows = [("comparison with printed numbers", "verdicts")]
    homes = paper_folders(results_dir)
    for path in (path for home in homes for path in sorted(home.glob("tables/*.csv"))):
        table = _table(path)
        if not table or "verdict" not in table[0]:
            continue
        counts = Counter(row["verdict"].split(":")[0] for row in table)
        words = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        rows.append((str(path.relative_to(results_dir)), words))
    return aligned(rows, indent="") if len(rows) > 1 else []


def _shown(results_dir: Path) -> list[str]:
    lines = [
        line
        for words in shown_lines(results_dir)
        for line in textwrap.wrap(words, WIDTH, initial_indent="  ", subsequent_indent="    ")
    ]
    return ["shown, over sources and training seeds", *lines] if lines else []


def _notes(points: list[Row]) -> list[str]:
    stand_ins = sorted({row["sequence"] for row in points if row.get("content") == "demo"})
    if not stand_ins:
        return []
    return [
        f"Stand-in content: {', '.join(stand_ins)}.",
        "Numbers on it show that the suite works; they reproduce no printed number.",
    ]


def _table(path: Path) -> list[Row]:
    try:
        return list(read_csv(path))
    except OSError:
        return []
