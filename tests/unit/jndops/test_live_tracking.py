"""Live curves: seen while a training runs, going on after a kill, never harming the training."""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from jndops.mlflow import live_tracking
from jndops.mlflow.live_tracking import live_run, record
from jndops.mlflow.mirror import mirror, single_writer

PARAMS = SimpleNamespace(live=True, network={"config": "A"}, training={"epochs": 9, "seed": 1})
FLAT = {"network.config": "A", "training.epochs": "9", "training.seed": "1"}
ECHO = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"
# A training that says three rows, waits to be seen, and is killed at once.
KILLED_TRAINING = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from jndops.mlflow import live_tracking
live_tracking.START_AFTER_SECONDS, live_tracking.SECONDS_BETWEEN_WRITES = 0, 0.05
params = SimpleNamespace(live=True, network={"config": "A"}, training={"epochs": 9, "seed": 1})
with live_tracking.live_run("iqnet", Path(sys.argv[1]), params) as on_metrics:
    for epoch in (1, 2, 3):
        row = {"step": 10 * epoch, "train_loss": 1 / epoch, "val_loss": None, "lr": 1e-3}
        on_metrics(row)
    print("mlflow" in sys.modules, flush=True)
    time.sleep(60)
"""


def row(step: int, **values: float | None) -> dict:
    return {"step": step, "train_loss": 10 / step, "val_loss": None, "lr": 1e-3} | values


def say(results: Path, rows: list[dict], end: str | None = "FINISHED", **changes) -> None:
    """What a training's process writes to the other, given to it in this process."""
    key = {"name": "iqnet", "results": str(results), "key": "training/iqnet/iqnet", "params": FLAT}
    messages = [key | changes, {"rows": [[1000 + item["step"], item] for item in rows]}]
    messages += [{"rows": [], "end": end}] if end else []
    record([json.dumps(message) + "\n" for message in messages])


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(live_tracking, "START_AFTER_SECONDS", 0)
    monkeypatch.setattr(live_tracking, "SECONDS_BETWEEN_WRITES", 0.02)


@pytest.fixture
def writer(quick, monkeypatch, tmp_path):
    """Replaces the writing process by a piece of Python; returns what was said to it, if kept."""

    def replace(code: str = ECHO) -> Path:
        command = [sys.executable, "-c", code, str(tmp_path / "said")]
        monkeypatch.setattr(live_tracking, "WRITER", command)
        return tmp_path / "said"

    return replace


def summary_in(results: Path) -> Path:
    return results / "models/iqnet/iqnet/summary.json"


def test_nothing_is_imported_or_started_when_switched_off_or_short(tmp_path, repository):
    code = (
        "import sys, threading; from types import SimpleNamespace as S\n"
        "from jndops.mlflow.live_tracking import live_run\n"
        "with live_run('iqnet', sys.argv[1], S(live=False)) as on_metrics:\n"
        "    assert on_metrics is None and threading.active_count() == 1\n"
        "with live_run('iqnet', sys.argv[1], S(live=True)) as on_metrics:\n"
        "    on_metrics({'step': 1, 'train_loss': 1.0})\n"
        "print([name for name in ('mlflow', 'sqlalchemy', 'torch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, summary_in(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(repository / "workflow_scripts")},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == ("[]\n", "", [])


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "FINISHED"), (ValueError("nan"), "FAILED"), (KeyboardInterrupt(), "KILLED")],
)
def test_rows_and_the_end_are_said_in_order(writer, tmp_path, error, status):
    said, seen = writer(), []
    try:
        with live_run("iqnet", summary_in(tmp_path), PARAMS) as on_metrics:
            for step in range(1, 301):
                on_metrics(row(step, val_loss=float("nan")))
            if error:
                raise error
    except BaseException as caught:
        seen.append(caught)
    assert seen == ([error] if error else [])
    head, *messages = [json.loads(line) for line in said.read_text().splitlines()]
    assert head == {
        "name": "iqnet",
        "results": str(tmp_path),
        "key": "training/iqnet/iqnet",
        "params": FLAT,
    }
    steps = [item["step"] for message in messages for _, item in message["rows"]]
    assert steps == list(range(1, 301))
    assert [message.get("end") for message in messages if "end" in message] == [status]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit('ImportError: no mlflow here')", "ImportError: no mlflow here"),
        ("import sys; sys.stdin.read(); sys.exit(3)", "ended with 3"),
        ("import time; time.sleep(60)", "was not done 0.3 s after"),
        ("import os; os.close(0); import time; time.sleep(60)", "BrokenPipeError"),
    ],
)
def test_whatever_ails_the_writer_is_told_once(writer, monkeypatch, caplog, tmp_path, code, reason):
    writer(code)
    monkeypatch.setattr(live_tracking, "END_SECONDS", 0.3 if "sleep" in code else 10)
    begun = time.monotonic()
    with live_run("iqnet", summary_in(tmp_path), PARAMS) as on_metrics:
        for step in range(1, 60):
            on_metrics(row(step))
            time.sleep(0.005)
    assert time.monotonic() - begun < 5
    warnings = [item.getMessage() for item in caplog.records if item.levelno >= logging.WARNING]
    assert len(warnings) == 1 and reason in warnings[0]


def test_what_cannot_be_told_is_no_error_of_the_training(writer, caplog, tmp_path):
    writer()
    with live_run("iqnet", tmp_path / "summary.json", PARAMS) as on_metrics:
        on_metrics(row(1))
    with live_run("iqnet", summary_in(tmp_path), PARAMS) as on_metrics:
        on_metrics({"step": 1, "train_loss": object()})
    first, second = [item.getMessage() for item in caplog.records]
    assert "no results folder" in first and "not JSON serializable" in second
    assert not [thread for thread in threading.enumerate() if thread.name == "live tracking"]


def test_without_mlflow_the_training_goes_on(quick, monkeypatch, caplog, tmp_path):
    (tmp_path / "absent/mlflow").mkdir(parents=True)
    (tmp_path / "absent/mlflow/__init__.py").write_text("raise ImportError('no mlflow here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "absent"))
    with live_run("iqnet", summary_in(tmp_path / "results"), PARAMS) as on_metrics:
        on_metrics(row(1))
    (warning,) = caplog.records
    assert "ImportError: no mlflow here" in warning.getMessage()


# One database serves the tests below, in this order: making it takes most of their time.
@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("live") / "results"


@pytest.fixture(scope="module")
def client(results):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{results / 'mlflow.db'}")


def runs(client) -> list:
    experiments = [item.experiment_id for item in client.search_experiments()]
    return client.search_runs(experiments)


def steps_of(client, run, name: str = "train_loss") -> list[int]:
    return sorted(metric.step for metric in client.get_metric_history(run.info.run_id, name))


def until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def query(results: Path, sql: str) -> list:
    if not (results / "mlflow.db").exists():
        return []
    with closing(sqlite3.connect(results / "mlflow.db")) as connection:
        return connection.execute(sql).fetchall()


def test_rows_appear_while_the_training_runs_and_its_kill_is_noticed(results, repository):
    training = subprocess.Popen(
        [sys.executable, "-c", KILLED_TRAINING, summary_in(results)],
        env=os.environ | {"PYTHONPATH": str(repository / "workflow_scripts")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert training.stdout.readline() == "False\n"  # MLflow is not in the training's process
    until(lambda: query(results, "SELECT 1 FROM metrics WHERE step = 30 AND key = 'lr'"))
    assert training.poll() is None
    assert query(results, "SELECT status FROM runs") == [("RUNNING",)]
    os.kill(training.pid, signal.SIGKILL)
    until(lambda: query(results, "SELECT status FROM runs") == [("KILLED",)])
    training.wait()
    training.stdout.close()


def test_a_resumed_training_goes_on_in_its_run(results, client):
    (before,) = runs(client)
    assert before.data.params == FLAT and before.info.run_name == "iqnet"
    assert (
        before.data.tags["job_key"] == "training/iqnet/iqnet" and before.data.tags["live"] == "true"
    )
    say(results, [row(20), row(30), row(40)], end=None)
    (run,) = runs(client)
    assert run.info.run_id == before.info.run_id and run.info.status == "KILLED"
    assert steps_of(client, run) == steps_of(client, run, "lr") == [10, 20, 30, 40]
    assert "val_loss" not in run.data.metrics and run.data.metrics["train_loss"] == 0.25
    say(results, [row(50, val_loss=0.5), row(60, val_loss=float("inf"))])
    (run,) = runs(client)
    assert run.info.run_id == before.info.run_id and run.info.status == "FINISHED"
    assert steps_of(client, run, "val_loss") == [50]


def test_a_training_that_starts_over_or_otherwise_is_another_run(results, client):
    (first,) = runs(client)
    say(results, [row(10)], end="FAILED")
    (second,) = runs(client)
    assert second.info.run_id != first.info.run_id and steps_of(client, second) == [10]
    assert second.info.status == "FAILED"
    say(results, [row(20)], params=FLAT | {"training.seed": "2"})
    (third,) = runs(client)
    assert third.info.run_id != second.info.run_id and steps_of(client, third) == [20]
    say(results, [])  # one without a row leaves no trace
    assert [run.info.run_id for run in runs(client)] == [third.info.run_id]
    say(results, [row(10)], key="training/cnn_jnqd/qp27", name="cnn_jnqd_qp27")
    assert len(runs(client)) == 2


def test_half_a_line_is_a_kill(results, client):
    head = {"name": "x", "results": str(results), "key": "training/x", "params": {}}
    messages = [json.dumps(head) + "\n", json.dumps({"rows": [[1, row(10)]]}) + "\n"]
    record([*messages, '{"rows": [[2, {"st'])
    (run,) = [run for run in runs(client) if run.info.run_name == "x"]
    assert run.info.status == "KILLED" and steps_of(client, run) == [10]
    client.delete_run(run.info.run_id)


def test_rows_wait_while_a_mirror_writes(results, client):
    with single_writer(results / "mlflow.db"):
        thread = threading.Thread(
            target=say, args=(results, [row(30)]), kwargs={"key": "training/y"}
        )
        thread.start()
        thread.join(0.3)
        assert thread.is_alive() and len(runs(client)) == 2
    thread.join()
    assert len(runs(client)) == 3


def test_the_mirrored_run_takes_the_place_of_the_live_run(results, client):
    def mirrored() -> tuple[int, int, int]:
        done = mirror(results, results / "mlflow.db", results / "mlflow_ledger.csv")
        return done.written, done.unchanged, done.deleted

    assert mirrored() == (0, 0, 0) and len(runs(client)) == 3  # trainings under way are let alone
    summary = summary_in(results)
    summary.parent.mkdir(parents=True)
    summary.write_text('{"steps": 20, "architecture": {"name": "iqnet"}}')
    summary.with_name("metrics.csv").write_text("step,train_loss\n10,0.5\n20,0.25\n")
    assert mirrored() == (1, 0, 0)
    found = {run.data.tags["job_key"]: run for run in runs(client)}
    assert len(found) == len(runs(client)) == 3
    assert "live" not in found["training/iqnet/iqnet"].data.tags
    assert steps_of(client, found["training/iqnet/iqnet"]) == [10, 20]
    assert mirrored() == (0, 1, 0) and len(runs(client)) == 3
    say(results, [row(30)])  # a training that was run again and is being seen
    assert len(runs(client)) == 4
    assert mirrored() == (0, 1, 0) and len(runs(client)) == 3
