"""Rebuildable mirror of the results in MLflow: what is browsed there is copied, never the original.

Points, tables, figures, trainings and the report are read from the results folder and upserted by
a key, the recipe and the hash of their content; trained models are registered. Where the recipe of
a key changes (another option, other data), the new run stands next to the old one: the tag
``current`` says which are those of the results. The database may be deleted at any time and comes
back the same, but for runs of former recipes, which it alone holds. MLflow stores absolute
addresses of artefacts, so a moved results folder is noticed and mirrored again; the former database
is kept as ``*.old.db``. Deleting a run is only logical in MLflow: delete the database to make it
small again.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import platform
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jndlab.errors import UserError
from jndlab.files import atomic_path, open_lock, read_csv, write_csv
from jndlab.yaml_files import load_mapping
from jndops.mlflow.records import (
    ARTIFACTS_FOLDER,
    COLUMNS,
    EXPERIMENTS,
    Record,
    Source,
    collect_records,
)
from jndops.mlflow.trainings import collect_trainings, register_models
from jndops.run_record import PACKAGES

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

DATABASE, LEDGER = "mlflow.db", "mlflow_ledger.csv"  # in the results folder
LEDGER_COLUMNS = ["job_key", "kind", "experiment", "run_id", "payload_sha256", "state"]
MIRROR_TAG = "jndlab_mirror"
LOCK_SECONDS = 120
MAX_PARAMS, MAX_METRICS = 100, 1000  # MLflow's limits of one batch; 1000 of both together
MAX_DIGEST = 36  # characters of a data set's hash
CURRENT, RECIPE = "current", "job_recipe_sha256"  # tags
VERSIONS = "versions.yml"
VIEW_TAG = "mlflow.sharedViewState.results"  # of an experiment: what a link with its key shows


@dataclass(frozen=True)
class Outcome:
    """How many runs were written again, left as they were, deleted and superseded by another
    recipe, and models registered."""

    written: int
    unchanged: int
    deleted: int
    superseded: int = 0
    registered: int = 0
    rebuilt: bool = False


def mirror(results_dir: Path, database: Path, ledger: Path) -> Outcome:
    """Make ``database`` say what ``results_dir`` holds, and write ``ledger`` (CSV, a row a run).

    Raises whatever MLflow raises; :func:`write_failed_ledger` is for callers that must go on.
    """
    results_dir, database = Path(results_dir).resolve(), Path(database).resolve()
    records = _collect(results_dir)
    with single_writer(database), chdir(database.parent):  # for addresses: see _address
        client, rebuilt = open_database(database, results_dir / ARTIFACTS_FOLDER)
        outcome, run_ids = _synchronise(
            client, records, results_dir / ARTIFACTS_FOLDER, circumstances(results_dir)
        )
        new = register_models(client, records, run_ids)
    _write_ledger(ledger, records, run_ids, "mirrored")
    return replace(outcome, registered=new, rebuilt=rebuilt)


def write_failed_ledger(results_dir: Path, ledger: Path, reason: str) -> None:
    """Write a ledger in which every record is ``not mirrored`` and says why."""
    try:
        records = _collect(Path(results_dir).resolve())
    except Exception:  # unreadable results are one more reason to have no mirror, not to stop
        records = []
    state = f"not mirrored: {' '.join(reason.split())[:500]}"
    _write_ledger(ledger, records, {}, state)


def circumstances(results_dir: Path) -> dict[str, str]:
    """Tags of all runs of a mirror: who and where, commit and versions (``versions.yml``)."""
    tags = {"mlflow.user": _user(), "host": platform.node(), "mlflow.source.type": "JOB"}
    try:
        versions = load_mapping(results_dir / VERSIONS)
        suite, packages = versions["suite"], versions["packages"]
        tags |= {
            "mlflow.source.git.commit": str(suite["commit"]),
            "git.dirty": str(suite["dirty"]).lower(),
            "versions.suite": str(suite["version"]),
            "versions.python": str(versions["python"]),
        }
        tags |= {f"versions.{name}": str(packages[name]) for name in PACKAGES if name in packages}
    except (OSError, UserError, KeyError, TypeError):
        pass  # not yet described, or changed by hand
    return {name: value for name, value in tags.items() if value}


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's number without a name
        return str(os.getuid())


@contextmanager
def single_writer(database: Path) -> Iterator[None]:
    """Hold the lock file next to ``database``; the system frees it even if the holder is killed."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with open_lock(database.with_suffix(".lock")) as stream:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise UserError(
                        "another process is writing the MLflow mirror.",
                        where=str(database),
                        remedy="wait for it to end, then run again.",
                    ) from None
                time.sleep(0.2)
        yield


def open_database(database: Path, artifacts: Path) -> tuple[MlflowClient, bool]:
    """A client of ``database``, which is made again where needed, and whether that was so.

    Only the holder of :func:`single_writer` may call this, in the folder of the database.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    from mlflow import MlflowClient, __version__
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "connect", _write_without_waiting):
        event.listen(Engine, "connect", _write_without_waiting)
    if database.is_dir() and not database.is_symlink():
        database.replace(database.with_suffix(".old.db"))
    stale = database.exists() and not _belongs_here(database, artifacts, __version__)
    if stale:
        database.replace(database.with_suffix(".old.db"))
    if not database.exists():
        shutil.rmtree(artifacts, ignore_errors=True)
        # MLflow's migrations leave a broken file for good when they are killed or run twice at
        # once: they run on a file of another name, which is renamed when they are through.
        with atomic_path(database) as part:
            MlflowClient(_address(part)).search_experiments()
    # Named twice: MLFLOW_REGISTRY_URI in the environment would lead the models elsewhere.
    return MlflowClient(_address(database), _address(database)), stale


def _address(database: Path) -> str:
    """MLflow's address of a database in the present folder.

    An address ends at a ``?``, and MLflow understands no escapes: where the path has one, the
    address is relative to the folder. Elsewhere it is absolute, as MLflow remembers databases by
    their address.
    """
    return f"sqlite:///{database.name if '?' in str(database) else database}"


def needs_mirroring(results_dir: str | Path) -> bool:
    """Whether a mirror was made of these results that failed or is no longer there, whole."""
    ledger = Path(results_dir) / LEDGER
    if not ledger.is_file():
        return False
    rows = read_csv(ledger)
    if any(row.get("state") != "mirrored" for row in rows):
        return True
    return not _holds({row.get("run_id") for row in rows}, Path(results_dir) / DATABASE)


def _holds(runs: set[str | None], database: Path) -> bool:
    """Whether a database has these runs, deleted ones included; also where it is locked."""
    try:
        address = f"{database.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, timeout=1, uri=True)) as connection:
            known = {run for (run,) in connection.execute("SELECT run_uuid FROM runs")}
    except sqlite3.DatabaseError as error:  # none, empty, garbage, cut
        return "locked" in str(error)
    return runs <= known


def experiment_id(client: MlflowClient, name: str, artifacts: Path) -> str:
    """The experiment of that name, made where it is missing and restored where deleted.

    It has a view of the runs of the results, with their metrics (``records.COLUMNS``).
    """
    from mlflow import __version__

    found = client.get_experiment_by_name(name)
    if found is None:
        location = (artifacts / name).as_uri()
        number = client.create_experiment(name, location, tags={MIRROR_TAG: __version__})
    else:
        number = found.experiment_id
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(number)
    columns = [one.partition(".") for one in COLUMNS.get(name, ())]
    view: dict[str, Any] = {
        "searchFilter": f'tags.{CURRENT} = "true"',
        "selectedColumns": [f"{kind}.`{column}`" for kind, _, column in columns],
    }
    if name == EXPERIMENTS["curves"]:  # before tables, which have no BD-rate
        view |= {"orderByKey": view["selectedColumns"][0], "orderByAsc": True}
    client.set_experiment_tag(number, VIEW_TAG, json.dumps(view))
    return number


def log_metrics(client: MlflowClient, run_id: str, metrics: Sequence[Metric]) -> None:
    """Add any number of metrics to a run."""
    for first in range(0, len(metrics), MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[first : first + MAX_METRICS])


def _collect(results_dir: Path) -> list[Record]:
    return collect_records(results_dir) + collect_trainings(results_dir)


def _synchronise(
    client: MlflowClient, records: list[Record], artifacts: Path, common: Mapping[str, str]
) -> tuple[Outcome, dict[str, str]]:
    experiments = {
        name: experiment_id(client, name, artifacts)
        for name in dict.fromkeys(record.experiment for record in records)
    }
    wanted = {record.key: record for record in records}
    kept: dict[str, Any] = {}
    deleted = superseded = 0
    for run in _mirrored_runs(client):
        tags = run.data.tags
        key, is_current = tags["job_key"], tags.get(CURRENT) == "true"
        record = wanted.get(key)
        # A run that is not finished was cut off while being written: it is never taken for whole.
        whole = run.info.status == "FINISHED"
        same_recipe = record is not None and tags.get(RECIPE, "") == record.recipe
        if record and same_recipe and whole and key not in kept:
            if tags.get("payload_sha256") == record.payload_sha256:
                kept[key] = run
                if not is_current:
                    client.set_tag(run.info.run_id, CURRENT, "true")
                continue
        elif whole and tags.get(RECIPE) and not same_recipe:
            superseded += is_current
            if is_current:
                client.set_tag(run.info.run_id, CURRENT, "false")
            continue
        client.delete_run(run.info.run_id)
        for folder in artifacts.glob(f"*/{run.info.run_id}"):
            shutil.rmtree(folder, ignore_errors=True)
        deleted += record is None
    run_ids = {key: run.info.run_id for key, run in kept.items()}
    for record in records:  # parents come first
        parent = run_ids[record.parent] if record.parent else None
        if record.key not in kept:
            experiment = experiments[record.experiment]
            run_ids[record.key] = _write(client, record, experiment, parent, common)
        elif parent and kept[record.key].data.tags.get("mlflow.parentRunId") != parent:
            client.set_tag(run_ids[record.key], "mlflow.parentRunId", parent)
    return Outcome(len(records) - len(kept), len(kept), deleted, superseded), run_ids


def _write(
    client: MlflowClient,
    record: Record,
    experiment: str,
    parent: str | None,
    common: Mapping[str, str],
) -> str:
    from mlflow.entities import Metric, Param

    tags = {**common, **record.tags} | {
        "job_key": record.key,
        "kind": record.kind,
        "payload_sha256": record.payload_sha256,
        RECIPE: record.recipe,
        CURRENT: "true",
        "mlflow.source.name": f"{record.rule} (Snakefile)" if record.rule else "Snakefile",
        "mlflow.note.content": record.note,
    }
    if parent:
        tags["mlflow.parentRunId"] = parent
    start = record.time_ms - int(1000 * record.seconds)
    run = client.create_run(experiment, start, tags=tags, run_name=record.name)
    run_id = run.info.run_id
    metrics = [Metric(name, value, record.time_ms, step) for name, value, step in record.metrics]
    params = [Param(name, value) for name, value in record.params.items()]
    client.log_batch(run_id, metrics[: MAX_METRICS - MAX_PARAMS], params[:MAX_PARAMS])
    for first in range(MAX_PARAMS, len(params), MAX_PARAMS):
        client.log_batch(run_id, params=params[first : first + MAX_PARAMS])
    log_metrics(client, run_id, metrics[MAX_METRICS - MAX_PARAMS :])
    if record.source:
        client.log_inputs(run_id, datasets=[_dataset(record.source)])
    for path in record.files:
        client.log_artifact(run_id, str(path))
    client.set_terminated(run_id, end_time=record.time_ms)
    return run_id


def _dataset(source: Source) -> Any:
    """What a run was made of, as MLflow's input."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    origin = json.dumps({"sha256": source.digest})
    dataset = Dataset(source.name, source.digest[:MAX_DIGEST] or "unknown", "results", origin)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", source.context)])


def _mirrored_runs(client: MlflowClient) -> Iterator[Any]:
    """Live runs that this module wrote; runs that a person added have no ``job_key``."""
    experiments = [item.experiment_id for item in client.search_experiments()]
    token: str | None = None
    while experiments:
        page = client.search_runs(experiments, max_results=10000, page_token=token)
        yield from (run for run in page if "job_key" in run.data.tags)
        token = page.token
        if not token:
            return


def _write_without_waiting(connection: Any, _record: Any) -> None:
    # Every run is several transactions, each of which would wait for the disk. Only a power cut
    # can harm the file, and then it is made again.
    connection.execute("PRAGMA synchronous = OFF")


def _belongs_here(database: Path, artifacts: Path, version: str) -> bool:
    """Whether a database is whole, and by this MLflow for this results folder, where it now is."""
    query = (
        "SELECT e.artifact_location, t.value FROM experiments e"
        " JOIN experiment_tags t ON t.experiment_id = e.experiment_id WHERE t.key = ?"
    )
    try:
        with closing(sqlite3.connect(database, timeout=20)) as connection:
            rows = connection.execute(query, (MIRROR_TAG,)).fetchall()
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                return False
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise
        return False
    except sqlite3.DatabaseError:
        return False
    home = artifacts.as_uri() + "/"
    return all(location.startswith(home) and made_by == version for location, made_by in rows)


def _write_ledger(
    ledger: Path, records: list[Record], run_ids: Mapping[str, str], state: str
) -> None:
    rows = [
        {
            "job_key": record.key,
            "kind": record.kind,
            "experiment": record.experiment,
            "run_id": run_ids.get(record.key, ""),
            "payload_sha256": record.payload_sha256,
            "state": state,
        }
        for record in records
    ]
    if not rows and state != "mirrored":
        rows = [dict.fromkeys(LEDGER_COLUMNS, "") | {"state": state}]
    write_csv(ledger, rows, LEDGER_COLUMNS)
