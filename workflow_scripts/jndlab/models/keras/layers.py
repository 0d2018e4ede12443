"""Layers that count, pad, start and flatten as Keras does, so that its weights mean the same here.

Where torch differs: a 5x5 convolution of stride 2 with ``same`` padding pads an even picture by 1
before and 2 after, and the transposed one is cropped by 1 before and 2 after (padding of 2 on both
sides is shifted by a pixel); BatchNorm has epsilon 1e-3 and moves by 0.01; weights start Glorot
uniform, biases at 0; features are flattened height first and channels last.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

WeightedLayer = nn.Conv2d | nn.ConvTranspose2d | nn.Linear | nn.BatchNorm2d
LEAKY_SLOPE = 0.05
KERAS_MOMENTUM = 0.01
# Standard deviation of a standard normal variable cut off at +-2.
_TRUNCATED_DEVIATION = 0.87962566103423978


class DownConv(nn.Conv2d):
    """5x5 convolution of stride 2: N x C x 2H x 2W -> N x channels x H x W."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(inputs, channels, kernel_size=5, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(functional.pad(features, (1, 2, 1, 2)))


class UpConv(nn.ConvTranspose2d):
    """5x5 transposed convolution of stride 2: N x C x H x W -> N x channels x 2H x 2W."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(inputs, channels, kernel_size=5, stride=2, padding=1)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return super().forward(input, output_size)[..., :-1, :-1]


class FlattenHwc(nn.Module):
    """N x C x H x W -> N x (H * W * C), channels running fastest."""

    def forward(self, features: Tensor) -> Tensor:
        return features.permute(0, 2, 3, 1).flatten(1)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """BatchNorm with the settings of Keras (momentum 0.99 in its terms)."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=KERAS_MOMENTUM)


def conv3x3(inputs: int, channels: int) -> nn.Conv2d:
    """3x3 convolution of stride 1 that keeps the size."""
    return nn.Conv2d(inputs, channels, kernel_size=3, padding=1)


def dense_relu(features: int, sizes: Sequence[int]) -> nn.Sequential:
    """Dense layers of the given sizes, each with ReLU; without sizes the identity."""
    layers: list[nn.Module] = []
    for size in sizes:
        layers += [nn.Linear(features, size), nn.ReLU()]
        features = size
    return nn.Sequential(*layers)


def scaled(size: int, width: float) -> int:
    """Number of channels or units of a layer of a network made narrower by ``width``."""
    return max(1, round(size * width))


def start_as_keras(network: nn.Module) -> None:
    """Glorot uniform weights and zero biases in every convolution and dense layer."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def he_normal_(weight: Tensor) -> None:
    """He et al.'s normal start as Keras draws it: cut off at two of its standard deviations."""
    fan_in = weight[0].numel()
    deviation = math.sqrt(2.0 / fan_in) / _TRUNCATED_DEVIATION
    # By the inverse distribution: torch's own looks at the values, which meta tensors have not.
    inside = math.erf(2 / math.sqrt(2))
    with torch.no_grad():
        weight.uniform_(-inside, inside).erfinv_().mul_(math.sqrt(2) * deviation)


def freeze(*modules: nn.Module) -> None:
    """Take the modules' parameters out of training."""
    for module in modules:
        for parameter in module.parameters():
            parameter.requires_grad_(False)


def weighted_layers(*modules: nn.Module) -> list[WeightedLayer]:
    """The layers with weights inside ``modules``, in the order in which they were registered."""
    return [
        layer for part in modules for layer in part.modules() if isinstance(layer, WeightedLayer)
    ]


def side_by_side(branches: Iterable[nn.Module | Sequence[nn.Module]]) -> list[WeightedLayer]:
    """The weighted layers of equal branches as Keras lists them: by depth, then by branch."""
    chains = [
        weighted_layers(*([branch] if isinstance(branch, nn.Module) else branch))
        for branch in branches
    ]
    return [layer for depth in zip(*chains, strict=True) for layer in depth]


def keras_parameter_count(network: nn.Module) -> int:
    """What Keras prints as total parameters: it counts BatchNorm's moving statistics as well."""
    moving = [b for name, b in network.named_buffers() if name.endswith(("_mean", "_var"))]
    return sum(tensor.numel() for tensor in [*network.parameters(), *moving])


def trainable_parameter_count(network: nn.Module) -> int:
    """How many numbers training may change."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def multiply_accumulates(network: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Multiply-accumulate operations of convolutions and dense layers in one forward pass.

    Works on the ``meta`` device, where nothing is computed.
    """
    from torch.utils.flop_counter import FlopCounterMode

    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(*inputs)
    return counter.get_total_flops() // 2
