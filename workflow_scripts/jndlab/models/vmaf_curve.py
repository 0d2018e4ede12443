"""Heads that learn how far VMAF falls at every QP, and read the JND levels off that curve.

Of this suite: no paper has them. Labels by steps of VMAF (``quality.vmaf_steps``) are three points
of a curve that was measured at every QP; a network that learns the curve is shown all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from jndlab.errors import UserError
from jndlab.models.keras.layers import WeightedLayer, dense_relu, weighted_layers

CURVE = "vmaf_curve"  # the head's name, and that of its output
QPS = 51  # the curve is of QP 1 to 51
WHOLE = 0.5  # labels are the first whole QP at or after the crossing: half a QP later on average
BEND = 4.0  # steps: differences far below JND3 count little
SMALLEST_FALL = 1e-3  # steps a QP, where a head starts
_AT_ONE = math.log(math.expm1(1.0))  # softplus of it is 1


class CurveHeads(nn.Module):
    """N x ``features`` -> {"jnd<level>": N in QP for each of ``levels``, "vmaf_curve": N x 51}.

    ``hidden`` are the sizes of dense layers (ReLU) before the last, which gives the fall of VMAF
    from each QP to the next, positive as a softplus, so that the curve never rises with QP.
    ``start`` is the curve that every input has at first: how far VMAF lies below the source's own
    at QP 1 to 51, in steps of the labels. The output "vmaf_curve" is :func:`bent`. Raises
    UserError for another number of values.
    """

    def __init__(
        self, features: int, hidden: Sequence[int], levels: Sequence[int], start: Sequence[float]
    ) -> None:
        super().__init__()
        if len(start) != QPS:
            raise UserError(
                f"head '{CURVE}' starts at a curve of {len(start)} values.",
                expected=f"the fall of VMAF at QP 1 to {QPS}, in steps",
            )
        self.levels = tuple(levels)
        self.hidden = dense_relu(features, hidden)
        self.last = nn.Linear(hidden[-1] if hidden else features, QPS)
        falls = torch.tensor(start).diff(prepend=torch.zeros(1)).clamp(min=SMALLEST_FALL)
        self.register_buffer("falls", falls, persistent=False)
        self.falls: Tensor

    def start(self) -> None:
        """Start at the curve; to be called after the common start."""
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def keras_layers(self) -> list[WeightedLayer]:
        """Weighted layers in order; no Keras file has them."""
        return weighted_layers(self)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        falls = self.falls * functional.softplus(self.last(self.hidden(features)) + _AT_ONE)
        curve = falls.cumsum(1)
        outputs = {f"jnd{level}": crossing(curve, level) for level in self.levels}
        return {**outputs, CURVE: bent(curve)}


def crossing(curve: Tensor, level: float) -> Tensor:
    """N x 51 rising curves -> N: the QP, between whole ones, where a curve reaches ``level``.

    By straight lines between QPs; 1 and 51 where it is reached before and not at all; half a QP is
    added, as labels are whole.
    """
    below, above = curve[:, :-1], curve[:, 1:]
    return 1 + WHOLE + ((level - below) / (above - below)).clamp(0, 1).sum(1)


def bent(curve: Tensor) -> Tensor:
    """Falls in steps -> what is learned: nearly equal for small ones, never above ``BEND``."""
    return BEND * (1 - torch.exp(-curve / BEND))
