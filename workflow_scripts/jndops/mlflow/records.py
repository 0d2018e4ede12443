"""What of the results is worth a run in MLflow: records read from the results folder, no MLflow."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jndlab.errors import UserError
from jndlab.files import own_content, read_csv, sha256_of, sha256_of_json
from jndlab.quality.rd_point import read_point
from jndops.artefacts import Artefact, wings

FOUNDATION = "rate-distortion"  # first part of the keys of what belongs to no single paper
# Experiment of each kind of record.
EXPERIMENTS = {
    "point": "points",
    "curves": "comparisons",
    "table": "comparisons",
    "figure": "figures",
    "report": "figures",
    "description": "figures",
    "training": "trainings",
}
# Columns with which `make ui` opens an experiment: MLflow shows no metric by itself.
COLUMNS = {
    "points": ("metrics.bitrate_kbps", "metrics.vmaf_mean", "metrics.psnr_y_mse",
               "params.method", "params.qp"),
    "comparisons": ("metrics.bd_rate/vmaf_mean", "metrics.bd_rate/vmaf_neg_mean",
                    "metrics.bd_rate/psnr_y_mse", "params.method", "params.rows"),
    "figures": ("params.paper",),
    "trainings": ("metrics.loss/train", "metrics.loss/val", "params.architecture.name",
                  "params.architecture.parameters"),
}  # fmt: skip
ARTIFACTS_FOLDER = "mlflow_artifacts"
CURVE_METRICS = ("bitrate_kbps", "psnr_y_mse", "vmaf_mean", "vmaf_neg_mean")
TABLE_SUFFIXES = (".csv", ".md", ".tex")
FIGURE_SUFFIXES = (".png", ".svg", ".csv")
DOCUMENTS = ("methods.md", "references.bib", "versions.yml")
REPORT_NAMES = ("report.zip", "report.html")
MAX_VALUE_LENGTH = 6000  # MLflow's limit of a parameter; longer values are cut


class Source(NamedTuple):
    """What a run was made of: name, hash of its content, and what it served for."""

    name: str
    digest: str
    context: str  # evaluation, training


@dataclass(frozen=True)
class Record:
    """One run to be mirrored. ``metrics`` are (name, value, step); ``files`` become artefacts.

    ``recipe`` is the hash of what was asked for, empty of what has none: another recipe is another
    run next to the old one. ``note`` is a description in Markdown.
    """

    key: str
    kind: str  # of EXPERIMENTS
    name: str
    parent: str | None
    params: Mapping[str, str]
    metrics: tuple[tuple[str, float, int], ...]
    tags: Mapping[str, str]
    files: tuple[Path, ...]
    time_ms: int
    seconds: float = 0.0  # that its job took
    rule: str = ""
    recipe: str = ""
    note: str = ""
    source: Source | None = None
    payload_sha256: str = ""

    @property
    def experiment(self) -> str:
        """Name of its experiment."""
        return EXPERIMENTS[self.kind]


def collect_records(results_dir: Path) -> list[Record]:
    """Points, tables, figures and reports of a results folder, parents first, in a stable order.

    Folders ``points``, ``tables`` and ``figures`` at the top belong to no single paper; those
    inside a folder of a paper (``iqnet/tables``) belong to its experiment.
    """
    records: list[Record] = []
    homes = [(FOUNDATION, results_dir)]
    homes += [(folder.name, folder) for folder in paper_folders(results_dir)]
    for experiment, home in homes:
        points = []
        for path in sorted(home.glob("points/**/qp*.json")):
            with own_content(path):
                points.append(_point(path, experiment))
        records += _curves(points, experiment, home / "tables" / "bd_rate.csv") + points
        for kind, folder, suffixes in (
            ("table", "tables", TABLE_SUFFIXES),
            ("figure", "figures", FIGURE_SUFFIXES),
        ):
            records += _documents(experiment, kind, home / folder, suffixes)
    summary = [results_dir / f"summary{suffix}" for suffix in TABLE_SUFFIXES]
    if summary[0].is_file():
        found = [path for path in summary if path.is_file()]
        records.append(_document(FOUNDATION, "table", "summary", found, results_dir))
    documents = [path for name in DOCUMENTS if (path := results_dir / name).is_file()]
    if documents:
        records.append(_document(FOUNDATION, "description", "of the run", documents, results_dir))
    for name in REPORT_NAMES:
        if (path := results_dir / name).is_file():
            records.append(_document(FOUNDATION, "report", name, [path], results_dir))
    return records


def paper_folders(results_dir: Path) -> list[Path]:
    """Folders of single papers inside a results folder, which itself may hold other runs' results
    (``results/smoke``): those are known by their own logs."""
    return [
        folder
        for folder in sorted(results_dir.glob("*"))
        if folder.name != ARTIFACTS_FOLDER
        and not (folder / "logs").is_dir()
        and any((folder / part).is_dir() for part in ("points", "tables", "figures"))
    ]


def sealed(record: Record) -> Record:
    """The record with the hash of all that MLflow would show, the files' content included."""
    content = [
        record.kind, record.name, record.parent, record.params, record.metrics, record.tags,
        record.recipe, record.note, record.source,
    ]  # fmt: skip
    files = {path.name: sha256_of(path) for path in record.files}
    return replace(record, payload_sha256=sha256_of_json([*content, files]))


def finite_metrics(values: Mapping[str, Any], step: int = 0) -> tuple[tuple[str, float, int], ...]:
    """The numbers among ``values`` as metrics at ``step``, under names that MLflow takes."""
    # MLflow stores an infinity as 1.8e308, so only finite values are given to it.
    return tuple(
        (_metric_name(name), float(value), step)
        for name, value in values.items()
        if _is_number(value) and math.isfinite(value)
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested keys dotted, values as text."""
    texts: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            texts |= flat(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            texts[_metric_name(f"{prefix}{name}")] = text[:MAX_VALUE_LENGTH]
    return texts


def time_ms(paths: list[Path]) -> int:
    """When the newest of ``paths`` was written, in milliseconds since 1970."""
    return int(max(path.stat().st_mtime for path in paths) * 1000)


def _point(path: Path, experiment: str) -> Record:
    point = read_point(path)
    key, provenance = point["key"], point.get("provenance", {})
    group = f"{experiment}/{key['method']}/{key['codec']}/{key['configuration']}"
    values = {"bits": point["bits"], "bitrate_kbps": point["bitrate_kbps"], **point["metrics"]}
    for name, value in (point.get("prefilter_metrics") or {}).items():
        values[f"prefilter/{name}"] = value
    values |= {name: value for name, value in provenance.items() if name.endswith("_s")}
    params = {**flat(key), **flat(point["clip"]), **flat(point.get("recipe", {}), "recipe.")}
    tags = {name: value for name, value in provenance.items() if name not in values}
    tags |= {name: point[name] for name in ("content", "label", "recipe_sha256") if name in point}
    return sealed(
        Record(
            key=f"{group}/{key['sequence']}/qp{key['qp']}",
            kind="point",
            name=f"{key['sequence']} {key['configuration']} {key['method']} qp{key['qp']}",
            parent=group,
            params=params,
            metrics=finite_metrics(values, step=int(key["qp"])),
            tags=flat(tags),
            files=(),
            time_ms=time_ms([path]),
            seconds=sum(
                float(seconds)
                for name in ("encode_wall_s", "measure_wall_s")
                if _is_number(seconds := provenance.get(name))
            ),
            rule="measure_point",
            recipe=point.get("recipe_sha256", ""),
            note=f"{point.get('label', key['method'])}: {key['sequence']} with {key['codec']}, "
            f"{key['configuration']}, QP {key['qp']}.",
            source=Source(
                key["sequence"], str(point.get("recipe", {}).get("source_sha256", "")), "evaluation"
            ),
        )
    )


def _curves(points: list[Record], experiment: str, bd_rates: Path) -> list[Record]:
    """One parent per method, codec and configuration: its curves over QP and mean BD-rates."""
    table = read_csv(bd_rates) if bd_rates.is_file() else []
    groups: dict[str, list[Record]] = {}
    for point in points:
        groups.setdefault(str(point.parent), []).append(point)
    parents = []
    for group, members in sorted(groups.items()):
        shared = {name: members[0].params[name] for name in ("configuration", "codec", "method")}
        metrics: list[tuple[str, float, int]] = []
        for member in members:
            metrics += [
                (_metric_name(f"{member.params['sequence']}/{name}"), value, step)
                for name, value, step in member.metrics
                if name in CURVE_METRICS
            ]
        for row in table:
            same = all(row.get(name, value) == value for name, value in shared.items())
            # No mean where all its curves share too little quality, as in the summary.
            trusted = row.get("low_overlap", "") != row.get("sequences", "0")
            if same and trusted and row.get("level") == "all" and row.get("bd_rate_pct"):
                metrics += finite_metrics({f"bd_rate/{row['metric']}": float(row["bd_rate_pct"])})
        digest = sha256_of_json([member.payload_sha256 for member in members])
        parents.append(
            sealed(
                Record(
                    key=group,
                    kind="curves",
                    name=f"{shared['method']} {shared['codec']} {shared['configuration']}",
                    parent=None,
                    params=shared | {"points": str(len(members))},
                    metrics=tuple(metrics),
                    tags={"results_digest": digest},
                    files=(),
                    time_ms=max(member.time_ms for member in members),
                    seconds=_span(members),
                    rule="compare_methods",
                    recipe=sha256_of_json(sorted(member.recipe for member in members)),
                    note=f"Curves over QP of {shared['method']}, and its mean BD-rates.",
                )
            )
        )
    return parents


def _span(members: list[Record]) -> float:
    """Seconds from the start of the first job to the end of the last."""
    first = min(member.time_ms - 1000 * member.seconds for member in members)
    return (max(member.time_ms for member in members) - first) / 1000


def _documents(
    experiment: str, kind: str, folder: Path, suffixes: tuple[str, ...]
) -> Iterator[Record]:
    stems: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*")):
        if path.suffix in suffixes and not path.name.startswith("."):
            stems.setdefault(path.stem, []).append(path)
    for stem, paths in stems.items():
        yield _document(experiment, kind, stem, paths, folder.parents[experiment != FOUNDATION])


def _document(experiment: str, kind: str, name: str, paths: list[Path], results: Path) -> Record:
    """A table, figure or other file; its rule and meaning are those of the lists of artefacts."""
    artefact = _artefact(paths[0].relative_to(results).as_posix())
    params = {"paper": experiment} if experiment != FOUNDATION else {}
    tables = [path for path in paths if kind == "table" and path.suffix == ".csv"]
    for path in tables:
        with open(path, newline="", encoding="utf-8") as stream:
            header, *rows = list(csv.reader(stream)) or [[]]
        params |= {"rows": str(len(rows)), "columns": ", ".join(header)}
    record = Record(
        key=f"{experiment}/{kind}/{name}",
        kind=kind,
        name=f"{kind} {name}",
        parent=None,
        params=flat(params),
        metrics=(),
        tags={},
        files=tuple(paths),
        time_ms=time_ms(paths),
        seconds=_benchmarked(results, artefact.rule) if artefact else 0.0,
        rule=artefact.rule if artefact else "",
        note=artefact.shows if artefact else "",
    )
    return sealed(record)


@cache
def _artefact(path: str) -> Artefact | None:
    """The artefact of the lists that a file below the results belongs to."""
    artefacts = (artefact for wing in wings().values() for artefact in wing.artefacts)
    return next((artefact for artefact in artefacts if artefact.matches(path)), None)


def _benchmarked(results: Path, rule: str) -> float:
    """Seconds of the job of a rule without wildcards, by its benchmark; 0 where there is none."""
    try:
        return float(read_csv(results / f"benchmarks/{rule}.tsv", "\t")[0]["s"])
    except (OSError, UserError, KeyError, IndexError, ValueError):
        return 0.0


def _metric_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_\-. :/]", "_", name)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
