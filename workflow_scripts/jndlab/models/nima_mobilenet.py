"""NIMA with MobileNet: distribution of the scores 1 to 10 that people would give a picture.

Talebi & Milanfar, IEEE TIP 2018, on MobileNet v1 (Howard et al., 2017; width 1), as trained on AVA
by idealo (github idealo/image-quality-assessment, Apache-2.0), whose Keras weights it takes.
"""

from __future__ import annotations

from torch import Tensor, nn

from jndlab.models.keras.layers import WeightedLayer, batch_norm, weighted_layers

# Output channels and stride of the 13 blocks of a depthwise and a pointwise convolution.
BLOCKS = [
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    *[(512, 1)] * 5, (1024, 2), (1024, 1),
]  # fmt: skip
SCORES = 10


class NimaMobilenet(nn.Module):
    """N x 3 x H x W of RGB in [-1, 1] -> N x 10, shares of the scores 1..10; 3,239,114 parameters.

    Trained on pictures of 224x224; any size from 32x32 gives a result.
    """

    def __init__(self) -> None:
        super().__init__()
        layers, inputs = _convolution(3, 32, stride=2), 32
        for channels, stride in BLOCKS:
            layers += _convolution(inputs, inputs, stride=stride, groups=inputs)
            layers += _convolution(inputs, channels, kernel_size=1)
            inputs = channels
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, SCORES)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.features(pictures).mean(dim=(2, 3))).softmax(dim=1)

    def keras_layers(self) -> list[WeightedLayer]:
        """Layers with weights in the order in which the Keras model lists them."""
        return weighted_layers(self.features, self.head)


def _convolution(
    inputs: int, channels: int, kernel_size: int = 3, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """A convolution with what follows; a stride of 2 pads right and below alone, as Keras does."""
    before: list[nn.Module] = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
    padding = kernel_size // 2 if stride == 1 else 0
    convolution = nn.Conv2d(
        inputs, channels, kernel_size, stride, padding, groups=groups, bias=False
    )
    return [*before, convolution, batch_norm(channels), nn.ReLU6()]
