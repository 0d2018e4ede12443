"""Export of a finished training: the kept weights, the model for use, curve and summary."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import atomic_path, read_json, sha256_of, sha256_of_json, write_json
from jndlab.models.model_files import load_model
from jndlab.training.loop import BEST, METRICS, SUMMARY

MODEL, WEIGHTS = "model.onnx", "model.pt"
# Keys of a recipe that papers print.
RECORDED = ("epochs", "batch_size", "learning_rate", "lr_step_epochs", "optimizer")


def run_dir_of(folder: Path, *identity: Any) -> Path:
    """The folder of a training's state below that of its network, ``folder``.

    ``identity`` (JSON) is recipe and data: another recipe must not resume where this one stopped.
    """
    return folder / "runs" / sha256_of_json(list(identity))[:12]


def export_training(
    run_dir: Path,
    folder: Path,
    export: Callable[[Any, Path], Any],
    *,
    conditions: Mapping[str, Any],
    kept: Path | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write the files of a trained network into ``folder`` from its training's ``run_dir``.

    They are ``model.onnx`` (written by ``export``), ``model.pt``, ``metrics.csv`` and
    ``summary.json``, to which ``metadata`` is added, and the record by which verdicts are given
    (``report.conditions``): ``models_sha256`` of the two model files and ``conditions``, which are
    those given (what was learned from, under the names of ``report.conditions.CONDITIONS``) with
    those of architecture and recipe. ``kept`` are the weights, by default those of the best epoch.
    Raises UserError where there are none.
    """
    kept = kept or run_dir / BEST
    if not kept.is_file():
        raise UserError(
            "the training ended without weights of a best epoch.",
            where=str(run_dir),
            remedy="delete this folder and run again; see metrics.csv in it.",
        )
    export(load_model(kept), folder / MODEL)
    for name, source in {WEIGHTS: kept, METRICS: run_dir / METRICS}.items():
        with atomic_path(folder / name) as part:
            shutil.copyfile(source, part)
    summary = read_json(run_dir / SUMMARY)
    record = {
        "models_sha256": {name: sha256_of(folder / name) for name in (MODEL, WEIGHTS)},
        "conditions": {**_of_recipe(summary), **conditions},
    }
    write_json(folder / SUMMARY, {**summary, **record, **(metadata or {})})


def _of_recipe(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions that every training has, from its own summary."""
    architecture, recipe = summary["architecture"], summary["recipe"]
    options = architecture["options"]
    found = {"network": architecture["name"], "parameters": architecture["parameters"]}
    if "width" in options:
        found["width"] = options["width"]
    if "input_size" in options:
        found["input_size"] = "x".join(map(str, options["input_size"]))
    return found | {name: recipe[name] for name in RECORDED if recipe[name] is not None}
