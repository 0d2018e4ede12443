"""CNN-JNQD (Ki et al., TIP 2018): the 38K-parameter prefilter that IQNet is compared with.

Three 3x3 convolutions 1-64-64-1 with ReLU between, no padding, no skip: the output is the filtered
luma itself, 3 pixels smaller on every side, which an edge-replicated border makes up at use. One
network per QP. Trained by its authors with SGD 1e-2, batch 128 of 14x14 inputs and 8x8 targets, all
eight flips and rotations, squared error, 300 epochs, weights started as 0.01 * normal.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from jndlab.models.layers import LumaNetwork, bias_of

CHANNELS = 64
INITIAL_DEVIATION = 0.01


class CnnJnqd(LumaNetwork):
    """N x 1 x H x W luma in [0, 1] -> N x 1 x (H-6) x (W-6); 38,145 parameters."""

    border: ClassVar[int] = 3

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, CHANNELS, kernel_size=3),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, kernel_size=3),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, 1, kernel_size=3),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=INITIAL_DEVIATION)
                nn.init.zeros_(bias_of(layer))

    def forward(self, luma: Tensor) -> Tensor:
        return self.layers(luma)
