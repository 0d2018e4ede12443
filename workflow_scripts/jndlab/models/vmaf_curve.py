"""Heads that learn a frame's whole curve of VMAF over QP, of which the JND levels are three points.

Of this suite: no paper has them. Labels by steps of VMAF (``quality.vmaf_steps``) are read off a
curve that was measured at every QP; a network that learns the curve is shown all of it. The curve
is learned as the QP at each of ``FALLS``, in QP like the labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.keras.layers import WeightedLayer, dense_relu, weighted_layers

CURVE = "vmaf_curve"  # the head's name, and that of its output
QPS = np.arange(1, 52)  # at which VMAF is measured
FALLS = np.arange(1, 17) / 4  # below the source's own score, in steps of the labels
WHOLE = 0.5  # labels are the first whole QP at or after the crossing: half a QP later on average


class CurveHeads(nn.Module):
    """N x ``features`` -> {"jnd<level>": N in QP for each of ``levels``, "vmaf_curve": N x 16}.

    ``hidden`` are the sizes of dense layers (ReLU) before the last, which gives the QP at each of
    ``FALLS``: ``start`` has their median and deviation over the training frames, and an output is
    median + deviation x a linear one that starts at 0. Raises UserError for other numbers of them.
    """

    def __init__(
        self,
        features: int,
        hidden: Sequence[int],
        levels: Sequence[int],
        start: Sequence[Sequence[float]],
    ) -> None:
        super().__init__()
        if [len(row) for row in start] != [len(FALLS)] * 2:
            raise UserError(
                f"head '{CURVE}' has no start.",
                expected=f"median and deviation of the QP at each of {len(FALLS)} falls of VMAF",
            )
        self.levels = tuple(levels)
        self.hidden = dense_relu(features, hidden)
        self.last = nn.Linear(hidden[-1] if hidden else features, len(FALLS))
        self.places = [int(np.flatnonzero(level == FALLS)[0]) for level in levels]
        for name, row in zip(("median", "deviation"), start, strict=True):
            self.register_buffer(name, torch.tensor(row), persistent=False)
        self.median: Tensor
        self.deviation: Tensor

    def start(self) -> None:
        """Start at the median curve; to be called after the common start."""
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def keras_layers(self) -> list[WeightedLayer]:
        """Weighted layers in order; no Keras file has them."""
        return weighted_layers(self)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        curve = self.median + self.deviation * self.last(self.hidden(features))
        places = zip(self.levels, self.places, strict=True)
        return {f"jnd{level}": curve[:, place] + WHOLE for level, place in places} | {CURVE: curve}


def qps_at_falls(curves: Sequence[Sequence[float]]) -> np.ndarray:
    """Falls of VMAF at QP 1 to 51, in steps, N x 51 -> the QP at each of ``FALLS``, N x 16 float32.

    By straight lines between QPs, 1 and 51 where a fall is reached before or not at all; where a
    curve goes up and down the last crossing counts, as in ``vmaf_steps.step_levels``.
    """
    lasting = np.minimum.accumulate(np.asarray(curves, float)[:, ::-1], axis=1)[:, ::-1]
    rows = [np.interp(FALLS, row, QPS) for row in lasting]
    return np.array(rows, np.float32).reshape(-1, len(FALLS))
