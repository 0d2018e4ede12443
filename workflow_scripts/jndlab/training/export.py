"""What a finished training hands over: the kept weights, the model for use, curve and summary."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import atomic_path, read_json, write_json
from jndlab.models.model_files import load_model
from jndlab.training.loop import BEST, METRICS, SUMMARY


def hand_over(
    run_dir: Path,
    outputs: Mapping[str, Path],
    export: Callable[[Any, Path], Any],
    *,
    kept: Path | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a training's ``outputs`` from its folder ``run_dir``.

    ``outputs`` names the files ``model`` (written by ``export`` from the network), ``weights``,
    ``metrics`` and ``summary``, which takes ``metadata`` besides. ``kept`` are the weights, by
    default those of the best epoch. Raises UserError where there are none.
    """
    kept = kept or run_dir / BEST
    if not kept.is_file():
        raise UserError(
            "the training ended without weights of a best epoch.",
            where=str(run_dir),
            remedy="delete this folder and run again; see metrics.csv in it.",
        )
    export(load_model(kept), outputs["model"])
    for name, source in {"weights": kept, "metrics": run_dir / METRICS}.items():
        with atomic_path(outputs[name]) as part:
            shutil.copyfile(source, part)
    write_json(outputs["summary"], {**read_json(run_dir / SUMMARY), **(metadata or {})})
