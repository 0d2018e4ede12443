"""Checkpoints: the whole state of a training in one file, bound to its network, recipe and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from jndlab.errors import UserError
from jndlab.files import sha256_of_json
from jndlab.models.model_files import read_model_file, require_architecture, save_model


@dataclass
class Progress:
    """How far a training is. ``epoch``, ``step_in_epoch`` and ``step`` count what is finished."""

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    epoch_loss_sum: float = 0.0
    seconds: float = 0.0
    best_value: float | None = None
    best_epoch: int | None = None
    train_loss: float | None = None
    val_loss: float | None = None


@dataclass(frozen=True)
class RunIdentity:
    """Identity of a run. A checkpoint is continued only by a run of the same recipe and data."""

    recipe: dict[str, Any]
    data_sha256: str

    @property
    def recipe_sha256(self) -> str:
        return sha256_of_json(self.recipe)


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    identity: RunIdentity,
    progress: Progress,
    average: nn.Module | None = None,
) -> None:
    """Write all that an exact continuation needs, atomically."""
    save_model(
        path,
        model,
        training=training_metadata(identity, progress),
        state={
            "progress": asdict(progress),
            "optimizer": optimizer.state_dict(),
            "scaler": scaler.state_dict(),
            "average": average.state_dict() if average is not None else None,
            "random_cpu": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        },
    )


def load_checkpoint(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    identity: RunIdentity,
    average: nn.Module | None = None,
) -> Progress:
    """Put a checkpoint's state into ``model``, ``optimizer``, ``scaler``, ``average`` (where the
    recipe has one) and torch's generators.

    Raises UserError, naming expected and found, for a damaged file or one of another
    architecture, recipe or data set.
    """
    content = read_model_file(path)
    require_architecture(model, content["architecture"], path)
    _require_identity(identity, content["training"], path)
    state = content["state"]
    model.load_state_dict(content["weights"])
    optimizer.load_state_dict(state["optimizer"])
    scaler.load_state_dict(state["scaler"])
    if average is not None:
        average.load_state_dict(state["average"])
    torch.set_rng_state(state["random_cpu"])
    if torch.cuda.is_available() and len(state["random_cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["random_cuda"])
    known = {field.name for field in fields(Progress)}
    return Progress(**{k: v for k, v in state["progress"].items() if k in known})


def training_metadata(identity: RunIdentity, progress: Progress) -> dict[str, Any]:
    """Provenance of a trained model, as its file holds it."""
    return {
        "recipe": identity.recipe,
        "recipe_sha256": identity.recipe_sha256,
        "data_sha256": identity.data_sha256,
        "epoch": progress.epoch,
        "step": progress.step,
    }


def _require_identity(wanted: RunIdentity, found: Mapping[str, Any], path: Path) -> None:
    if wanted.recipe_sha256 != found["recipe_sha256"]:
        old = found["recipe"]
        differing = [k for k in {**wanted.recipe, **old} if wanted.recipe.get(k) != old.get(k)]
        raise UserError(
            "a run folder holds a checkpoint of another recipe.",
            where=str(path),
            expected="; ".join(
                f"{k} = {wanted.recipe.get(k)}, found {old.get(k)}" for k in differing
            ),
            remedy="restore the recipe to continue, or remove the run folder to train again.",
        )
    if wanted.data_sha256 != found["data_sha256"]:
        raise UserError(
            "a run folder holds a checkpoint of other training data.",
            where=str(path),
            expected=f"data {wanted.data_sha256[:12]}, found {found['data_sha256'][:12]}",
            remedy="restore the data to continue, or remove the run folder to train again.",
        )
