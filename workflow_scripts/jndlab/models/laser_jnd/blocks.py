"""The two blocks that LASeR-JND's predictors are built of: LAT on latents, REC on pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from jndlab.models.keras.layers import (
    KERAS_MOMENTUM,
    FlattenHwc,
    batch_norm,
    conv3x3,
    dense_relu,
    scaled,
)
from jndlab.models.laser_jnd.autoencoder import LATENT_CHANNELS
from jndlab.models.layers import bias_of
from jndlab.models.mtjnd.channel_attention import ChannelAttention

# Channels of a REC block that are computed, and computed again, at a time.
CHECKPOINT_CHANNELS = 64


class LatBlock(nn.Sequential):
    """3x3 convolution, BatchNorm, ReLU, channel attention; keeps height and width."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(
            conv3x3(inputs, channels), batch_norm(channels), nn.ReLU(), ChannelAttention(channels)
        )


class RecBlock(nn.Module):
    """3x3 convolution, BatchNorm, ReLU, 2x2 max-pooling; halves height and width (floor).

    With ``checkpoint_block`` training keeps the block's input and output only and computes what is
    between again for the gradient. Each channel of the output depends on no other, so this goes
    ``CHECKPOINT_CHANNELS`` at a time: outputs, moving statistics and gradients are those of the
    plain block to float rounding, and the picture-sized tensors exist for a few channels only.
    """

    def __init__(self, inputs: int, channels: int, *, checkpoint_block: bool = False) -> None:
        super().__init__()
        self.conv = conv3x3(inputs, channels)
        self.norm = batch_norm(channels)
        self.checkpoint_block = checkpoint_block
        self._computing_again = False

    def forward(self, features: Tensor) -> Tensor:
        if self.checkpoint_block and self.training and torch.is_grad_enabled():
            return self._in_parts(features)
        return _pooled(self.norm(self.conv(features)))

    def _in_parts(self, features: Tensor) -> Tensor:
        assert self.norm.num_batches_tracked is not None
        self.norm.num_batches_tracked.add_(1)
        parts = [
            checkpoint(
                self._part,
                features,
                slice(first, first + CHECKPOINT_CHANNELS),
                use_reentrant=False,
                preserve_rng_state=False,
                context_fn=self._contexts,
            )
            for first in range(0, self.conv.out_channels, CHECKPOINT_CHANNELS)
        ]
        return torch.cat(parts, dim=1)

    def _part(self, features: Tensor, channels: slice) -> Tensor:
        conv, norm = self.conv, self.norm
        assert norm.running_mean is not None and norm.running_var is not None
        mean, variance = norm.running_mean[channels], norm.running_var[channels]
        if self._computing_again:  # the moving statistics must move once a step only
            mean, variance = mean.clone(), variance.clone()
        normalised = functional.batch_norm(
            functional.conv2d(features, conv.weight[channels], bias_of(conv)[channels], padding=1),
            mean,
            variance,
            norm.weight[channels],
            norm.bias[channels],
            training=True,
            momentum=KERAS_MOMENTUM,
            eps=norm.eps,
        )
        return _pooled(normalised)

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), self._again()

    @contextmanager
    def _again(self) -> Iterator[None]:
        self._computing_again = True
        try:
            yield
        finally:
            self._computing_again = False


def first_lat_block(width: float) -> LatBlock:
    """The LAT block on the latent, 192 -> 64 channels at width 1; no pool follows it."""
    return LatBlock(scaled(LATENT_CHANNELS, width), scaled(64, width))


def lat_trunk(width: float) -> nn.Sequential:
    """N x 64 x h x w -> LAT blocks of 128, 256, 512 -> N x ``lat_features``."""
    inputs, second, third, fourth = (scaled(n, width) for n in (64, 128, 256, 512))
    return nn.Sequential(
        LatBlock(inputs, second),
        nn.MaxPool2d(2),
        LatBlock(second, third),
        LatBlock(third, fourth),
        nn.MaxPool2d(2),
        FlattenHwc(),
    )


def lat_features(input_size: tuple[int, int], width: float) -> int:
    """Length of what ``lat_trunk`` makes of a picture of ``input_size``."""
    rows, columns = (n // 16 // 2 // 2 for n in input_size)
    return rows * columns * scaled(512, width)


def first_rec_block(width: float, checkpoint_block: bool) -> RecBlock:
    """The REC block on the picture, 3 -> 512 channels at width 1.

    It is the only one worth computing again: its tensors are as large as the picture and have the
    most channels, and its convolution, from three channels, costs little.
    """
    return RecBlock(3, scaled(512, width), checkpoint_block=checkpoint_block)


def rec_trunk(input_size: tuple[int, int], width: float) -> nn.Sequential:
    """N x 512 x H/2 x W/2 -> REC blocks of 256, 128, 64, 32 -> a dense layer of 512 (ReLU)."""
    sizes = [scaled(n, width) for n in (512, 256, 128, 64, 32)]
    blocks = [RecBlock(*pair) for pair in itertools.pairwise(sizes)]
    rows, columns = (n // 32 for n in input_size)
    dense = dense_relu(rows * columns * sizes[-1], [sizes[0]])
    return nn.Sequential(*blocks, FlattenHwc(), dense)


def _pooled(normalised: Tensor) -> Tensor:
    return functional.max_pool2d(functional.relu(normalised, inplace=True), kernel_size=2)
