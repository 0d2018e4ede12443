"""Epochs of a training on an MLflow server while it runs.

Only where MLFLOW_TRACKING_URI names a server. Without one, the mirror shows the training when it
is finished, and ``metrics.csv`` holds its epochs meanwhile.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jndops.mlflow.mirror import MAX_PARAMS, log_metrics
from jndops.mlflow.records import EXPERIMENTS, finite_metrics, flat
from jndops.mlflow.trainings import renamed
from jndops.workflow.environment import SERVER_VARIABLE

SECONDS_BETWEEN_BATCHES = 10.0
MOST_SHARE = 0.02  # of a training's time: a slow server gets fewer, larger batches
# A server that does not answer costs a training this once; MLflow itself would retry for minutes.
TIMEOUT_SECONDS = 5
EXPERIMENT = EXPERIMENTS["training"]

OnMetrics = Callable[[Mapping[str, float | int | None]], None]


@contextmanager
def server_run(name: str, params: Any) -> Iterator[OnMetrics | None]:
    """A callback that sends rows of a training to the server, or None where there is no server.

    ``params`` are those of a rule: ``network`` and ``training``, where given, become parameters of
    the run. Rows need ``step``. The run ends as FINISHED, FAILED (an exception) or KILLED
    (interrupted); a resumed training is another run. The server's errors are logged, never raised.
    """
    uri = os.environ.get(SERVER_VARIABLE, "")
    if not uri.startswith(("http://", "https://")):
        yield None
        return
    run = _ServerRun(uri, name, params)
    try:
        yield run.add
    except BaseException as error:
        run.end("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    run.end("FINISHED")


class _ServerRun:
    """Rows that wait for the next batch. Whatever fails is logged once and ends the sending."""

    def __init__(self, uri: str, name: str, params: Any) -> None:
        self.uri, self.name = uri, name
        given = {key: getattr(params, key, None) for key in ("network", "training")}
        self.params = flat({key: value for key, value in given.items() if value is not None})
        self.waiting: list[tuple[str, float, int, int]] = []
        self.next_batch = time.monotonic() + SECONDS_BETWEEN_BATCHES
        self.failed = False
        self.client: Any = None
        self.run_id = ""

    def add(self, row: Mapping[str, float | int | None]) -> None:
        """Take a row; send all that wait when a batch is due."""
        if self.failed:
            return
        values = {key: value for key, value in row.items() if key != "step"}
        now = time.time_ns() // 1_000_000
        rows = finite_metrics(renamed(values), int(row["step"] or 0))
        self.waiting += [(key, value, now, step) for key, value, step in rows]
        if time.monotonic() >= self.next_batch:
            self._attempt(self._send)

    def end(self, status: str) -> None:
        """Send what is left and close the run."""
        self._attempt(self._send)
        self._attempt(lambda: self.client.set_terminated(self.run_id, status))

    def _attempt(self, action: Callable[[], object]) -> None:
        if self.failed:
            return
        begun = time.monotonic()
        try:
            action()
        except Exception as error:
            self.failed = True
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            logging.getLogger(__name__).warning(
                "The training goes on, its epochs no longer to the MLflow server: %s", reason
            )
        spent = time.monotonic() - begun
        self.next_batch = begun + max(SECONDS_BETWEEN_BATCHES, spent / MOST_SHARE)

    def _send(self) -> None:
        if self.client is None:
            self._open()
        from mlflow.entities import Metric

        log_metrics(self.client, self.run_id, [Metric(*row) for row in self.waiting])
        self.waiting.clear()

    def _open(self) -> None:
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(TIMEOUT_SECONDS)
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self.client = MlflowClient(self.uri)
        found = self.client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self.client.create_experiment(EXPERIMENT)
        run = self.client.create_run(experiment, run_name=self.name, tags={"kind": "training"})
        self.run_id = run.info.run_id
        params = [Param(key, value) for key, value in self.params.items()]
        self.client.log_batch(self.run_id, params=params[:MAX_PARAMS])
