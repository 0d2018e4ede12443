"""Training of BL-JUNIPER's CNN for one JND level, from labelled blocks to files for use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.models.bl_juniper.cnn import BlockPreparation
from jndlab.models.jnd_onnx import export_jnd_onnx
from jndlab.models.keras.weights import import_keras
from jndlab.models.model_files import build_network, save_model
from jndlab.quality.jnd_statistics import DEAD_BELOW
from jndlab.training.export import MODEL, WEIGHTS, export_training, run_dir_of
from jndlab.training.loop import train
from jndlab.training.recipe import LossTerm, Recipe
from jndlab.training.samplers.block_files import read_blocks
from jndlab.training.samplers.blocks import BlockSamples, split_by_source

NETWORK = "bl_juniper_cnn"
ADAM_EPSILON = 1e-7  # Keras' own; torch's is 1e-8
STARTS = 10  # initial weights that a network with a ReLU at its end is given at most
LIVING_SHARE = 0.5  # of the training blocks that must be above 0 after the first epoch
TRIED_BLOCKS = 4096  # more of them do not change the verdict


def train_bl_juniper(
    block_files: Sequence[Path],
    level: int,
    cnn: Mapping[str, Any],
    data: Mapping[str, Any],
    folder: Path,
    seed: int,
    *,
    on_metrics: Callable[[dict[str, Any]], None] | None = None,
    threads: int | None = None,
) -> None:
    """Train the network of ``level`` (1 to 3) and export it to ``folder``.

    ``cnn`` and ``data`` (``fractions`` of the split, ``seed``) are keys of the configuration. The
    state of the run is kept below ``folder``, by recipe: a killed training resumes there. Loss is
    the mean absolute error in QP, so ``val_loss`` is that of the validation blocks.

    Training is in float32 (steps of half precision at QP 34 are 0.03) with Keras' epsilon. The ReLU
    at the end (``head: relu``) passes no gradient where it starts below zero, for some seeds on
    every block: so one epoch is tried first, and the next initial weights taken until it lives.
    Raises UserError where none of ``STARTS`` does.
    """
    content = read_blocks(block_files)
    split = split_by_source([str(name) for name in content.blocks.sources], **data)
    samples = BlockSamples(
        content.blocks, split, level=level, scrambled=cnn["scrambled"], seed=data["seed"]
    )
    labels = content.blocks.jnd[samples.members["train"], level - 1]
    options: dict[str, Any] = {"level": level, "width": cnn["width"], "head": cnn["head"]}
    options["form"] = content.form
    if cnn["head"] == "linear_at_mean":
        options["label_means"] = [round(float(np.mean(labels)), 4)]
    options |= asdict(samples.preparation)
    recipe = Recipe(
        epochs=cnn["epochs"],
        batch_size=cnn["batch_size"],
        losses=(LossTerm("mae", output=f"jnd{level}"),),
        learning_rate=cnn["learning_rate"],
        adam_epsilon=ADAM_EPSILON,
        mixed_precision=False,
        best_by="val_loss" if samples.members["val"].size else "train_loss",
    )
    recipe = _living_start(samples, recipe, options, seed, folder, threads)
    model = build_network(NETWORK, options, seed=recipe.seed)
    run_dir = run_dir_of(folder, recipe.as_json(), samples.sha256, model.options)
    train(model, samples, recipe, run_dir, on_metrics=on_metrics, threads=threads)
    conditions = {"training_pictures": len(samples.members["train"])}
    export_training(run_dir, folder, export_jnd_onnx, conditions=conditions)


def start_seed(seed: int, level: int, start: int = 0) -> int:
    """Seed of the initial weights: one for each level, and for each start of it."""
    return 100 * seed + STARTS * (level - 1) + start


def _living_start(
    samples: BlockSamples,
    recipe: Recipe,
    options: Mapping[str, Any],
    seed: int,
    folder: Path,
    threads: int | None,
) -> Recipe:
    """The recipe with the first seed whose network is not dead after an epoch."""
    shares = []
    for start in range(STARTS):
        seeded = replace(recipe, seed=start_seed(seed, samples.level, start))
        if options["head"] != "relu":  # nothing can die
            return seeded
        model = build_network(NETWORK, options, seed=seeded.seed)
        trial = replace(seeded, epochs=1)
        trial_dir = run_dir_of(folder, trial.as_json(), samples.sha256, model.options, "trial")
        train(model, samples, trial, trial_dir, threads=threads, show_progress=False)
        outputs = _outputs(model, samples, recipe.batch_size)
        shares.append(float(np.mean(outputs > 0)))
        if shares[-1] >= LIVING_SHARE and np.std(outputs) > DEAD_BELOW:
            return seeded
        logging.info("seed %d is dead: %.1f %% above 0", seeded.seed, 100 * shares[-1])
    raise UserError(
        f"the network of JND{samples.level} predicts 0 for most blocks after its first epoch, "
        f"with {STARTS} different initial weights.",
        where="bl_juniper.cnn.head",
        expected=f"{LIVING_SHARE:.0%} of the blocks above 0, found at most {max(shares):.1%}",
        remedy="set `head: linear_at_mean`, which cannot die, or other `seeds`.",
    )


def _outputs(model: nn.Module, samples: BlockSamples, batch_size: int) -> np.ndarray:
    """Outputs of the (first) training blocks, N."""
    steps = min(samples.steps_per_epoch(batch_size), -(-TRIED_BLOCKS // batch_size))
    with torch.inference_mode():
        found = [
            model(*samples.batch(0, index, batch_size).inputs)[f"jnd{samples.level}"]
            for index in range(steps)
        ]
    return torch.cat(found).numpy()


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
    content = read_blocks(block_files)
    blocks = content.blocks
    split = split_by_source([str(name) for name in blocks.sources], **data)
    training = np.array([split[str(name)] == "train" for name in blocks.sources])
    preparation = BlockPreparation.fitted(
        blocks.pixels[training],
        blocks.temporal_information[training],
        scrambled=cnn["scrambled"],
    )
    options = {"level": level, "form": content.form, **asdict(preparation)}
    model = import_keras(weights, NETWORK, options)
    export_jnd_onnx(model, folder / MODEL)
    origin = {"file": weights.name, "sha256": sha256_of(weights)}
    save_model(folder / WEIGHTS, model, imported_from=origin)
