"""IQNet (OJCAS 2024): the 3K-parameter network that filters imperceptible detail out of luma.

The paper prints its parts (a 5x5 convolution, a pixel-attention block of a 1x1 convolution and a
sigmoid gate, shortcuts, a luma residual) and "3K parameters, 3K MAC", but no widths. The two
configurations here are the suite's assumption; both round to the printed numbers:

====== ======================================================== ========== ======= =========
config layers (all with bias, zero padding)                     parameters MAC/px  receptive
====== ======================================================== ========== ======= =========
A      16 channels: 5x5, [1x1, pixel attention, 3x3] + skip, 1x1     3,297   3,232  7 x 7
B      32 channels: 5x5, [1x1, pixel attention] + skip, 1x1          2,977   2,880  5 x 5
====== ======================================================== ========== ======= =========

The start is an assumption too: the last convolution is zero, so that the network begins as the
identity, and the filters of the first have zero mean and a gain of 6. Brightness, a hundred times
stronger than the detail to be filtered, otherwise hides the gradient of that detail: with torch's
own start the loss stays where it was for some hundred steps, and takes about three times as many
to fall as far.

Trained in the paper by Adam, 1e-3 halved every 250 epochs, batch 128 of 64x64 crops, 2,500 epochs.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.layers import LumaNetwork, PixelAttention

CHANNELS = {"A": 16, "B": 32}
HEAD_GAIN = 6.0


class IQNet(LumaNetwork):
    """N x 1 x H x W luma in [0, 1] -> luma of the same size; the identity until it is trained.

    ``config`` is "A" (default) or "B", see the module's table. Raises UserError for another.
    """

    border: ClassVar[int] = 0

    def __init__(self, config: str = "A") -> None:
        super().__init__(config=config)
        if config not in CHANNELS:
            raise UserError(
                f"IQNet has no configuration '{config}'.", expected=" or ".join(CHANNELS)
            )
        channels = CHANNELS[config]
        self.head = nn.Conv2d(1, channels, kernel_size=5, padding=2)
        block: list[nn.Module] = [nn.Conv2d(channels, channels, kernel_size=1)]
        block.append(PixelAttention(channels))
        if config == "A":
            block.append(nn.Conv2d(channels, channels, kernel_size=3, padding=1))
        self.block = nn.Sequential(*block)
        self.tail = nn.Conv2d(channels, 1, kernel_size=1)
        with torch.no_grad():
            detail = self.head.weight - self.head.weight.mean(dim=(2, 3), keepdim=True)
            self.head.weight.copy_(HEAD_GAIN * detail)
        for parameter in (self.head.bias, self.tail.weight, self.tail.bias):
            nn.init.zeros_(parameter)

    def forward(self, luma: Tensor) -> Tensor:
        features = self.head(luma)
        return luma + self.tail(features + self.block(features))
