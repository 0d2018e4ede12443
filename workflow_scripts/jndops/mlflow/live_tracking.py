"""Live curves of a training in MLflow, written by a process beside the training.

MLflow takes seconds to import and tens of milliseconds to write. In a thread of the training that
halves its speed, because every operation of torch hands over the interpreter's lock. So rows go
through a pipe to a process of its own, which also notices when the training is killed. Whatever
fails there is told once and changes nothing here.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jndops.environment import LIVE_VARIABLE
from jndops.mlflow.mirror import experiment_id, log_metrics, open_database, single_writer
from jndops.mlflow.records import ARTIFACTS_FOLDER, finite_metrics, flat
from jndops.mlflow.trainings import LIVE_TAG, TRAININGS, results_of, training_key

# A training that is over sooner is worth no process: the mirror shows it right afterwards.
START_AFTER_SECONDS = 10.0
SECONDS_BETWEEN_WRITES = 3.0
# At the end of a training, for rows that are still on their way.
END_SECONDS = 15.0
NICENESS = 5
WRITER = [sys.executable, "-m", "jndops.mlflow.live_tracking"]
NOTE = "Written while the training runs; the mirrored run takes its place when it is finished."

OnMetrics = Callable[[Mapping[str, float | int | None]], None]


@contextmanager
def live_run(name: str, summary_path: Path, params: Any) -> Iterator[OnMetrics | None]:
    """A callback that shows rows of a training in MLflow while it runs, or None if not wanted.

    ``params`` are a rule's: ``live`` switches, ``network`` and ``training`` (where given) become
    the run's parameters. ``summary_path`` is where the training's summary will be written, below
    ``<results>/models``; the run is called ``name`` and stands in ``<results>/mlflow.db``,
    experiment ``training``. Rows need ``step``. The run ends as FINISHED, FAILED (an exception) or
    KILLED (interrupted or killed); a training that goes on continues its run. Raises nothing of
    its own.
    """
    if not params.live:
        yield None
        return
    feeder = _Feeder(name, Path(summary_path), params)
    feeder.start()
    try:
        yield feeder.add
    except BaseException as error:
        feeder.end("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    feeder.end("FINISHED")


def tracked(params: Any) -> SimpleNamespace:
    """A rule's parameters as :func:`live_run` takes them; the environment says whether to track.

    Tracking changes no result, so it must be no parameter of a rule: switching it on would train
    every network again.
    """
    known = {
        name: getattr(params, name) for name in ("network", "training") if hasattr(params, name)
    }
    return SimpleNamespace(live=os.environ.get(LIVE_VARIABLE) == "1", **known)


def record(lines: Iterable[str]) -> None:
    """Write into MLflow what a training says: JSON lines, the first of which names the run.

    Lines that end without a last word are those of a training that was killed.
    """
    lines = iter(lines)
    head = json.loads(next(lines))
    database = Path(head["results"]) / "mlflow.db"
    with single_writer(database):
        client, _ = open_database(database, database.parent / ARTIFACTS_FOLDER)
    run = _LiveRun(client, head)
    status = "KILLED"
    for line in lines:
        if not line.endswith("\n"):  # the training was killed while it wrote this
            break
        message = json.loads(line)
        status = message.get("end", status)
        if message["rows"]:
            # SQLite would let two write in turn, but gives up after 20 s; a mirror takes longer.
            with single_writer(database):
                run.log(message["rows"])
    with single_writer(database):
        run.end(status)


class _Feeder(threading.Thread):
    """Collects rows in the training's process and hands them to the writing process."""

    def __init__(self, name: str, summary: Path, params: Any) -> None:
        super().__init__(name="live tracking", daemon=True)
        self.run_name, self.summary, self.params = name, summary, params
        self.rows: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        self.over = threading.Event()
        self.status = "FINISHED"
        self.failed = False
        self.process: subprocess.Popen[str] | None = None

    def add(self, row: Mapping[str, float | int | None]) -> None:
        """Take a row of metrics; returns at once."""
        if not self.failed:
            self.rows.put((time.time_ns() // 1_000_000, dict(row)))

    def end(self, status: str) -> None:
        """Let the run end as ``status``; waits a little for rows that are on their way."""
        self.status = status
        self.over.set()
        self.join(END_SECONDS)
        if self.is_alive():
            self._give_up(f"MLflow was not done {END_SECONDS:g} s after the training")
            if self.process is not None:
                self.process.kill()

    def run(self) -> None:
        """Body of the thread."""
        if self.over.wait(START_AFTER_SECONDS):
            return
        with tempfile.TemporaryFile("w+") as errors:
            try:
                self._feed(errors)
            except Exception as error:
                if self.process is not None:
                    self.process.kill()
                    self.process.wait()
                errors.seek(0)
                said = errors.read().strip().splitlines()
                self._give_up(said[-1] if said else _one_line(error))

    def _feed(self, errors: Any) -> None:
        head = {
            "name": self.run_name,
            "results": str(results_of(self.summary).resolve()),
            "key": training_key(self.summary),
            "params": _parameters(self.params),
        }
        paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            WRITER,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            start_new_session=True,  # Ctrl-C is for the training; this one ends after it
        )
        self._say(head)
        over = False
        while not over:
            over = self.over.wait(SECONDS_BETWEEN_WRITES)
            rows = []
            while not self.rows.empty():
                rows.append(self.rows.get())
            if rows or over:
                self._say({"rows": rows} | ({"end": self.status} if over else {}))
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise RuntimeError(f"the writing process ended with {self.process.returncode}")

    def _say(self, message: Mapping[str, Any]) -> None:
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def _give_up(self, reason: str) -> None:
        if not self.failed:
            self.failed = True
            logging.getLogger(__name__).warning("the training goes on unseen by MLflow: %s", reason)


class _LiveRun:
    """The live run of one training, in the writing process."""

    def __init__(self, client: Any, head: Mapping[str, Any]) -> None:
        self.client, self.head = client, head
        self.run_id: str | None = None
        self.logged: set[int] = set()

    def log(self, rows: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Add those of ``rows`` (time in ms, values) whose steps are not in the run."""
        from mlflow.entities import Metric

        metrics = []
        for time_ms, row in rows:
            step = int(row.pop("step"))
            if self.run_id is None:
                self._open(step)
            if step not in self.logged:
                self.logged.add(step)
                metrics += [Metric(k, v, time_ms, at) for k, v, at in finite_metrics(row, step)]
        log_metrics(self.client, self.run_id, metrics)

    def end(self, status: str) -> None:
        """Close the run; a training without a row has none."""
        if self.run_id is not None:
            self.client.set_terminated(self.run_id, status)

    def _open(self, first_step: int) -> None:
        """Find the run that this training left when it was killed, or make one."""
        from mlflow.entities import Param

        key, params = self.head["key"], self.head["params"]
        artifacts = Path(self.head["results"]) / ARTIFACTS_FOLDER
        experiment = experiment_id(self.client, TRAININGS, artifacts)
        for run in self.client.search_runs(
            [experiment], f"tags.job_key = '{key}' and tags.{LIVE_TAG} = 'true'"
        ):
            run_id = run.info.run_id
            steps = {
                metric.step
                for name in run.data.metrics
                for metric in self.client.get_metric_history(run_id, name)
            }
            # One that starts over is another training, even if it is of the same parameters.
            if (
                self.run_id is None
                and run.data.params == params
                and min(steps, default=first_step) < first_step
            ):
                self.run_id, self.logged = run_id, steps
                self.client.update_run(run_id, status="RUNNING")
            else:
                self.client.delete_run(run_id)
        if self.run_id is None:
            tags = {
                "job_key": key,
                "kind": "training",
                LIVE_TAG: "true",
                "mlflow.note.content": NOTE,
            }
            run = self.client.create_run(experiment, tags=tags, run_name=self.head["name"])
            self.run_id = run.info.run_id
            self.client.log_batch(
                self.run_id, params=[Param(name, value) for name, value in params.items()]
            )


def _parameters(params: Any) -> dict[str, str]:
    given = {name: getattr(params, name, None) for name in ("network", "training")}
    return flat({name: value for name, value in given.items() if value is not None})


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"


def main() -> int:
    """Body of the writing process."""
    os.nice(NICENESS)  # the training comes first
    try:
        record(sys.stdin)
    except Exception as error:
        print(_one_line(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
