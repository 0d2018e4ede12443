"""IQNet (OJCAS 2024): the 3K-parameter network that filters imperceptible detail out of luma.

The paper prints its parts (a 5x5 convolution, a pixel-attention block of a 1x1 convolution and a
sigmoid gate, shortcuts, a luma residual) and "3K parameters, 3K MAC", but no widths (Fig. 6 is a
picture). The layers are 5x5, [1x1, pixel attention, 3x3] + skip, 1x1, all with bias and zero
padding. Width, and whether the block has the 3x3, are the suite's assumption; of these readings the
first two round to the printed numbers, the third is a peer's (FJNDF):

======== ========= ========== ======= =========
channels block_3x3 parameters MAC/px  receptive
======== ========= ========== ======= =========
16       yes            3,297   3,232  7 x 7
32       no             2,977   2,880  5 x 5
32       yes           12,225  12,096  7 x 7
======== ========= ========== ======= =========

The start is an assumption too: the last convolution is zero, so that the network begins as the
identity, and the filters of the first have zero mean and a gain of 6. Brightness, a hundred times
stronger than the detail to be filtered, otherwise hides the gradient of that detail: with torch's
own start the loss stays where it was for some hundred steps, and takes about three times as many
to fall as far.

No activation but the gate stands between the convolutions, so a trained network folds exactly
into a smaller one for use (``for_use``): 875 numbers and 841 MAC/px for the first reading, 1,947
and 1,881 for the second.

Trained in the paper by Adam, 1e-3 halved every 250 epochs, batch 128 of 64x64 crops, 2,500 epochs.
"""

from __future__ import annotations

import copy
from typing import ClassVar

import torch
from torch import Tensor, nn

from jndlab.models.layers import LumaNetwork, PixelAttention, bias_of

HEAD_GAIN = 6.0


class IQNet(LumaNetwork):
    """N x 1 x H x W luma in [0, 1] -> luma of the same size; the identity until it is trained.

    ``channels`` and ``block_3x3`` are a reading of Fig. 6, see the module's table.
    """

    border: ClassVar[int] = 0

    def __init__(self, channels: int = 16, block_3x3: bool = True) -> None:
        super().__init__(channels=channels, block_3x3=block_3x3)
        self.head = nn.Conv2d(1, channels, kernel_size=5, padding=2)
        block: list[nn.Module] = [nn.Conv2d(channels, channels, kernel_size=1)]
        block.append(PixelAttention(channels))
        if block_3x3:
            block.append(nn.Conv2d(channels, channels, kernel_size=3, padding=1))
        self.block = nn.Sequential(*block)
        self.tail = nn.Conv2d(channels, 1, kernel_size=1)
        with torch.no_grad():
            detail = self.head.weight - self.head.weight.mean(dim=(2, 3), keepdim=True)
            self.head.weight.copy_(HEAD_GAIN * detail)
        for parameter in (bias_of(self.head), self.tail.weight, bias_of(self.tail)):
            nn.init.zeros_(parameter)

    def forward(self, luma: Tensor) -> Tensor:
        features = self.head(luma)
        return luma + self.tail(features + self.block(features))

    def for_use(self) -> LumaNetwork:
        """The same function with its linear layers multiplied out (to float32 rounding)."""
        return FoldedIQNet(self).eval()


class FoldedIQNet(LumaNetwork):
    """A trained IQNet for use: 5x5, pixel attention, 3x3 (if any), sum; in parallel a 5x5.

    1x1 convolutions are matrices between the layers before and after them; the products are
    formed in float64. The luma residual is the 1 in the middle of the direct 5x5.
    """

    border: ClassVar[int] = 0

    def __init__(self, network: IQNet) -> None:
        super().__init__(**network.options)
        mix, *last = (layer for layer in network.block if isinstance(layer, nn.Conv2d))
        head, tail = network.head, network.tail
        self.features = _convolution(*_after(mix, head))
        self.attention = copy.deepcopy(network.block[1])
        self.tail: nn.Module
        if last:
            # A 3x3 from 16 channels to 1, written as one 3x3 per channel and their sum: at 1080p
            # on one core ONNX Runtime takes 107 ms for the one form and 26 ms for the other.
            weight, bias = _after(tail, last[0])
            total = _convolution(torch.ones_like(tail.weight), bias)
            self.tail = nn.Sequential(_depthwise(weight.transpose(0, 1)), total)
        else:
            self.tail = _convolution(tail.weight, bias_of(tail))
        direct, _ = _after(tail, head)
        direct[0, 0, 2, 2] += 1.0
        # The tail's own bias is in self.tail; here only what it makes of the head's is left.
        self.direct = _convolution(direct, _matrix(tail) @ bias_of(head).detach().double())

    def forward(self, luma: Tensor) -> Tensor:
        return self.direct(luma) + self.tail(self.attention(self.features(luma)))


def _after(outer: nn.Conv2d, inner: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of ``inner`` followed by the 1x1 convolution ``outer``."""
    matrix = _matrix(outer)
    weight = torch.einsum("oc,cikl->oikl", matrix, inner.weight.detach().double())
    return weight, matrix @ bias_of(inner).detach().double() + bias_of(outer).detach().double()


def _matrix(convolution: nn.Conv2d) -> Tensor:
    return convolution.weight.detach().double()[:, :, 0, 0]


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """Same-size convolution with the given numbers."""
    outputs, inputs, size, _ = weight.shape
    convolution = nn.utils.skip_init(nn.Conv2d, inputs, outputs, size, padding=size // 2)
    return _filled(convolution, weight, bias)


def _depthwise(weight: Tensor) -> nn.Conv2d:
    """Same-size convolution of each channel by itself; ``weight`` is channels x 1 x size x size."""
    channels, _, size, _ = weight.shape
    convolution = nn.utils.skip_init(
        nn.Conv2d, channels, channels, size, padding=size // 2, groups=channels, bias=False
    )
    return _filled(convolution, weight, None)


def _filled(convolution: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    with torch.no_grad():
        convolution.weight.copy_(weight)
        if bias is not None:
            bias_of(convolution).copy_(bias)
    return convolution
