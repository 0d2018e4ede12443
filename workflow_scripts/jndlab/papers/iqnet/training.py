"""Training of networks from luma to luma (IQNet, CNN-JNQD) from picture pairs to files for use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jndlab.files import sha256_of_json
from jndlab.models.model_files import build_network
from jndlab.models.onnx_runtime import export_onnx
from jndlab.training.export import hand_over
from jndlab.training.loop import train
from jndlab.training.recipe import Recipe
from jndlab.training.samplers.picture_pairs import PicturePairs, find_pairs

# CNN-JNQD maps 14x14 luma to the 8x8 in its middle (Ki et al. 2018): 3 pixels off each side.
CNN_JNQD_CROP, CNN_JNQD_MARGIN = 14, 3


def train_iqnet(
    sources: Path,
    targets: Path,
    network: Mapping[str, Any],
    training: Mapping[str, Any],
    outputs: Mapping[str, Path],
    runs: Path,
    **loop: Any,
) -> None:
    """Train IQNet as ``training`` says (keys of the schema) and write ``outputs``.

    ``outputs`` names the files ``model`` (ONNX), ``weights``, ``metrics`` and ``summary``. The
    state of the run is kept below ``runs``, in a folder of its recipe: a killed training goes on
    from there. ``loop`` reaches ``training.loop.train``.
    """
    pairs = PicturePairs(
        find_pairs(sources, targets),
        crop=training["crop"],
        seed=training["seed"],
        held_out=training["held_out"],
        crops_per_picture=training["crops_per_picture"],
        augment=training["augment"],
    )
    recipe = Recipe.from_config(
        {
            "epochs": training["epochs"],
            "batch_size": training["batch_size"],
            "losses": training["loss"],
            "learning_rate": training["learning_rate"],
            "lr_step_epochs": training["halve_every_epochs"],
            "seed": training["seed"],
            "best_by": "val_loss" if pairs.held_out else "train_loss",
        }
    )
    model = build_network("iqnet", dict(network), seed=training["seed"])
    _train(model, pairs, recipe, outputs, runs, **loop)


def train_cnn_jnqd(
    sources: Path,
    targets: Path,
    training: Mapping[str, Any],
    outputs: Mapping[str, Path],
    runs: Path,
    **loop: Any,
) -> None:
    """Train CNN-JNQD for one QP on LR-JNQD's output; arguments as for :func:`train_iqnet`."""
    pairs = PicturePairs(
        find_pairs(sources, targets),
        crop=CNN_JNQD_CROP,
        target_margin=CNN_JNQD_MARGIN,
        seed=training["seed"],
        held_out=training["held_out"],
        crops_per_picture=training["crops_per_picture"],
        augment=True,
    )
    recipe = Recipe.from_config(
        {
            "epochs": training["epochs"],
            "batch_size": training["batch_size"],
            "losses": "mse",
            "optimizer": training["optimizer"],
            "learning_rate": training["learning_rate"],
            "seed": training["seed"],
            "best_by": "val_loss" if pairs.held_out else "train_loss",
        }
    )
    model = build_network("cnn_jnqd", seed=training["seed"])
    _train(model, pairs, recipe, outputs, runs, **loop)


def _train(
    model: Any,
    pairs: PicturePairs,
    recipe: Recipe,
    outputs: Mapping[str, Path],
    runs: Path,
    *,
    on_metrics: Callable[[dict], None] | None = None,
    threads: int | None = None,
) -> None:
    # Other data or another recipe is another run: it must not go on where this one stopped.
    run_dir = runs / sha256_of_json([recipe.as_json(), pairs.sha256, str(model)])[:12]
    train(model, pairs, recipe, run_dir, on_metrics=on_metrics, threads=threads)
    hand_over(run_dir, outputs, export_onnx)
