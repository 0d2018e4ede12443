"""Layers that several networks share, and what every luma-to-luma filter network has in common."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional


def bias_of(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> Tensor:
    """The bias of a layer that was made with one."""
    assert layer.bias is not None
    return layer.bias


class PixelAttention(nn.Module):
    """A gate per pixel and channel, ``x * sigmoid(conv1x1(x))`` (Zhao et al., PAN, 2020)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        return features * torch.sigmoid(self.gate(features))


class LumaNetwork(nn.Module):
    """A network that filters luma: N x 1 x H x W in [0, 1] in, the same without a border out.

    ``forward`` is what is trained: unclipped, and ``border`` pixels smaller on every side.
    ``at_use`` is what a prefilter needs: the size of its input, clipped to [0, 1].
    ``options`` are the constructor's arguments, kept so that a model file can build the network.
    """

    border: ClassVar[int] = 0

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.options = options

    def at_use(self, luma: Tensor) -> Tensor:
        """Filter pictures of any size; what ``forward`` would cut off is made up by edge pixels."""
        if self.border:
            luma = functional.pad(luma, (self.border,) * 4, mode="replicate")
        return self(luma).clamp(0.0, 1.0)

    def for_use(self) -> LumaNetwork:
        """A network of the same function that runs faster and need not be trained; here itself."""
        return self


class AtUse(nn.Module):
    """A luma network as it is used (``at_use``), in the form that exporters trace."""

    def __init__(self, network: LumaNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, luma: Tensor) -> Tensor:
        return self.network.at_use(luma)
