"""A results folder from elsewhere: its links lead nowhere, whatever reads or writes there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jndlab.datasets.pictures.picture_list import Picture, read_list, write_list
from jndlab.errors import UserError
from jndlab.files import open_lock
from jndops.mlflow.mirror import single_writer
from jndops.results_dir import refuse_links, results_dir
from workflow_runner import REPOSITORY, TINY, Workflow

PLACES = [
    "mlflow.db", "mlflow.lock", "mlflow_ledger.csv", "mlflow_artifacts/training", "run.json",
    "config.json", "summary.md", "values.tex", "results-archive.tar.gz", "report.zip",
    "tables", "tables/rd_points.csv", "figures", "iqnet/tables", "points", "streams/x",
    "points/x265/AI/bikes/anchor/qp22.json", "points/x265/AI/bikes/anchor/.part-qp22-1.json",
    "logs", "logs/encode_clip", "logs/encode_clip/a.log", "logs/encode_clip/a.log.failed",
    "benchmarks", "benchmarks/plot_figures.tsv", "models/iqnet/iqnet/metrics.csv", ".hidden",
]  # fmt: skip


@pytest.fixture
def victim(tmp_path):
    """A folder outside of the results, with a file that must stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_text("precious")
    yield folder
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert (folder / "file").read_text() == "precious"


def linked(results, place, target):
    link = results / place
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    return link


@pytest.mark.parametrize("to", ["folder", "file", "nothing", "relative"])
@pytest.mark.parametrize("place", PLACES)
def test_a_link_out_of_the_results_is_refused(tmp_path, victim, place, to):
    targets = {"folder": victim, "file": victim / "file", "nothing": tmp_path / "absent"}
    up = "/".join([".."] * len(place.split("/")))
    linked(tmp_path / "a/results", place, targets.get(to, f"{up}/../outside/file"))
    with pytest.raises(UserError, match="a link leads out of the results") as error:
        refuse_links(tmp_path / "a/results")
    assert str(tmp_path / "a/results" / place) in str(error.value)


def test_a_link_by_way_of_another_is_refused(tmp_path, victim):
    linked(tmp_path / "results/a", "x", victim)
    (tmp_path / "results/a/x").rename(tmp_path / "results/a/y")
    linked(tmp_path / "results/b", "z", "../a/y/file")
    with pytest.raises(UserError, match="leads out"):
        refuse_links(tmp_path / "results")


def test_links_that_stay_in_and_a_folder_that_is_one_are_taken(tmp_path):
    linked(tmp_path / "real", "tables/new.csv", "old.csv")
    linked(tmp_path / "real", "deep/up", "..")
    (tmp_path / "results").symlink_to(tmp_path / "real")
    refuse_links(tmp_path / "results")
    refuse_links(tmp_path / "absent")


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(UserError, match="pipe"):
        refuse_links(tmp_path)


def test_commands_refuse_them(tmp_path, victim, monkeypatch):
    monkeypatch.chdir(tmp_path)
    linked(tmp_path / "results", "run.json", victim / "file")
    config = tmp_path / "a.yaml"
    config.write_text("results_dir: results\n")
    with pytest.raises(UserError, match="leads out"):
        results_dir(config)


def test_runs_refuse_them(tmp_path, victim):
    (tmp_path / "suite").mkdir()
    workflow = Workflow(tmp_path / "suite")
    workflow.write("tiny.yaml", TINY)
    linked(workflow.folder / "results", "tables", victim)
    done = workflow.run("--configfile", "tiny.yaml", check=False)
    assert done.returncode and "a link leads out of the results" in done.stdout
    assert "Traceback" not in done.stdout
    script = "workflow_scripts/commands/compare_statements.py"
    done = subprocess.run(
        [sys.executable, script, "results", "results"],
        cwd=workflow.folder, env=workflow.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode and "a link leads out of the results" in done.stderr


def test_a_lock_follows_no_link_and_cuts_no_file(tmp_path, victim):
    (tmp_path / "mlflow.lock").symlink_to(victim / "file")
    with pytest.raises(OSError), single_writer(tmp_path / "mlflow.db"):
        pass
    with open_lock(victim / "file"):
        pass


@pytest.mark.parametrize("place", [
    "mlflow.db", "benchmarks/a/b.tsv", "logs/a/b.log", "logs/mirror_mlflow.log", ".run.json",
])  # fmt: skip
def test_what_has_a_second_name_elsewhere_is_not_written_through(tmp_path, victim, place):
    """As in a folder that was copied with hard links."""
    path = tmp_path / "results" / place
    path.parent.mkdir(parents=True)
    path.hardlink_to(victim / "file")
    code = (
        "from jndops.ends.at_work import end_run, start_run; start_run('results'); end_run();"
        f"open('results/{place}', 'r+').write('other')"
    )
    scripts = {**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow_scripts")}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=scripts, check=True)
    assert path.read_text().startswith("other")


def test_a_folder_copied_while_a_run_is_at_work_in_it_is_still_taken(tmp_path):
    (tmp_path / "results").mkdir()
    hold = "from jndops.ends.at_work import start_run; start_run('results'); print(); input()"
    scripts = {**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow_scripts")}
    command = [sys.executable, "-c", hold]
    with subprocess.Popen(command, cwd=tmp_path, env=scripts, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as running:  # fmt: skip
        running.stdout.readline()
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy/.run.json").hardlink_to(tmp_path / "results/.run.json")
        done = subprocess.run(command, cwd=tmp_path, env=scripts, capture_output=True, text=True)
        assert "another run is at work" in done.stderr
        running.communicate("\n")


PICTURE = Picture("a", "b", "", "c", None, 0, 0, 2, 2, 2, 2, "00")


@pytest.mark.parametrize("name", ["../a", "/etc/a", "a/b", "..", ".", "", "a\0"])
def test_names_of_a_list_stay_in_their_folder(tmp_path, name):
    path = tmp_path / "list.csv"
    write_list(path, [PICTURE])
    path.write_text(path.read_text().replace("\na,", f"\n{name},"))
    with pytest.raises(UserError):
        read_list(path)
