"""Results travel: packed without video, rebuilt elsewhere without an encoder, MLflow included."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

import workflow_runner
from jndops.archive import pack
from jndops.artefacts import rebuilt_rules
from workflow_runner import REPOSITORY, Workflow

TINY = workflow_runner.TINY.replace("mlflow: false", "mlflow: true")
TABLES = ("tables/rd_points.csv", "tables/bd_rate.csv", "tables/same_qp.csv")

# At the end of a Snakefile: what the rules of a rebuild read and make, of the demo's configuration.
TELL = """
with open("files.json", "w") as stream:
    named = [getattr(rules, name) for name in {names}]
    # A function as input names files of rules that are here anyway.
    told = [
        [[str(file) for file in side if not callable(file)] for side in (rule.input, rule.output)]
        for rule in named
    ]
    points = [file for part in PARTS for file in coding.point_files(part)]
    json.dump({{"points": points, "rules": told, "papers": settings.config["papers"]}}, stream)
"""


def archive(workflow: Workflow, task: str) -> subprocess.CompletedProcess[str]:
    script = "workflow_scripts/commands/archive_results.py"
    return subprocess.run(
        [sys.executable, script, task, "--configfile", "tiny.yaml"],
        cwd=workflow.folder,
        env=workflow.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Workflow:
    workflow = Workflow(tmp_path_factory.mktemp("here"))
    workflow.write("tiny.yaml", TINY)
    workflow.run("--configfile", "tiny.yaml")
    return workflow


@pytest.fixture(scope="module")
def packed(here) -> Path:
    done = archive(here, "pack")
    assert done.returncode == 0, done.stdout
    return (here.folder / "results/results-archive.tar.gz").rename(here.folder / "packed.tar.gz")


def unpacked(packed: Path, folder: Path) -> Workflow:
    other = Workflow(folder)
    other.write("tiny.yaml", TINY)
    with tarfile.open(packed) as files:
        files.extractall(other.folder, filter="data")
    return other


@pytest.fixture
def there(packed, tmp_path_factory) -> Workflow:
    return unpacked(packed, tmp_path_factory.mktemp("another place"))


@pytest.fixture(scope="module")
def rebuilt(packed, tmp_path_factory) -> Workflow:
    """Tables, figures and MLflow of a run of other versions, made again elsewhere."""
    other = unpacked(packed, tmp_path_factory.mktemp("rebuilt"))
    for folder in ("tables", "figures"):
        shutil.rmtree(other.folder / "results" / folder)
    other.write("results/versions.yml", "suite: {version: that of the run}\n")
    done = archive(other, "rebuild")
    assert done.returncode == 0, done.stdout
    return other


def test_nothing_but_numbers_and_what_shows_them_is_packed(here, there):
    packed = {path.suffix for path in (there.folder / "results").rglob("*") if path.is_file()}
    assert {".json", ".csv", ".png", ".tsv"} <= packed
    assert not packed & {".mkv", ".265", ".266", ".db"}
    points = len(list((here.folder / "results/points").rglob("*.json")))
    assert points == len(list((there.folder / "results/points").rglob("*.json"))) == 4


def test_the_run_of_one_target_below_is_left_out(here):
    below = here.folder / "results/pilot"
    below.mkdir()
    for name in ("run.json", "table.csv"):
        (below / name).write_text("{}")
    done = archive(here, "pack")
    shutil.rmtree(below)
    assert done.returncode == 0, done.stdout
    with tarfile.open(here.folder / "results/results-archive.tar.gz") as packed:
        assert not [name for name in packed.getnames() if "pilot" in name]


def test_each_point_names_the_code_that_measured_it(here):
    for path in (here.folder / "results/points").rglob("qp*.json"):
        suite = json.loads(path.read_text("utf-8"))["provenance"]["suite"]
        assert suite == {"version": version("jnd-reproduction-suite"), "commit": "", "dirty": False}


def test_tables_figures_and_mlflow_are_rebuilt_without_an_encoder(here, rebuilt):
    results = rebuilt.folder / "results"
    for table in TABLES:
        assert (here.folder / "results" / table).read_bytes() == (results / table).read_bytes()
    assert (results / "figures/rd_vmaf_mean.png").is_file()
    assert not list(results.glob("streams/**/*.265"))
    with open(results / "mlflow_ledger.csv", newline="") as stream:
        runs = list(csv.DictReader(stream))
    assert len(runs) >= 4 and (results / "mlflow.db").is_file()


def test_the_unpacked_results_are_a_workflow_run_crate(here, there):
    results = there.folder / "results"
    crate = ROCrate(str(results))
    workflow = crate.mainEntity
    assert "ComputationalWorkflow" in workflow.type
    assert (results / workflow.id).read_bytes() == (REPOSITORY / "Snakefile").read_bytes()
    for entity in crate.data_entities:
        assert (results / entity.id).exists(), entity.id
        assert entity is workflow or entity.get("description"), entity.id
    described = {entity.id for entity in crate.data_entities}
    assert {"tables/bd_rate.csv", "figures/overview.png", "methods.md", "points/"} <= described
    (action,) = crate.get_by_type("CreateAction")
    assert action["instrument"] is workflow and action["object"][0].id == "config.json"
    assert {"summary.csv", "run.json"} <= {entity.id for entity in action["result"]}
    profiles = {profile.id.rsplit("/", 2)[-2] for profile in crate.root_dataset["conformsTo"]}
    assert profiles == {"process", "workflow", "workflow-ro-crate"}
    # Packed again from there: no metadata twice.
    assert archive(there, "pack").returncode == 0
    with tarfile.open(results / "results-archive.tar.gz") as packed:
        names = [name for name in packed.getnames() if name.endswith("ro-crate-metadata.json")]
    assert names == ["results/ro-crate-metadata.json"]


def test_the_description_of_the_run_travels_and_stays_that_of_the_run(here, there, rebuilt):
    results = there.folder / "results"
    for name in ("versions.yml", "methods.md", "methods.html", "references.bib"):
        assert (results / name).read_bytes() == (here.folder / "results" / name).read_bytes()
    assert "x265 [@x265]" in (results / "methods.md").read_text("utf-8")
    assert "that of the run" in (rebuilt.folder / "results/versions.yml").read_text("utf-8")
    with open(rebuilt.folder / "results/mlflow_ledger.csv", newline="") as stream:
        assert "description" in {row["kind"] for row in csv.DictReader(stream)}


def test_a_missing_point_is_named_and_not_encoded(there):
    next((there.folder / "results/points").rglob("qp37.json")).unlink()
    done = archive(there, "rebuild")
    assert done.returncode == 1
    assert "qp37.json" in done.stdout and "unpack the archive" in done.stdout
    assert not list((there.folder / "results").rglob("*.mkv"))


def test_nothing_to_pack_is_an_error(tmp_path):
    workflow = Workflow(tmp_path)
    workflow.write("tiny.yaml", TINY)
    done = archive(workflow, "pack")
    assert done.returncode == 1 and "no results to pack" in done.stdout


def test_what_the_tables_and_figures_of_every_paper_are_made_of_is_packed(tmp_path):
    workflow = Workflow(tmp_path)
    names = [name for rules in rebuilt_rules().values() for name in rules]
    snakefile = (tmp_path / "Snakefile").read_text("utf-8")
    workflow.write("Snakefile", f"import json\n{snakefile}\n{TELL.format(names=names)}")
    workflow.run("--list")
    told = json.loads((tmp_path / "files.json").read_text("utf-8"))
    assert {"all", *told["papers"]} == set(rebuilt_rules())

    read, made = (
        {file.replace("<results>", "results") for rule in told["rules"] for file in rule[side]}
        for side in (0, 1)
    )
    collected = {file for file in read if file.startswith("results/tables/points/")}
    assert len(collected) == 5
    wanted = {*told["points"], *(read - made - collected)}
    wanted = {file for file in wanted if not file.startswith("config/published/")}
    assert len(wanted) > 100
    for file in wanted:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with tarfile.open(pack_in(tmp_path)) as packed:
        assert wanted - set(packed.getnames()) == set()


def pack_in(folder):
    """Pack the results below a folder, named as from within it."""
    with contextlib.chdir(folder):
        path, _ = pack(Path("results"))
    return folder / path
