"""Epochs on an MLflow server: in few batches, never at the training's expense."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from jndops.mlflow import server_run as module
from jndops.mlflow.server_run import server_run
from jndops.workflow import environment

PARAMS = SimpleNamespace(network={"config": "A"}, training={"epochs": 9, "seed": 1})
RUN = {"info": {"run_id": "r1", "run_uuid": "r1", "experiment_id": "7", "status": "RUNNING"}}


class Recorder(BaseHTTPRequestHandler):
    """Answers like MLflow and keeps what it was sent."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        call = self.path.split("/mlflow/")[-1].partition("?")[0]
        self.server.calls.append((call, body))
        status, reply = 200, {}
        if call == "experiments/get-by-name":
            status, reply = 404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}
        elif call == "experiments/create":
            reply = {"experiment_id": "7"}
        elif call == "runs/create":
            reply = {"run": {**RUN, "data": {}}}
        elif call == "runs/log-batch" and self.server.broken:
            status, reply = 500, {"error_code": "INTERNAL_ERROR", "message": "the disk is full"}
        elif call == "runs/update":
            reply = {"run_info": RUN["info"]}
        text = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.calls, server.broken = [], False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "7")
    yield server
    server.shutdown()


def row(step: int, **values: float | None) -> dict:
    return {"step": step, "train_loss": 10 / step, "val_loss": None} | values


def batches(server) -> list[list[dict]]:
    sent = [body.get("metrics", []) for call, body in server.calls if call == "runs/log-batch"]
    return [metrics for metrics in sent if metrics]


@pytest.mark.parametrize("uri", ["", "sqlite:///mlflow.db", "/some/folder"])
def test_without_a_server_nothing_is_sent_or_imported(uri, repository):
    code = (
        "import sys; from types import SimpleNamespace as S\n"
        "from jndops.mlflow.server_run import server_run\n"
        "with server_run('iqnet', S()) as on_metrics:\n"
        "    assert on_metrics is None\n"
        "print([name for name in ('mlflow', 'sqlalchemy', 'torch') if name in sys.modules])"
    )
    scripts = str(repository / "workflow_scripts")
    env = os.environ | {"PYTHONPATH": scripts, "MLFLOW_TRACKING_URI": uri}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "FINISHED"), (ValueError("nan"), "FAILED"), (KeyboardInterrupt(), "KILLED")],
)
def test_all_rows_arrive_in_one_batch_and_the_run_ends(server, error, status):
    seen = []
    try:
        with server_run("iqnet", PARAMS) as on_metrics:
            for step in range(1, 301):
                on_metrics(row(step, val_loss=float("nan")))
            assert not server.calls  # 10 s are not over
            if error:
                raise error
    except BaseException as caught:
        seen.append(caught)
    assert seen == ([error] if error else [])
    [sent] = batches(server)
    assert [metric["step"] for metric in sent] == list(range(1, 301))
    assert {metric["key"] for metric in sent} == {"loss/train"}
    [params] = [body["params"] for call, body in server.calls if body.get("params")]
    assert {item["key"]: item["value"] for item in params} == {
        "network.config": "A",
        "training.epochs": "9",
        "training.seed": "1",
    }
    call, body = server.calls[-1]
    assert (call, body["status"]) == ("runs/update", status)


def test_a_batch_is_sent_when_it_is_due_and_a_slow_server_gets_fewer(server, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(
        module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=lambda: 0)
    )
    with server_run("iqnet", PARAMS) as on_metrics:
        for step in range(1, 32):
            now[0] += 1
            on_metrics(row(step))
        assert [len(metrics) for metrics in batches(server)] == [10, 10, 10]
        send = module.log_metrics

        def slow(*given: object) -> None:
            now[0] += 4
            send(*given)

        monkeypatch.setattr(module, "log_metrics", slow)
        for step in range(32, 272):
            now[0] += 1
            on_metrics(row(step))
        # 4 s a batch: 200 s from one to the next
        assert [len(metrics) for metrics in batches(server)][3:] == [10, 196]


def test_an_error_of_the_server_is_logged_once_and_ends_the_sending(server, monkeypatch, caplog):
    server.broken = True
    monkeypatch.setattr(module, "SECONDS_BETWEEN_BATCHES", 0.0)
    with server_run("iqnet", PARAMS) as on_metrics:
        for step in range(1, 60):
            on_metrics(row(step))
    [warning] = [record for record in caplog.records if record.name == module.__name__]
    assert "The training goes on" in warning.getMessage()
    assert [call for call, _ in server.calls].count("runs/log-batch") == 1


def test_a_server_that_does_not_answer_costs_one_timeout(monkeypatch, caplog):
    import mlflow  # noqa: F401  the time of its import is no part of the wait

    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(module, "SECONDS_BETWEEN_BATCHES", 0.0)
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, "7")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts and says nothing
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        begun = time.monotonic()
        with server_run("iqnet", PARAMS) as on_metrics:
            for step in range(1, 60):
                on_metrics(row(step))
        assert time.monotonic() - begun < 4
    assert "ReadTimeoutError" in caplog.text


def test_jobs_of_a_run_without_mlflow_see_no_server(monkeypatch):
    monkeypatch.setattr(sys, "executable", sys.executable)
    for name in ("PYTHONPATH", "JND_SUITE", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server")
    environment.prepare(mlflow=True)
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://server"
    environment.prepare(mlflow=False)
    assert "MLFLOW_TRACKING_URI" not in os.environ
