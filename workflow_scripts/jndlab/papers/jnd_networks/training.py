"""Training of LASeR-JND's and MTJND's networks, stage by stage, from frames to files for use."""

from __future__ import annotations

import copy
import logging
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from jndlab.datasets.jnd_frames.folder import LabelledFrames
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.models.jnd_onnx import export_jnd_onnx
from jndlab.models.keras.weights import load_keras
from jndlab.models.laser_jnd.autoencoder import RECONSTRUCTION, LaserAutoencoder
from jndlab.models.laser_jnd.networks import LaserPredictor
from jndlab.models.model_files import build_network, load_model, save_model
from jndlab.models.mtjnd.efficientnet import EfficientNetLite0, imagenet_file
from jndlab.models.mtjnd.networks import ATTENTION, PRETRAINED, MtJnd
from jndlab.models.picture_network import PictureNetwork
from jndlab.models.vmaf_curve import CURVE, qps_at_falls
from jndlab.papers.jnd_networks.stages import Stage, no_imagenet
from jndlab.training.export import export_training, run_dir_of
from jndlab.training.loop import Metric, Metrics, train
from jndlab.training.recipe import LossTerm, Recipe
from jndlab.training.samplers.frames import FrameSamples, FrameTargets

ATTENTION_CELL = 16  # pixels to a side of a cell of MTJND's attention map
KERAS_ADAM_EPSILON = 1e-7
# Switches of training and network as in the authors' code; scales are those of the network's class.
AUTHORS = {
    "steps": None, "schedule": "constant", "optimizer": "adam", "weight_decay": 0,
    "ema_decay": None, "gradient_clip": None, "flips": False, "keep": "best", "head": "relu",
    "order": "free", "colour": "bgr", "backbone": "vgg16",
}  # fmt: skip
STEPS_BETWEEN_CHECKS = 25  # epochs of a few steps are not validated and saved one by one
SEEDS_TRIED, SEED_STEP = 10, 1000  # after one that leaves an output dead; apart from other runs'
LEAST_DEVIATION = 0.1  # QP, of falls that all frames reach at once
KEPT = "kept.pt"  # last weights, where they are what is kept


def train_stage(
    stage: Stage,
    frames: LabelledFrames,
    training: Mapping[str, Any],
    folder: Path,
    *,
    conditions: Mapping[str, Any],
    seed: int = 0,
    starts_from: Sequence[Path] = (),
    saliency: Path | None = None,
    imagenet: Path | None = None,
    **loop: Any,
) -> None:
    """Train one stage by ``training`` (keys of the configuration) and export it to ``folder``.

    ``conditions`` say what the frames are (names of ``report.conditions``), for the record in
    ``summary.json``. ``starts_from`` are the model files of ``stage.starts_from``, in that order,
    ``saliency`` the folder of maps for attention, ``imagenet`` a file of VGG16's weights (Keras's
    ``.h5`` or torchvision's ``.pth``). A network with a dead output after its first epoch starts
    over from another seed; ``summary.json`` lists the ``dead_seeds``. The state of the run is kept
    below ``folder``, by recipe: a killed training resumes there. ``loop`` reaches
    ``training.loop.train``. Raises UserError for a backbone that is missing, of another network or
    of another width, colour or scale, and where ``SEEDS_TRIED`` seeds have dead outputs.
    """
    if stage.frames is not None:
        frames = frames.learned_from(stage.frames)
    dead: list[int] = []
    while len(dead) < SEEDS_TRIED:
        tried = seed + SEED_STEP * len(dead)
        try:
            run_dir, metadata = _trained(
                stage, frames, training, folder, tried, starts_from, saliency, imagenet, loop
            )
        except DeadOutputError as error:
            logging.warning("%s, seed %d: %s; another seed is tried", stage.name, tried, error)
            dead.append(tried)
            continue
        kept = run_dir / KEPT if metadata["kept_epoch"] == "last" else None
        metadata |= {"seed": tried, "dead_seeds": dead}
        learned_from = {**conditions, "training_pictures": len(frames.of_subset("train"))}
        learned_from["recipe"] = ", ".join(metadata["recipe_differs"]) or "the authors'"
        export_training(
            run_dir, folder, export_jnd_onnx, conditions=learned_from, kept=kept, metadata=metadata
        )
        return
    raise UserError(
        f"every seed that was tried leaves an output of {stage.name} dead.",
        where=f"seeds {', '.join(map(str, dead))}",
        expected="outputs above 0 for some training frame, else no gradient passes their ReLU",
        remedy="set `network.head: linear_at_median`, or other `seeds`.",
    )


def _trained(
    stage: Stage,
    frames: LabelledFrames,
    training: Mapping[str, Any],
    folder: Path,
    seed: int,
    starts_from: Sequence[Path],
    saliency: Path | None,
    imagenet: Path | None,
    loop: Mapping[str, Any],
) -> tuple[Path, dict[str, Any]]:
    """Train from a seed: the run's folder and what the summary says besides."""
    model = started_network(
        stage, seed, starts_from, start_of(stage, frames), imagenet, unit=frames.unit
    )
    targets, flips = targets_of(stage, model), training["flips"]
    samples = FrameSamples(
        frames.frames, model.preparation, targets, saliency=saliency, seed=seed, flips=flips
    )
    steps_per_epoch = samples.steps_per_epoch(training["batch_size"])
    validated = bool(samples.frames["val"])
    recipe = recipe_of(stage, model, training, seed, steps_per_epoch, validated=validated)
    origins = {path.parent.name: sha256_of(path) for path in starts_from}
    if isinstance(model, MtJnd) and (given := imagenet_of(model, imagenet)) is not None:
        origins["imagenet"] = sha256_of(given)
    identity = [recipe.as_json(), samples.sha256, stage.network, model.options, origins]
    run_dir = run_dir_of(folder, *identity)
    listener = loop.get("on_metrics")

    def on_metrics(row: Metrics) -> None:
        if row["epoch"] == 1:
            require_alive(model, samples, recipe.batch_size)
        if listener is not None:
            listener(row)

    every = {"checkpoint_every_epochs": recipe.validate_every_epochs}
    options = {**every, **loop, "on_metrics": on_metrics}
    train(model, samples, recipe, run_dir, metrics=metrics_of(stage), **options)
    keeps = training.get("keep", "best")
    if keeps == "last":
        save_model(run_dir / KEPT, model)
    metadata = {"stage": stage.name, "split": frames.split, "starts_from": origins}
    metadata["recipe_differs"] = differing_switches(model, training)
    return run_dir, {**metadata, "kept_epoch": keeps, "peak_memory_mib": _peak_mib()}


def differing_switches(model: PictureNetwork, training: Mapping[str, Any]) -> list[str]:
    """Switches that are not as in the authors' code, e.g. ``["flips", "head"]``."""
    chosen = {**model.options, **training}
    differing = [name for name, value in AUTHORS.items() if chosen.get(name, value) != value]
    return differing + ["scale"] * (model.preparation.scale != model.paper_scale)


class DeadOutputError(Exception):
    """An output with a ReLU is 0 for every training frame, where it has no gradient."""


def require_alive(model: nn.Module, samples: FrameSamples, batch_size: int) -> None:
    """Raise DeadOutputError where a JND is 0 for every training frame, as training sees it."""
    seen = copy.deepcopy(model).train()  # the copy's BatchNorm may move
    device = next(seen.parameters()).device
    largest: dict[str, float] = {}
    with torch.no_grad():
        for batch in samples.in_order("train", batch_size):
            outputs = seen(*(tensor.to(device) for tensor in batch.inputs))
            for name, values in outputs.items():
                if name.startswith("jnd"):
                    top = float(values.abs().max())
                    largest[name] = max(largest.get(name, 0.0), top)
    dead = [name.upper() for name, value in largest.items() if value == 0]
    if dead:
        raise DeadOutputError(f"{', '.join(dead)} is 0 for all training frames")


def start_of(stage: Stage, frames: LabelledFrames) -> list[list[float]] | None:
    """Option ``label_start`` of a stage's network: what its heads predict before training.

    Median and deviation of the training labels of each level, or of the QPs of their curves; None
    for heads without such a start.
    """
    head = stage.options.get("head")
    if head == CURVE:
        qps = qps_at_falls(frames.curves)
        return [np.median(qps, axis=0).tolist(), (qps.std(axis=0) + LEAST_DEVIATION).tolist()]
    if head == "linear_at_median":
        return [list(frames.label_start[level - 1]) for level in stage.levels]
    return None


def started_network(
    stage: Stage,
    seed: int,
    starts_from: Sequence[Path] = (),
    label_start: Sequence[Sequence[float]] | None = None,
    imagenet: Path | None = None,
    *,
    unit: str = "QP",
) -> PictureNetwork:
    """The network of a stage with the weights that its training begins with.

    ``label_start`` is that of :func:`start_of`.
    """
    options = {**stage.options, "unit": unit}
    if label_start is not None:
        options["label_start"] = label_start
    model = build_network(stage.network, options, seed=seed)
    assert isinstance(model, PictureNetwork)
    backbones = [_backbone(path, model) for path in starts_from]
    if isinstance(model, LaserPredictor):
        model.start_from(*backbones)
    elif isinstance(model, MtJnd):
        _start_from_imagenet(model, imagenet)
    elif backbones:  # a JND-reconstruction net, fine-tuned from the image autoencoder
        model.load_state_dict(backbones[0].state_dict())
    return model


def targets_of(stage: Stage, model: nn.Module) -> FrameTargets:
    """What a stage learns of each frame."""
    if isinstance(model, LaserAutoencoder):
        return FrameTargets((), reconstruction=stage.target_level or 0)
    reconstruction = stage.levels[0] if stage.network.startswith("e2e") else None
    attends = getattr(model, "attention", None) is not None
    cell = ATTENTION_CELL if attends else None
    return FrameTargets(stage.levels, reconstruction, cell, stage.options.get("head") == CURVE)


def recipe_of(
    stage: Stage,
    model: PictureNetwork,
    training: Mapping[str, Any],
    seed: int,
    steps_per_epoch: int,
    *,
    validated: bool = True,
) -> Recipe:
    """The recipe of a stage: Adam with Keras's epsilon, mean absolute error of each level's QP, or
    of the curve that levels are read off.

    Squared errors of pictures count in levels of 0..255, whatever the network's scale is.
    """
    losses: list[LossTerm] = []
    per_level = training["jnd_weight"] if stage.network.startswith("e2e") else 1.0
    if stage.options.get("head") == CURVE:
        losses.append(LossTerm("mae", per_level, CURVE))
    elif stage.predicts:
        losses += [LossTerm("mae", per_level, f"jnd{level}") for level in stage.levels]
    picture_weight = training["picture_weight"] if stage.network.startswith("e2e") else 1.0
    if not stage.predicts or stage.network.startswith("e2e"):
        levels = 1.0 if model.preparation.scale == "raw" else 255.0**2
        losses.append(LossTerm("mse", picture_weight * levels, RECONSTRUCTION))
    if getattr(model, "attention", None) is not None:
        losses.append(LossTerm("bce", training["attention_weight"], ATTENTION))
    steps = training["steps"]
    same = (
        "batch_size", "learning_rate", "schedule", "optimizer", "weight_decay", "ema_decay",
        "gradient_clip",
    )  # fmt: skip
    return Recipe(
        epochs=-(-steps // steps_per_epoch) if steps else training["epochs"],
        losses=tuple(losses),
        adam_epsilon=KERAS_ADAM_EPSILON,
        mixed_precision=False,
        validate_every_epochs=max(1, STEPS_BETWEEN_CHECKS // steps_per_epoch),
        best_by="val_loss" if validated else "train_loss",
        seed=seed,
        **{name: training[name] for name in same},
    )


def metrics_of(stage: Stage) -> dict[str, Metric]:
    """Mean error (QP) of each level, beside the loss."""

    def error_of(output: str) -> Metric:
        def mean_error(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
            return (outputs[output] - targets[output]).abs().mean()

        return mean_error

    return {f"error_jnd{level}": error_of(f"jnd{level}") for level in stage.levels}


def _backbone(path: Path, model: PictureNetwork) -> LaserAutoencoder:
    backbone = load_model(path, network="laser_autoencoder")
    assert isinstance(backbone, LaserAutoencoder)
    wanted, found = model.preparation, backbone.preparation
    if (wanted.colour, wanted.scale, model.width) != (found.colour, found.scale, backbone.width):
        raise UserError(
            "an autoencoder was trained for another input than the network built on it.",
            where=str(path),
            expected=f"{wanted.colour}, {wanted.scale}, width {model.width}; "
            f"found {found.colour}, {found.scale}, width {backbone.width}",
            remedy="delete this file, so that the workflow trains it again.",
        )
    return backbone


def imagenet_of(model: MtJnd, vgg16: Path | None) -> Path | None:
    """The file of ImageNet's weights that a network starts from, ``vgg16`` being the given one."""
    if isinstance(model.backbone, EfficientNetLite0):
        return imagenet_file() if model.options["backbone"] == PRETRAINED else None
    return vgg16


def _start_from_imagenet(model: MtJnd, vgg16: Path | None) -> None:
    path, backbone = imagenet_of(model, vgg16), model.backbone
    if path is None:
        if model.options["freeze_early"]:
            raise no_imagenet(type(model).__name__)
        return
    if isinstance(backbone, EfficientNetLite0):
        backbone.load_imagenet()
    elif path.suffix == ".pth":
        backbone.load_torchvision(path)
    else:
        load_keras(path, backbone)


def _peak_mib() -> float:
    """Peak memory of the training: of tensors on CUDA, else of this whole process."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return round(torch.cuda.max_memory_allocated() / 2**20, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
