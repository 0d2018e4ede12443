"""Training of networks from luma to luma (IQNet, CNN-JNQD) from picture pairs to files for use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jndlab.models.model_files import build_network
from jndlab.models.onnx_runtime import export_onnx
from jndlab.training.export import export_training, run_dir_of
from jndlab.training.loop import train
from jndlab.training.recipe import LossTerm, Recipe
from jndlab.training.samplers.picture_pairs import PicturePairs, find_pairs

# CNN-JNQD maps 14x14 luma to the 8x8 in its middle (Ki et al. 2018): 3 pixels off each side.
CNN_JNQD_CROP, CNN_JNQD_MARGIN = 14, 3


def train_iqnet(
    sources: Path,
    targets: Path,
    network: Mapping[str, Any],
    training: Mapping[str, Any],
    conditions: Mapping[str, Any],
    folder: Path,
    seed: int,
    **loop: Any,
) -> None:
    """Train IQNet by ``training`` (keys of the configuration) and export it to ``folder``.

    ``conditions`` say how the pairs were made (names of ``report.conditions``), for the record in
    ``summary.json``; their number is added here. The state of the run is kept below ``folder``, by
    recipe: a killed training resumes there. ``loop`` reaches ``training.loop.train``.
    """
    pairs = PicturePairs(
        find_pairs(sources, targets),
        crop=training["crop"],
        seed=seed,
        held_out=training["split"]["fractions"]["val"],
        crops_per_picture=training["crops_per_picture"],
        augment=training["augment"],
    )
    recipe = Recipe(
        epochs=training["epochs"],
        batch_size=training["batch_size"],
        losses=(LossTerm(training["loss"]),),
        learning_rate=training["learning_rate"],
        lr_step_epochs=training["halve_every_epochs"],
        mixed_precision=training["mixed_precision"],
        seed=seed,
        best_by="val_loss" if pairs.held_out else "train_loss",
    )
    model = build_network("iqnet", dict(network), seed=seed)
    _train(model, pairs, recipe, {**conditions, "crop": training["crop"]}, folder, **loop)


def train_cnn_jnqd(
    sources: Path,
    targets: Path,
    training: Mapping[str, Any],
    conditions: Mapping[str, Any],
    folder: Path,
    seed: int,
    **loop: Any,
) -> None:
    """Train CNN-JNQD for one QP on LR-JNQD's output; arguments as for :func:`train_iqnet`."""
    pairs = PicturePairs(
        find_pairs(sources, targets),
        crop=CNN_JNQD_CROP,
        target_margin=CNN_JNQD_MARGIN,
        seed=seed,
        held_out=training["split"]["fractions"]["val"],
        crops_per_picture=training["crops_per_picture"],
        augment=True,
    )
    recipe = Recipe(
        epochs=training["epochs"],
        batch_size=training["batch_size"],
        losses=(LossTerm("mse"),),
        optimizer=training["optimizer"],
        learning_rate=training["learning_rate"],
        momentum=training["momentum"],
        weight_decay=training["weight_decay"],
        decay_biases=False,
        mixed_precision=training["mixed_precision"],
        seed=seed,
        best_by="val_loss" if pairs.held_out else "train_loss",
    )
    model = build_network("cnn_jnqd", seed=seed)
    _train(model, pairs, recipe, {**conditions, "crop": CNN_JNQD_CROP}, folder, **loop)


def _train(
    model: Any,
    pairs: PicturePairs,
    recipe: Recipe,
    conditions: Mapping[str, Any],
    folder: Path,
    *,
    on_metrics: Callable[[dict[str, Any]], None] | None = None,
    threads: int | None = None,
) -> None:
    run_dir = run_dir_of(folder, recipe.as_json(), pairs.sha256, str(model))
    train(model, pairs, recipe, run_dir, on_metrics=on_metrics, threads=threads)
    learned_from = {**conditions, "training_pictures": len(pairs.pairs)}
    export_training(run_dir, folder, export_onnx, conditions=learned_from)
