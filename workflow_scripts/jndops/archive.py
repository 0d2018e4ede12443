"""Results that travel: all numbers of a run in one file, without video, and what to make of it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

from jndlab.errors import UserError
from jndlab.files import atomic_path, read_json, write_text
from jndlab.yaml_files import load_mapping
from jndops.artefacts import rebuilt_rules
from jndops.experiment import Experiment
from jndops.results_dir import results_dir
from jndops.run_record import RECORD, require_this_version
from jndops.workflow.environment import SNAKEMAKE

ARCHIVE = "results-archive.tar.gz"
# Numbers and reports about them, wherever they lie; pictures only where they are figures.
NUMBERS = {".json", ".csv", ".tsv", ".log"}
SHOWN = {".csv", ".md", ".tex", ".html", ".png", ".svg", ".pdf"}
MODELS = {".onnx", ".pt"}
SHOWN_FOLDERS = {"tables", "figures", "checks"}
# An archive of numbers alone has what tables are made of, and tables as documents quote them.
RECORDED = ".tar.xz"
RECORDED_NUMBERS = {".json", ".csv", ".tsv", ".npz", ".md", ".yml", ".bib"}
# What only the run itself can say: a rebuild keeps it.
OF_THE_RUN = (RECORD, "versions.yml", "methods.md", "methods.html", "references.bib")
SCRATCH = re.compile(r"/[^\s\"',:]*/jndlab-[^\s\"',:/]+")
# A QP for each block of each frame: small, and tables count them.
MAPS_FOLDER, MAPS = "qp_maps", ".npz"
# MLflow's own files are made again from the numbers; run states serve only an unfinished training.
LEFT_OUT_FOLDERS = {"mlflow_artifacts", "runs", ".snakemake"}
LEFT_OUT_FILES = {ARCHIVE, "mlflow_ledger.csv", "ro-crate-metadata.json"}


def pack(results: Path, numbers: Path | None = None) -> tuple[Path, int]:
    """Write ``results-archive.tar.gz`` into a results folder; returns it and its number of files.

    It unpacks in the root of another copy of the suite, where the results folder then is a Workflow
    Run RO-Crate. Experiments whose results lie in a folder
    below are left out. ``numbers`` is another file to write, a ``.tar.xz`` of the numbers alone,
    without pictures, networks and logs: what documents quote. Raises UserError where the folder
    holds no RD point, and no numbers of a finished run.
    """
    any_number = numbers and (results / RECORD).is_file()
    if not any_number and not any(results.glob("points/**/qp*.json")):
        raise UserError(
            f"there are no results to pack in {results}.",
            expected=f"{results}/points/.../qp*.json",
            remedy="run the experiment first, or name its configuration: CONFIG=...",
        )
    files = list(_kept(results))
    if numbers is None:
        with atomic_path(results / ARCHIVE) as path, tarfile.open(path, "w:gz") as archive:
            for file in files:
                archive.add(file, recursive=False)
            for name, content in _crate(results, files).items():
                entry = _anonymous(tarfile.TarInfo(str(results / name)))
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return results / ARCHIVE, len(files)
    if not numbers.name.endswith(RECORDED):
        raise UserError(
            f"'{numbers}' is no name for an archive of numbers.",
            expected=f"a name that ends in {RECORDED}, e.g. docs/results/demo{RECORDED}",
        )
    if not (results / RECORD).is_file():
        raise UserError(
            f"{results} does not say when and where its run was made.",
            expected=str(results / RECORD),
            remedy="let the run finish: its end writes that file.",
        )
    files = [file for file in files if file.suffix in RECORDED_NUMBERS]
    with atomic_path(numbers) as path, tarfile.open(path, "w:xz", preset=9) as archive:
        for file in files:
            entry = _anonymous(archive.gettarinfo(file))
            content = _without_places(file) if file.suffix == ".json" else file.read_bytes()
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return numbers, len(files)


def _crate(results: Path, files: list[Path]) -> dict[str, bytes]:
    """What makes the unpacked results folder an RO-Crate, by name."""
    from jndops.documents import crate  # imports much

    return {
        crate.METADATA: crate.metadata(results, files).encode(),
        crate.WORKFLOW: crate.snakefile(),
    }


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """An entry without owner and time: equal numbers make equal bytes."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


def _without_places(file: Path) -> bytes:
    """A file's text without where the suite and its scratch folders lay on this machine."""
    text = file.read_text(encoding="utf-8").replace(f"{Path.cwd()}/", "")
    return SCRATCH.sub("$TMPDIR", text).encode()


def rebuild(configfile: Path, root: Path, further: list[str]) -> None:
    """Make tables, figures and the MLflow database again from unpacked numbers; nothing is encoded.

    ``further`` are more options of Snakemake. Raises UserError where a number is missing, Snakemake
    ends with an error, or the numbers are of another version of the suite.
    """
    record = Path(results_dir(configfile)) / RECORD
    require_this_version(record)
    date_files(record)
    rules = rebuilt_rules()
    papers = load_mapping(configfile).get("papers", Experiment.model_fields["papers"].default)
    wanted = [rule for name in dict.fromkeys(["all", *papers]) for rule in rules.get(name, ())]
    command = [*SNAKEMAKE, "--snakefile", str(root / "Snakefile")]
    command += ["--cores", "1", "--configfile", str(configfile), *further]
    # Only these rules are considered: a point that is not there is a missing file, not an encode.
    made = ["collect_points", *wanted]  # its wildcard makes it no target of its own
    command += ["--allowed-rules", *made, "--forcerun", *made, "--", *wanted]
    documents = [record.with_name(name) for name in OF_THE_RUN]
    kept = {path: path.read_text(encoding="utf-8") for path in documents if path.is_file()}
    done = subprocess.run(command)
    for path, text in kept.items():  # the numbers are still those of the first run
        write_text(path, text)
    if done.returncode != 0:
        raise UserError(
            "tables and figures could not be rebuilt (see above).",
            where=str(configfile),
            remedy="unpack the archive in the root of the suite, and name the configuration that "
            "it was made with: CONFIG=...",
        )


def date_files(record: Path) -> None:
    """Give the files next to ``run.json`` that an archive left without a time the date of the run.

    MLflow shows when a job ended by the time of what it wrote.
    """
    try:
        date = datetime.fromisoformat(read_json(record)["date"])
    except (OSError, UserError, KeyError, TypeError, ValueError):
        return  # none that is known
    day = date.replace(tzinfo=UTC).timestamp()
    for file in record.parent.rglob("*"):
        if file.is_file() and file.stat().st_mtime == 0:
            os.utime(file, (day, day))


def travels(file: PurePath) -> bool:
    """Whether an archive keeps a file, by its path below the results."""
    folders = file.parts[:-1]
    if file.name in LEFT_OUT_FILES or file.name.startswith(".") or LEFT_OUT_FOLDERS & set(folders):
        return False
    shown = bool(SHOWN_FOLDERS & set(folders)) and file.suffix in SHOWN
    model = folders[:1] == ("models",) and file.suffix in MODELS
    block_qps = folders[:1] == (MAPS_FOLDER,) and file.suffix == MAPS
    report = not folders and file.stem in ("report", "summary", "methods", "references", "versions")
    return file.suffix in NUMBERS or shown or model or block_qps or report


def numbers_of(files: Iterable[Any], results: str) -> list[str]:
    """Those of a rule's files that every archive keeps; its others are made with them."""
    below = {f: f.removeprefix("<results>/").removeprefix(f"{results}/") for f in map(str, files)}
    paths = {file: PurePath(name) for file, name in below.items()}
    return [f for f, path in paths.items() if path.suffix in RECORDED_NUMBERS and travels(path)]


def _kept(results: Path) -> Iterator[Path]:
    for path in sorted(results.rglob("*")):
        wanted = path.is_file() and travels(path.relative_to(results))
        if wanted and not _is_of_another_run(path, results):
            yield path


def _is_of_another_run(path: Path, results: Path) -> bool:
    """Whether a file lies in the results folder of another experiment, below this one."""
    folders = path.relative_to(results).parents
    marks = ("config.json", RECORD)  # a run of one target leaves the record alone
    below = list(folders)[:-1]
    return any((results / folder / mark).is_file() for folder in below for mark in marks)
