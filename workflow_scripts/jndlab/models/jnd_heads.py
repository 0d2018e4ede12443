"""The ends of the JND networks: dense layers and one number, a QP, per JND level."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from jndlab.errors import UserError
from jndlab.models.keras.layers import WeightedLayer, dense_relu, side_by_side
from jndlab.models.vmaf_curve import CURVE, CurveHeads

HEADS = ("relu", "linear_at_mean", "linear_at_median")
ORDERS = ("free", "ordered")
UNITS = ("QP", "QF")  # of labels: QPs rise from level to level, quality factors of JPEG fall


class JndHeads(nn.Module):
    """N x ``features`` -> {"jnd<level>": N} in QP, one head for each of ``levels``.

    ``hidden`` are the sizes of each head's own dense layers (ReLU). ``head``: "relu" ends in a ReLU
    as the authors' networks do, and can die (stay at 0) when it starts below zero for every input;
    "linear_at_mean" ends in none and starts as the constant ``label_means`` (mean training label of
    each level, QP); "linear_at_median" is ``label_start``'s median + deviation x a linear output
    that starts at 0 (a pair for each level, QP). ``order``: "free" (authors') lets JND2 fall below
    JND1; "ordered" makes level n the one before plus a positive step, softplus of head n, or less
    one where ``unit`` is QF. Raises UserError for other words, or starts that are missing, or not
    one per level, or not in order where they are to be ordered.
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
        label_start: Sequence[Sequence[float]] | None = None,
        unit: str = "QP",
    ) -> None:
        super().__init__()
        if head == "linear_at_mean" and label_means is not None:
            label_start = [(mean, 1.0) for mean in label_means]
        self.direction = -1 if unit == "QF" else 1
        _check_settings(levels, head, order, label_start, self.direction)
        self.levels, self.head, self.order = tuple(levels), head, order
        self.start_values = [] if head == "relu" else [value for value, _ in label_start or ()]
        self.scales = [1.0] * len(levels)
        if head != "relu":
            self.scales = [deviation or 1.0 for _, deviation in label_start or ()]
        self.hidden = nn.ModuleList(dense_relu(features, hidden) for _ in levels)
        last = hidden[-1] if hidden else features
        self.last = nn.ModuleList(nn.Linear(last, 1) for _ in levels)

    def start(self) -> None:
        """Let heads that start at a label do so; to be called after the common start."""
        for index, value in enumerate(self.start_values):
            layer = self.last[index]
            assert isinstance(layer, nn.Linear)
            nn.init.zeros_(layer.weight)
            bias = 0.0 if self.head == "linear_at_median" else value
            if self.order == "ordered" and index > 0:
                step = self.direction * (value - self.start_values[index - 1])
                bias = math.log(math.expm1(step / self.scales[index]))
            nn.init.constant_(layer.bias, bias)

    def keras_layers(self) -> list[WeightedLayer]:
        """Weighted layers as Keras lists them."""
        return side_by_side([[*pair] for pair in zip(self.hidden, self.last, strict=True)])

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = {}
        below: Tensor | None = None
        parts = zip(self.levels, self.hidden, self.last, strict=True)
        for index, (level, hidden, last) in enumerate(parts):
            value = last(hidden(features))[:, 0]
            if self.order == "ordered" and below is not None:
                step = self.scales[index] * functional.softplus(value)
                value = below + self.direction * step
            elif self.head == "relu":
                value = torch.relu(value)
            elif self.head == "linear_at_median":
                value = self.start_values[index] + self.scales[index] * value
            outputs[f"jnd{level}"] = below = value
        return outputs


def heads_of(
    features: int,
    hidden: Sequence[int],
    levels: Sequence[int],
    *,
    head: str,
    label_start: Sequence[Sequence[float]] | None = None,
    **settings: Any,
) -> JndHeads | CurveHeads:
    """The ends of a network: :class:`JndHeads`, or CurveHeads where ``head`` is "vmaf_curve"."""
    if head == CURVE:
        return CurveHeads(features, hidden, levels, label_start or [])
    return JndHeads(features, hidden, levels, head=head, label_start=label_start, **settings)


def _check_settings(
    levels: Sequence[int],
    head: str,
    order: str,
    start: Sequence[Sequence[float]] | None,
    direction: int,
) -> None:
    if not set(levels) <= {1, 2, 3}:
        raise UserError(f"there is no JND level {levels[0]}.", expected="1, 2 or 3")
    for key, value, known in [("head", head, HEADS), ("order", order, ORDERS)]:
        if value not in known:
            raise UserError(f"{key} is '{value}'.", expected=" or ".join(known))
    if head == "relu":
        return
    statistic = head.removeprefix("linear_at_")
    if start is None or len(start) != len(levels):
        found = None if start is None else [value for value, _ in start]
        raise UserError(
            f"head '{head}' has no {statistic} label for each of its levels.",
            expected=f"a list of {len(levels)}, found {found}",
            remedy=f"give the {statistic} QP of the training labels of each level.",
        )
    values = [value for value, _ in start]
    steps = [direction * (b - a) for a, b in itertools.pairwise(values)]
    if order == "ordered" and any(step <= 0 for step in steps):
        verb, sign = ("rise", "<") if direction > 0 else ("fall", ">")
        raise UserError(
            f"the {statistic} labels of ordered levels do not {verb}.",
            expected=f"JND1 {sign} JND2 {sign} JND3, found {values}",
            remedy="give them in the order of the levels, or set `order: free`.",
        )
