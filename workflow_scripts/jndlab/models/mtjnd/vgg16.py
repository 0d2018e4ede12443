"""VGG16 without its top (Simonyan & Zisserman, 2015), layer names as in Keras."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.keras.layers import WeightedLayer, conv3x3, scaled, weighted_layers
from jndlab.models.layers import bias_of

BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
STRIDE = 32
# Keras counts the input as layer 0 and a convolution with its ReLU as one layer: 0..9 end here.
LAST_FROZEN = "block3_relu3"


class Vgg16(nn.Sequential):
    """N x 3 x H x W -> N x 512 x H/32 x W/32 (floor; at width 1); 14,714,688 parameters."""

    block5_pool: nn.MaxPool2d

    def __init__(self, width: float) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        inputs = 3
        for block, (convolutions, size) in enumerate(BLOCKS, 1):
            channels = scaled(size, width)
            for index in range(1, convolutions + 1):
                layers[f"block{block}_conv{index}"] = conv3x3(inputs, channels)
                layers[f"block{block}_relu{index}"] = nn.ReLU(inplace=True)
                inputs = channels
            layers[f"block{block}_pool"] = nn.MaxPool2d(2)
        super().__init__(layers)
        self.features_16 = self.features_32 = inputs

    def start(self) -> None:
        """A start at random, which MTJND never has: He's, as Glorot's lets the signal fade."""
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(bias_of(layer))

    def keras_layers(self) -> list[WeightedLayer]:
        """The 13 convolutions."""
        return weighted_layers(self)

    def early_layers(self) -> list[nn.Module]:
        """The layers that MTJND keeps as ImageNet made them: up to block3_conv3."""
        names = [name for name, _ in self.named_children()]
        return list(self)[: names.index(LAST_FROZEN) + 1]

    def until_last_pool(self, pictures: Tensor) -> Tensor:
        """N x 3 x H x W -> N x 512 x H/16 x W/16, the features before ``block5_pool``."""
        features = pictures
        for layer in list(self)[:-1]:
            features = layer(features)
        return features

    def pooled(self, features: Tensor) -> Tensor:
        """N x 512 x H/16 x W/16 -> N x 512 x H/32 x W/32."""
        return self.block5_pool(features)

    def load_torchvision(self, path: str | Path) -> None:
        """Take ImageNet weights from torchvision's ``vgg16-*.pth`` (state_dict of its VGG16).

        They were trained on R, G, B less ImageNet's mean: use ``colour: rgb, scale: imagenet``.
        Raises UserError when the file is missing or holds something else.
        """
        path = Path(path)
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            found = [weights[name] for name in _torchvision_names(weights)]
        except Exception as error:  # torch.load reports damage by errors of many classes
            raise _not_torchvision(path, str(error)) from error
        expected = [tensor for layer in self.keras_layers() for tensor in layer.parameters()]
        for tensor, values in zip(expected, found, strict=True):
            if tensor.shape != values.shape:
                what = f"{list(values.shape)} where {list(tensor.shape)} is expected"
                raise _not_torchvision(path, what)
        with torch.no_grad():
            for tensor, values in zip(expected, found, strict=True):
                tensor.copy_(values)


def _torchvision_names(weights: dict[str, Tensor]) -> list[str]:
    """Its convolutions' tensors: ``features.N.weight`` and ``.bias``, N rising with gaps."""
    numbers = sorted({int(n.split(".")[1]) for n in weights if n.startswith("features.")})
    if len(numbers) != sum(count for count, _ in BLOCKS):
        raise ValueError(f"{len(numbers)} layers named 'features.N'")
    return [f"features.{number}.{kind}" for number in numbers for kind in ("weight", "bias")]


def _not_torchvision(path: Path, found: str) -> UserError:
    return UserError(
        "a file does not hold torchvision's VGG16 weights for this network.",
        where=str(path),
        expected="the state_dict of torchvision.models.vgg16 (vgg16-*.pth), for width 1, found: "
        + (found.splitlines() or ["nothing"])[0][:200],
        remedy="give torchvision's file as it is, or leave it out and start at random.",
    )
