"""Export of a finished training: the kept weights, the model for use, curve and summary."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import atomic_path, read_json, sha256_of_json, write_json
from jndlab.models.model_files import load_model
from jndlab.training.loop import BEST, METRICS, SUMMARY

MODEL, WEIGHTS = "model.onnx", "model.pt"


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
    kept: Path | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write the files of a trained network into ``folder`` from its training's ``run_dir``.

    They are ``model.onnx`` (written by ``export``), ``model.pt``, ``metrics.csv`` and
    ``summary.json``, to which ``metadata`` is added. ``kept`` are the weights, by default those of
    the best epoch. Raises UserError where there are none.
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
    write_json(folder / SUMMARY, {**read_json(run_dir / SUMMARY), **(metadata or {})})
