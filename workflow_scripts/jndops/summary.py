"""What a person is told at the end of a run: what was made, where, headline numbers, what failed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jndlab.files import read_csv

Row = Mapping[str, str]


def summarise(results_dir: Path) -> str:
    """The summary of a results folder as aligned plain text; what is missing is left out."""
    results_dir = Path(results_dir)
    points = _table(results_dir / "tables/rd_points.csv")
    parts = [[f"Results in {results_dir}"], _inventory(results_dir, points)]
    parts += [_bd_rates(_table(results_dir / "tables/bd_rate.csv"))]
    parts += [_equal_qp(points, _anchor(results_dir)), _verdicts(results_dir), _notes(points)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def aligned(rows: Iterable[Sequence[str]], indent: str = "  ") -> list[str]:
    """Rows as lines of columns; those whose cells below the first row are numbers stand right."""
    rows = [list(row) for row in rows]
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(_is_number(cell) for cell in column[1:] if cell) for column in columns]
    return [
        (
            indent
            + "  ".join(
                cell.rjust(width) if to_right else cell.ljust(width)
                for cell, width, to_right in zip(row, widths, right, strict=True)
            )
        ).rstrip()
        for row in rows
    ]


def _inventory(results_dir: Path, points: list[Row]) -> list[str]:
    rows = []
    count = len(points) or sum(1 for _ in results_dir.glob("points/**/qp*.json"))
    if count:
        seconds = sum(float(row.get("encode_cpu_s") or 0) for row in points)
        spent = f", {seconds:.0f} s of encoder CPU time" if points else ", no table of them yet"
        rows.append((f"{count}", "RD points", f"{results_dir / 'points'}{spent}"))
    for what, suffix in (("tables", "csv"), ("figures", "svg")):
        for folder in sorted([results_dir / what, *results_dir.glob(f"*/{what}")]):
            if folder.parent != results_dir and (folder.parent / "config.json").exists():
                continue  # the results of another run, such as results/smoke
            if made := len(list(folder.glob(f"[!.]*.{suffix}"))):
                rows.append((f"{made}", what, f"{folder}"))
    for name in ("report.zip", "report.html"):
        if (results_dir / name).is_file():
            rows.append(("1", "report", f"{results_dir / name}"))
    if mirrored := _mirrored(results_dir):
        rows.append(mirrored)
    if not rows:
        return ["  nothing yet"]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return [
        f"  {count.rjust(widths[0])} {what.ljust(widths[1])}  {where}"
        for count, what, where in rows
    ]


def _mirrored(results_dir: Path) -> tuple[str, str, str] | None:
    ledger = next(iter(sorted(results_dir.glob("*ledger*.csv"))), None)
    rows = _table(ledger) if ledger else []
    failed = [row["state"] for row in rows if row.get("state") != "mirrored"]
    if failed:
        return "0", "MLflow runs", failed[0]
    return (
        (f"{len(rows)}", "MLflow runs", f"{results_dir / 'mlflow.db'} (make ui)") if rows else None
    )


def _bd_rates(table: list[Row]) -> list[str]:
    means = [row for row in table if row.get("level") == "all"]
    if not means:
        return []
    metrics = list(dict.fromkeys(row["metric"] for row in means))
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for row in means:
        line = lines.setdefault((row["method"], row["codec"], row["config"]), {})
        left_out = row.get("left_out") or "0"
        mark = f" ({left_out} left out)" if left_out != "0" else ""
        line[row["metric"]] = _rounded(row["bd_rate_pct"]) + mark
    rows = [("method", "codec", "config", *metrics)]
    rows += [(*key, *(line.get(name, "") for name in metrics)) for key, line in lines.items()]
    title = "BD-rate against the anchor in %, mean over sequences (negative: fewer bits)"
    return [title, *aligned(rows)]


def _equal_qp(points: list[Row], anchor: str) -> list[str]:
    """Saving at equal QP, never without the quality that it costs."""
    names = ("sequence", "config", "codec", "qp")
    anchors = {tuple(row[name] for name in names): row for row in points if row["method"] == anchor}
    groups: dict[tuple[str, ...], list[tuple[float, float, float]]] = defaultdict(list)
    for row in points:
        base = anchors.get(tuple(row[name] for name in names))
        if row["method"] != anchor and base:
            saving = 100 * (1 - float(row["bits"]) / float(base["bits"]))
            drops = [
                float(base[name] or "nan") - float(row[name] or "nan")
                for name in ("vmaf_mean", "psnr_y_framemean")
            ]
            groups[row["method"], row["codec"], row["config"]].append((saving, *drops))
    if not groups:
        return []
    rows = [("method", "codec", "config", "bits saved %", "VMAF lost", "PSNR Y lost dB", "points")]
    for key, values in groups.items():
        means = (sum(column) / len(values) for column in zip(*values, strict=True))
        rows.append((*key, *(f"{mean:.2f}" for mean in means), str(len(values))))
    return ["At the QP of the anchor, mean over sequences and QPs", *aligned(rows)]


def _verdicts(results_dir: Path) -> list[str]:
    rows = [("comparison with printed numbers", "verdicts")]
    for path in sorted(results_dir.glob("*/tables/*.csv")):
        table = _table(path)
        if (path.parent.parent / "config.json").exists() or not table or "verdict" not in table[0]:
            continue
        counts = Counter(row["verdict"].split(":")[0] for row in table)
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        rows.append((str(path.relative_to(results_dir)), told))
    return aligned(rows, indent="") if len(rows) > 1 else []


def _notes(points: list[Row]) -> list[str]:
    stand_ins = sorted({row["sequence"] for row in points if row.get("content") == "demo"})
    if not stand_ins:
        return []
    return [
        f"Stand-in content: {', '.join(stand_ins)}.",
        "Numbers on it show that the suite works; they reproduce no printed number.",
    ]


def _anchor(results_dir: Path) -> str:
    try:
        config = json.loads((results_dir / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "anchor"
    return str(config.get("config", config).get("anchor", "anchor"))


def _table(path: Path) -> list[Row]:
    try:
        return list(read_csv(path))
    except OSError:
        return []


def _rounded(text: str) -> str:
    return f"{float(text):+.2f}" if text else "none"


def _is_number(text: str) -> bool:
    return text.split(" ")[0].lstrip("+-").replace(".", "", 1).isdigit() or text in ("nan", "none")
