"""Trainings in MLflow: a run with curves, numbers and files each, and the models registered.

Every trained network is a folder ``<results>/models/<paper>/<name>`` with ``model.onnx``,
``model.pt``, ``metrics.csv`` and ``summary.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from jndlab.files import own_content, read_csv, read_json, sha256_of, sha256_of_json
from jndops.mlflow.records import Record, Source, finite_metrics, flat, sealed, time_ms

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import Model

T = TypeVar("T")
TRAININGS = "training"  # first part of the keys
MODELS_FOLDER = "models"
SUMMARY, METRICS = "summary.json", "metrics.csv"
MODELS = ("model.onnx", "model.pt")  # the first is what the suite uses
# The rest of a summary says what was trained, these are numbers that came out.
OUTCOMES = (
    "seconds", "steps_per_second", "best_epoch", "best_value", "train_loss", "val_loss",
    "peak_memory_mib",
)  # fmt: skip
IDENTITY = ("data_sha256", "recipe_sha256")
# The two that one looks at first, under names that MLflow shows as a group.
RENAMED = {"train_loss": "loss/train", "val_loss": "loss/val"}


def collect_trainings(results_dir: Path) -> list[Record]:
    """A record of every finished training below ``<results>/models``, in a stable order."""
    models = Path(results_dir) / MODELS_FOLDER
    found = [p for p in sorted(models.glob(f"*/*/{SUMMARY}")) if p.with_name(METRICS).is_file()]
    records = []
    for path in found:
        with own_content(path.parent):
            records.append(_training(path))
    return records


def training_key(summary: Path) -> str:
    """``training/laser_jnd/mj_lat`` for ``models/laser_jnd/mj_lat/summary.json``."""
    return "/".join((TRAININGS, *_paper_and_name(summary)))


def register_models(
    client: MlflowClient, records: Sequence[Record], run_ids: Mapping[str, str]
) -> int:
    """Log and register the models of training ``records``; returns how many versions are new.

    A version is known by the hash of its weights: the same weights are never registered twice,
    whichever run they came from (tag ``run_id`` says from which last). Its files are those of a
    logged model with its signature, copies that outlive that run: ``mlflow.onnx.load_model`` and
    ``mlflow.pyfunc.load_model`` open ``models:/<name>/<version>``. Deleting the database deletes
    them.
    """
    new = 0
    for record in records:
        weights = [path for path in record.files if path.name in MODELS]
        if record.kind == "training" and weights:
            new += _register(client, record, weights, run_ids[record.key])
    return new


def _register(client: MlflowClient, record: Record, weights: list[Path], run_id: str) -> bool:
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    name, sha256 = record.name, record.tags["model_sha256"]
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.tags.get("sha256") == sha256:
            if version.tags.get("run_id") != run_id:
                client.set_model_version_tag(name, version.version, "run_id", run_id)
                client.log_outputs(run_id, [LoggedModelOutput(version.tags["model_id"], 0)])
            if not Path(unquote(urlsplit(version.source).path), weights[0].name).is_file():
                _log_files(client, version.tags["model_id"], weights)
            return False
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    tags = {key: record.tags[key] for key in IDENTITY if key in record.tags}
    tags |= {"sha256": sha256, "job_key": record.key, "run_id": run_id}
    experiment = client.get_run(run_id).info.experiment_id
    model = client.create_logged_model(experiment, name, run_id, tags=tags, model_type="ONNX")
    _log_files(client, model.model_id, weights)
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    client.create_model_version(
        name, model.artifact_location, run_id, tags=tags | {"model_id": model.model_id},
        await_creation_for=None, model_id=model.model_id,
    )  # fmt: skip
    return True


def _log_files(client: MlflowClient, model_id: str, weights: Sequence[Path]) -> None:
    """Weights and their description (``MLmodel``) as files of a logged model."""
    with TemporaryDirectory() as scratch:
        for path in weights:
            (Path(scratch) / path.name).symlink_to(path.resolve())
        _described(weights[0], model_id).save(Path(scratch) / "MLmodel")
        client.log_model_artifacts(model_id, scratch)


def _described(path: Path, model_id: str) -> Model:
    """What MLflow needs to load an ONNX file and to check what it is given, by its graph."""
    import onnx
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    def schema(values: Sequence[Any]) -> Schema:
        return Schema([
            TensorSpec(
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type),
                [side.dim_value or -1 for side in value.type.tensor_type.shape.dim],
                value.name,
            )
            for value in values
        ])  # fmt: skip

    graph = onnx.load(path, load_external_data=False).graph
    signature = ModelSignature(schema(graph.input), schema(graph.output))
    model = Model(signature=signature, model_id=model_id)
    pyfunc.add_to_model(model, loader_module="mlflow.onnx", data=path.name)
    model.add_flavor("onnx", onnx_version=onnx.__version__, data=path.name,
                     providers=["CPUExecutionProvider"])  # fmt: skip
    return model


def _training(summary: Path) -> Record:
    metadata = read_json(summary)
    paper, name = _paper_and_name(summary)
    weights = [path for path in map(summary.with_name, MODELS) if path.is_file()]
    curves = [metric for row in read_csv(summary.with_name(METRICS)) for metric in _curve_row(row)]
    numbers = {f"summary/{name}": metadata[name] for name in OUTCOMES if name in metadata}
    numbers |= {f"bytes/{path.name}": path.stat().st_size for path in weights}
    tags = {name: metadata[name] for name in IDENTITY if name in metadata}
    if weights:
        tags["model_sha256"] = sha256_of(weights[0])
    described = {k: v for k, v in metadata.items() if k not in (*OUTCOMES, *IDENTITY)}
    files = (*weights, summary.with_name(METRICS), summary)
    return sealed(
        Record(
            key=training_key(summary),
            kind="training",
            name="_".join(_paper_and_name(summary)),
            parent=None,
            params=flat({"paper": paper} | described | numbers),
            metrics=tuple(curves),
            tags=tags,
            files=files,
            time_ms=time_ms(list(files)),
            seconds=float(metadata.get("seconds") or 0),
            rule=f"train_{'cnn_jnqd' if name.startswith('cnn_jnqd') else paper}",
            recipe=sha256_of_json([metadata.get(key, "") for key in IDENTITY]),
            note=_note(metadata),
            source=Source(
                str(metadata.get("conditions", {}).get("training_source", paper)),
                str(metadata.get("data_sha256", "")),
                "training",
            ),
        )
    )


def renamed(values: Mapping[str, T]) -> dict[str, T]:
    """Columns of a training's curve under the names of metrics in MLflow."""
    return {RENAMED.get(name, name): value for name, value in values.items()}


def _note(metadata: Mapping[str, Any]) -> str:
    """What was trained on what, of the training's own record."""
    network = metadata.get("architecture", {}).get("name", "a network")
    found = metadata.get("conditions", {})
    known = [f"{name.replace('_', ' ')} {value}" for name, value in found.items()]
    return f"Training of {network}: {', '.join(known)}." if known else f"Training of {network}."


def _curve_row(row: Mapping[str, str]) -> Iterator[tuple[str, float, int]]:
    values = {name: float(text) for name, text in row.items() if text and name != "step"}
    yield from finite_metrics(renamed(values), step=int(row["step"]))


def _paper_and_name(summary: Path) -> tuple[str, ...]:
    return summary.absolute().parts[-3:-1]
