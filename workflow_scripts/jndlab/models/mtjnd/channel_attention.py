"""Channel attention of CBAM (Woo et al., ECCV 2018), as the LAT blocks of LASeR-JND have it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jndlab.models.keras.layers import he_normal_

REDUCTION = 8


class ChannelAttention(nn.Module):
    """A weight per channel: ``x * sigmoid(mlp(mean(x)) + mlp(max(x)))``, mean and max over pixels.

    Both go through one MLP, channels -> channels / 8 with ReLU -> channels. The paper's text names
    squeeze-and-excitation, which has no maximum; its authors' code calls this one.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def start(self) -> None:
        """He normal weights and zero biases."""
        for layer in (self.squeeze, self.excite):
            he_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        gate = self._mlp(features.mean(dim=(2, 3))) + self._mlp(features.amax(dim=(2, 3)))
        return features * torch.sigmoid(gate)[:, :, None, None]

    def _mlp(self, pooled: Tensor) -> Tensor:
        return self.excite(torch.relu(self.squeeze(pooled)))
