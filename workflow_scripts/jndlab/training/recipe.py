"""What a training is told: the recipe (all that changes its result) and the form of its data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from jndlab.errors import UserError

ONLY_OUTPUT = "output"

LOSSES: dict[str, Callable[..., Tensor]] = {
    "mae": functional.l1_loss,
    "mse": functional.mse_loss,
    "bce": functional.binary_cross_entropy_with_logits,
}


class Batch(NamedTuple):
    """``inputs`` are the network's arguments; ``targets`` one tensor for each output with a loss.

    A network that returns one tensor has one output, called "output". A target "<output>.weight"
    (one number for each sample) multiplies the samples' losses before their mean is taken. All
    tensors are on the CPU, samples along the first axis.
    """

    inputs: tuple[Tensor, ...]
    targets: dict[str, Tensor]


class TrainingData(Protocol):
    """What the loop trains on. Batches have numbers, so that a resumed run sees the same ones."""

    @property
    def sha256(self) -> str:
        """Hash of all that the data depend on: content, sampling, split, seed."""
        ...

    def steps_per_epoch(self, batch_size: int) -> int: ...

    def batch(self, epoch: int, index: int, batch_size: int) -> Batch:
        """Batch ``index`` of ``epoch``, both from 0; the same for the same numbers, always."""
        ...

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """The held-out samples, the same every time; nothing where none are held out."""
        ...


@dataclass(frozen=True)
class LossTerm:
    """One part of the loss: ``kind`` (mae, mse, bce on logits) of one output, times ``weight``."""

    kind: str
    weight: float = 1.0
    output: str = ONLY_OUTPUT

    def __post_init__(self) -> None:
        _require(self.kind in LOSSES, f"there is no loss '{self.kind}'.", ", ".join(LOSSES))


@dataclass(frozen=True)
class Recipe:
    """All that changes what a training makes of given data.

    The learning rate is multiplied by ``lr_step_factor`` after every ``lr_step_epochs`` epochs.
    ``gradient_clip`` bounds the norm of the whole gradient. ``mixed_precision`` works on CUDA
    only. ``best_by`` names a column of metrics.csv; the best weights are those of the epoch where
    it was smallest (or largest: ``best_is``). Without held-out data it must be "train_loss".
    ``momentum`` is SGD's, ``adam_epsilon`` Adam's. ``seed`` fixes dropout and the like; initial
    weights are fixed by ``build_network(seed=)``, sampling by the data's own seed. With
    ``ema_decay`` the exponential moving average of the weights (one update a step) is what is
    validated, kept as best and returned.
    """

    epochs: int
    batch_size: int
    losses: tuple[LossTerm, ...] = field(default_factory=lambda: (LossTerm("mae"),))
    learning_rate: float = 1e-3
    lr_step_epochs: int | None = None
    lr_step_factor: float = 0.5
    optimizer: str = "adam"
    adam_epsilon: float = 1e-8
    momentum: float = 0.0
    weight_decay: float = 0.0
    gradient_clip: float | None = None
    mixed_precision: bool = True
    validate_every_epochs: int = 1
    best_by: str = "val_loss"
    best_is: str = "min"
    seed: int = 0
    ema_decay: float | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "validate_every_epochs"):
            value = getattr(self, name)
            _require(value > 0, f"recipe: {name} is {value}.", "a number above 0")
        _require(bool(self.losses), "recipe: there is no loss.", "at least one")
        _require(
            self.optimizer in ("adam", "sgd"),
            f"recipe: there is no optimizer '{self.optimizer}'.",
            "adam or sgd",
        )
        _require(
            self.ema_decay is None or 0 < self.ema_decay < 1,
            f"recipe: ema_decay is {self.ema_decay}.",
            "a number between 0 and 1, or none",
        )
        _require(
            self.best_is in ("min", "max"), f"recipe: best_is is '{self.best_is}'.", "min or max"
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Recipe:
        """A recipe from plain data; ``losses`` is a list of {kind, weight, output} or one kind."""
        known = {key.name for key in fields(cls)}
        unknown = sorted(set(config) - known)
        _require(
            not unknown,
            f"recipe: unknown keys {', '.join(unknown)}.",
            ", ".join(sorted(known)),
        )
        values = dict(config)
        if "losses" in values:
            terms = values["losses"]
            terms = [{"kind": terms}] if isinstance(terms, str) else terms
            values["losses"] = tuple(LossTerm(**term) for term in terms)
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """Plain data, for hashes and records."""
        plain = asdict(self)
        plain["losses"] = [asdict(term) for term in self.losses]
        return plain

    def learning_rate_of(self, epoch: int) -> float:
        """Learning rate during ``epoch`` (from 0)."""
        if self.lr_step_epochs is None:
            return self.learning_rate
        return self.learning_rate * self.lr_step_factor ** (epoch // self.lr_step_epochs)

    def make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of those parameters that are not frozen (``requires_grad``)."""
        parameters = [p for p in model.parameters() if p.requires_grad]
        shared = {"lr": self.learning_rate, "weight_decay": self.weight_decay}
        if self.optimizer == "adam":
            return torch.optim.Adam(parameters, eps=self.adam_epsilon, **shared)
        return torch.optim.SGD(parameters, momentum=self.momentum, **shared)

    def loss(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of all terms, in float32. Raises UserError for an output not there."""
        total = torch.zeros((), device=next(iter(outputs.values())).device)
        for term in self.losses:
            if term.output not in outputs or term.output not in targets:
                raise UserError(
                    f"the loss names output '{term.output}', which is not there.",
                    expected=f"outputs {sorted(outputs)}, targets {sorted(targets)}",
                )
            output, target = outputs[term.output].float(), targets[term.output].float()
            if output.shape != target.shape:  # torch would broadcast, and train on nonsense
                raise UserError(
                    f"output '{term.output}' and its target differ in shape.",
                    expected=f"{tuple(target.shape)}, found {tuple(output.shape)}",
                )
            sample_weights = targets.get(f"{term.output}.weight")
            value = _weighted_mean(LOSSES[term.kind], output, target, sample_weights)
            total = total + term.weight * value
        return total


def named_outputs(returned: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a network returned, by name."""
    return {ONLY_OUTPUT: returned} if isinstance(returned, Tensor) else dict(returned)


def _weighted_mean(
    loss: Callable[..., Tensor], output: Tensor, target: Tensor, weights: Tensor | None
) -> Tensor:
    if weights is None:
        return loss(output, target)
    each = loss(output, target, reduction="none").reshape(len(output), -1).mean(1)
    return (each * weights.float()).mean()


def _require(holds: bool, what: str, expected: str) -> None:
    if not holds:
        raise UserError(what, expected=expected)
