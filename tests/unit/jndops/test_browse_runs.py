"""`make ui`: links that open on runs once MLflow answers, or a word on what was never run."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request

import pytest

from commands.browse_runs import experiments_of, links
from jndlab.errors import UserError
from jndops.mlflow.mirror import VIEW_TAG


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("a place") / "my results"
    folder.mkdir()
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    for name, runs in (("rate-distortion", 2), ("empty", 0), ("iqnet", 1)):
        number = client.create_experiment(name, (folder / name).as_uri())
        if name == "iqnet":  # not of an older version
            client.set_experiment_tag(number, VIEW_TAG, "{}")
        made = [client.create_run(number) for _ in range(runs)]
        for run in made[1:]:
            client.delete_run(run.info.run_id)
    return folder


def test_experiments_with_runs_have_links_that_open_on_them(results, tmp_path):
    found = experiments_of(results, tmp_path / "mine.yaml")
    assert [one[1:] for one in found] == [("rate-distortion", 1, False), ("iqnet", 1, True)]
    text = links("http://here:1", found)
    for (number, name, *_), view in zip(
        found, ("searchFilter=", "viewStateShareKey=results"), strict=True
    ):
        line = next(line for line in text.splitlines() if name in line)
        start = f"http://here:1/#/experiments/{number}/runs?workflowType=machine_learning&{view}"
        assert start in line and line.count("&") == 1  # MLflow takes a filter or a view


def test_a_configuration_that_was_never_run_is_named_and_no_database_made(tmp_path):
    with pytest.raises(UserError, match=r"mine\.yaml has no runs(.|\n)*make run CONFIG=mine"):
        experiments_of(tmp_path, "mine.yaml")
    assert not list(tmp_path.iterdir())
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(UserError, match="cannot be read"):
        experiments_of(tmp_path, "mine.yaml")


def test_the_links_are_printed_when_the_server_answers(results, repository):
    config = results.parent / "mine.yaml"
    config.write_text(f"results_dir: {results}\n")
    command = [sys.executable, str(repository / "workflow_scripts/commands/browse_runs.py")]
    with subprocess.Popen(
        [*command, "--configfile", str(config), "--workers", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored behind a "&"
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            lines = iter(server.stdout.readline, "")
            line = next(line for line in lines if "/#/experiments/" in line)
            address = line.split()[-1].partition("/#/")[0]
            with urllib.request.urlopen(address, timeout=20) as page:
                assert page.status == 200 and b"MLflow" in page.read()
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0
