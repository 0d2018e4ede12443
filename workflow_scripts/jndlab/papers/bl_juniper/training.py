"""Training of BL-JUNIPER's CNN for one JND level, from labelled blocks to files for use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.files import sha256_of
from jndlab.models.bl_juniper.cnn import BlockPreparation
from jndlab.models.jnd_onnx import export_jnd_onnx
from jndlab.models.keras.weights import import_keras
from jndlab.models.model_files import build_network, save_model
from jndlab.training.export import MODEL, WEIGHTS, export_training, run_dir_of
from jndlab.training.loop import train
from jndlab.training.recipe import LossTerm, Recipe
from jndlab.training.samplers.block_files import read_blocks
from jndlab.training.samplers.blocks import BlockSamples, split_by_source

NETWORK = "bl_juniper_cnn"


def train_bl_juniper(
    block_files: Sequence[Path],
    level: int,
    cnn: Mapping[str, Any],
    data: Mapping[str, Any],
    folder: Path,
    *,
    on_metrics: Callable[[dict[str, Any]], None] | None = None,
    threads: int | None = None,
) -> None:
    """Train the network of ``level`` (1 to 3) and export it to ``folder``.

    ``cnn`` and ``data`` (``fractions`` of the split, ``seed``) are keys of the configuration. The
    state of the run is kept below ``folder``, by recipe: a killed training resumes there. Loss is
    the mean absolute error in QP, so ``val_loss`` is that of the validation blocks.
    """
    content = read_blocks(block_files)
    split = split_by_source([str(name) for name in content.blocks.sources], **data)
    samples = BlockSamples(
        content.blocks, split, level=level, scrambled=cnn["scrambled"], seed=data["seed"]
    )
    labels = content.blocks.jnd[samples.members["train"], level - 1]
    options: dict[str, Any] = {"level": level, "width": cnn["width"], "head": cnn["head"]}
    if cnn["head"] == "linear_at_mean":
        options["label_means"] = [round(float(np.mean(labels)), 4)]
    model = build_network(NETWORK, options | asdict(samples.preparation), seed=cnn["seed"])
    recipe = Recipe(
        epochs=cnn["epochs"],
        batch_size=cnn["batch_size"],
        losses=(LossTerm("mae", output=f"jnd{level}"),),
        learning_rate=cnn["learning_rate"],
        seed=cnn["seed"],
        best_by="val_loss" if samples.members["val"].size else "train_loss",
    )
    run_dir = run_dir_of(folder, recipe.as_json(), samples.sha256, model.options)
    train(model, samples, recipe, run_dir, on_metrics=on_metrics, threads=threads)
    conditions = {"training_pictures": len(samples.members["train"])}
    export_training(run_dir, folder, export_jnd_onnx, conditions=conditions)


def import_bl_juniper(
    weights: Path,
    block_files: Sequence[Path],
    level: int,
    cnn: Mapping[str, Any],
    data: Mapping[str, Any],
    folder: Path,
) -> None:
    """The authors' network of ``level`` from its HDF5 file, exported to ``folder``.

    The file holds no standardisation. As in the authors' test script, it is that of the training
    blocks, by the split of ``data``.
    """
    blocks = read_blocks(block_files).blocks
    split = split_by_source([str(name) for name in blocks.sources], **data)
    training = np.array([split[str(name)] == "train" for name in blocks.sources])
    preparation = BlockPreparation.fitted(
        blocks.pixels[training],
        blocks.temporal_information[training],
        scrambled=cnn["scrambled"],
    )
    model = import_keras(weights, NETWORK, {"level": level, **asdict(preparation)})
    export_jnd_onnx(model, folder / MODEL)
    origin = {"file": weights.name, "sha256": sha256_of(weights)}
    save_model(folder / WEIGHTS, model, imported_from=origin)
