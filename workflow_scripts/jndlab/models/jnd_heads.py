"""The ends of the JND networks: dense layers and one number, a QP, per JND level."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from jndlab.errors import UserError
from jndlab.models.keras.layers import WeightedLayer, dense_relu, side_by_side

HEADS = ("relu", "linear_at_mean")
ORDERS = ("free", "ordered")


class JndHeads(nn.Module):
    """N x ``features`` -> {"jnd<level>": N} in QP, one head for each of ``levels``.

    ``hidden`` are the sizes of each head's own dense layers (ReLU). ``head``: "relu" ends in a ReLU
    as the authors' networks do, and can die (stay at 0) when it starts below zero for every input;
    "linear_at_mean" ends in none and starts as the constant ``label_means`` (mean training label of
    each level, QP). ``order``: "free" (authors') lets JND2 fall below JND1; "ordered" makes level n
    the one before plus a positive step, softplus of head n. Raises UserError for other words, or
    means that are missing, or not one per level, or not rising where they are to be ordered.
    """

    def __init__(
        self,
        features: int,
        hidden: Sequence[int],
        levels: Sequence[int],
        *,
        head: str = "relu",
        order: str = "free",
        label_means: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        _check_settings(levels, head, order, label_means)
        self.levels, self.head, self.order = tuple(levels), head, order
        self.label_means = label_means
        self.hidden = nn.ModuleList(dense_relu(features, hidden) for _ in levels)
        last = hidden[-1] if hidden else features
        self.last = nn.ModuleList(nn.Linear(last, 1) for _ in levels)

    def start(self) -> None:
        """Let heads that start at the label mean do so; to be called after the common start."""
        if self.head != "linear_at_mean":
            return
        means = self.label_means
        assert means is not None  # see _check_settings
        for index, layer in enumerate(self.last):
            assert isinstance(layer, nn.Linear)
            nn.init.zeros_(layer.weight)
            value = float(means[index])
            if self.order == "ordered" and index > 0:
                step = value - means[index - 1]
                value = math.log(math.expm1(step))
            nn.init.constant_(layer.bias, value)

    def keras_layers(self) -> list[WeightedLayer]:
        """Weighted layers as Keras lists them."""
        return side_by_side([[*pair] for pair in zip(self.hidden, self.last, strict=True)])

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = {}
        below: Tensor | None = None
        for level, hidden, last in zip(self.levels, self.hidden, self.last, strict=True):
            value = last(hidden(features))[:, 0]
            if self.order == "ordered" and below is not None:
                value = below + functional.softplus(value)
            elif self.head == "relu":
                value = torch.relu(value)
            outputs[f"jnd{level}"] = below = value
        return outputs


def _check_settings(
    levels: Sequence[int], head: str, order: str, means: Sequence[float] | None
) -> None:
    if not set(levels) <= {1, 2, 3}:
        raise UserError(f"there is no JND level {levels[0]}.", expected="1, 2 or 3")
    for key, value, known in [("head", head, HEADS), ("order", order, ORDERS)]:
        if value not in known:
            raise UserError(f"{key} is '{value}'.", expected=" or ".join(known))
    if head != "linear_at_mean":
        return
    if means is None or len(means) != len(levels):
        raise UserError(
            "head 'linear_at_mean' has no mean label for each of its levels.",
            expected=f"label_means: a list of {len(levels)}, found {means}",
            remedy="give the mean QP of the training labels of each level.",
        )
    if order == "ordered" and any(b <= a for a, b in itertools.pairwise(means)):
        raise UserError(
            "the mean labels of ordered levels do not rise.",
            expected=f"JND1 < JND2 < JND3, found {list(means)}",
            remedy="give them in the order of the levels, or set `order: free`.",
        )
