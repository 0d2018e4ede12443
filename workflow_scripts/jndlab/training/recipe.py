"""Inputs of a training: the recipe (all that changes its result) and the form of its data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from jndlab.configuration import AS_WRITTEN, Count, Natural, NonNegative, Positive, Real
from jndlab.errors import UserError

ONLY_OUTPUT = "output"

LOSSES: dict[str, Callable[..., Tensor]] = {
    "mae": functional.l1_loss,
    "mse": functional.mse_loss,
    "bce": functional.binary_cross_entropy_with_logits,
}


CLOSED = ConfigDict(extra="forbid")
WARM_UP, WARM_UP_FROM = 0.3, 1 / 25  # of a one-cycle schedule: share of the steps, of the rate


class Batch(NamedTuple):
    """``inputs`` are the network's arguments; ``targets`` one tensor for each output with a loss.

    A network that returns one tensor has one output, called "output". A target "<output>.weight"
    (one number for each sample) multiplies the samples' losses before their mean is taken. All
    tensors are on the CPU, samples along the first axis.
    """

    inputs: tuple[Tensor, ...]
    targets: dict[str, Tensor]


class TrainingData(Protocol):
    """Training data of the loop. Batches have numbers, so that a resumed run sees the same ones."""

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


@dataclass(frozen=True, config=CLOSED)
class LossTerm:
    """One part of the loss: ``kind`` (mae, mse, bce on logits) of one output, times ``weight``."""

    kind: Literal["mae", "mse", "bce"]
    weight: Real = 1.0
    output: str = ONLY_OUTPUT


@dataclass(frozen=True, config=CLOSED)
class Recipe:
    """All that changes what a training makes of given data.

    The learning rate is multiplied by ``lr_step_factor`` after every ``lr_step_epochs`` epochs, and
    follows ``schedule``, step by step: "cosine" falls from it to 0 over all epochs, "one_cycle"
    rises from a 25th of it over the first 30 % and then falls to 0 (Smith & Topin 2019, with
    cosines for lines).
    ``gradient_clip`` bounds the norm of the whole gradient. ``mixed_precision`` works on CUDA
    only. ``best_by`` names a column of metrics.csv; the best weights are those of the epoch where
    it was smallest (or largest: ``best_is``). Without held-out data it must be "train_loss".
    ``momentum`` is SGD's, ``adam_epsilon`` Adam's; without ``decay_biases`` only tensors of two
    and more axes decay (filters, matrices). ``seed`` fixes dropout and the like; initial
    weights are fixed by ``build_network(seed=)``, sampling by the data's own seed. With
    ``ema_decay`` the exponential moving average of the weights (one update a step) is what is
    validated, kept as best and returned. A value out of range raises pydantic's ValidationError.
    """

    epochs: Count
    batch_size: Count
    losses: Annotated[tuple[LossTerm, ...], Field(min_length=1)] = (LossTerm("mae"),)
    learning_rate: Positive = 1e-3
    lr_step_epochs: Count | None = None
    lr_step_factor: Positive = 0.5
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    adam_epsilon: Positive = 1e-8
    momentum: NonNegative = 0.0
    weight_decay: NonNegative = 0.0
    decay_biases: bool = True
    gradient_clip: Positive | None = None
    mixed_precision: bool = True
    validate_every_epochs: Count = 1
    best_by: str = "val_loss"
    best_is: Literal["min", "max"] = "min"
    seed: Natural = 0
    ema_decay: Annotated[float, Field(gt=0, lt=1), AS_WRITTEN] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain data, for hashes and records."""
        plain = asdict(self)
        plain["losses"] = [asdict(term) for term in self.losses]
        return plain

    def learning_rate_of(self, epoch: float) -> float:
        """Learning rate at ``epoch`` (from 0; a step inside an epoch is a fraction of it)."""
        rate = self.learning_rate
        if self.lr_step_epochs is not None:
            rate *= self.lr_step_factor ** (epoch // self.lr_step_epochs)
        done = epoch / self.epochs
        if self.schedule == "cosine":
            return rate * _falling(done)
        if self.schedule == "one_cycle" and done < WARM_UP:
            return rate * (1 - (1 - WARM_UP_FROM) * _falling(done / WARM_UP))
        if self.schedule == "one_cycle":
            return rate * _falling((done - WARM_UP) / (1 - WARM_UP))
        return rate

    def make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of those parameters that are not frozen (``requires_grad``)."""
        trained = [p for p in model.parameters() if p.requires_grad]
        decaying = [p for p in trained if self.decay_biases or p.ndim > 1]
        others = [p for p in trained if not (self.decay_biases or p.ndim > 1)]
        parameters: list[dict[str, Any]] = [{"params": decaying}]
        if others:
            parameters.append({"params": others, "weight_decay": 0.0})
        shared: dict[str, Any] = {"lr": self.learning_rate, "weight_decay": self.weight_decay}
        if self.optimizer != "sgd":
            kind = torch.optim.Adam if self.optimizer == "adam" else torch.optim.AdamW
            return kind(parameters, eps=self.adam_epsilon, **shared)
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


def _falling(done: float) -> float:
    """Half a cosine from 1 to 0."""
    return (1 + math.cos(math.pi * done)) / 2


def named_outputs(returned: Tensor | Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Outputs of a network, by name."""
    return {ONLY_OUTPUT: returned} if isinstance(returned, Tensor) else dict(returned)


def _weighted_mean(
    loss: Callable[..., Tensor], output: Tensor, target: Tensor, weights: Tensor | None
) -> Tensor:
    if weights is None:
        return loss(output, target)
    each = loss(output, target, reduction="none").reshape(len(output), -1).mean(1)
    return (each * weights.float()).mean()
