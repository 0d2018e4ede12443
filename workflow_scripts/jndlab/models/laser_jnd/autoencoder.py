"""The frame autoencoder of LASeR-JND: image-reconstruction backbone and JND-reconstruction nets.

One architecture serves four times: raw frame -> same frame (the backbone that end-to-end training
starts from), and raw frame -> the frame at JND-n quality, n = 1, 2, 3, fine-tuned from the first.
Neither quantiser nor entropy model, BatchNorm, skip, output activation or clipping.
"""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from jndlab.models.keras.layers import (
    LEAKY_SLOPE,
    DownConv,
    UpConv,
    WeightedLayer,
    scaled,
    weighted_layers,
)
from jndlab.models.picture_network import PictureNetwork

CHANNELS = 128
LATENT_CHANNELS = 192
RECONSTRUCTION = "reconstruction"


class LaserAutoencoder(PictureNetwork):
    """Picture -> {"reconstruction": picture}, in the scale of the input; 2,887,363 parameters."""

    paper_size: ClassVar[tuple[int, int]] = (352, 640)
    paper_scale: ClassVar[str] = "raw"
    size_step: ClassVar[int] = 16
    smallest_size: ClassVar[int] = 16

    def __init__(self, **common: Any) -> None:
        super().__init__({}, **common)
        self.encoder = encoder(self.width)
        self.decoder = decoder(self.width)
        self.start()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        return {RECONSTRUCTION: self.decoder(self.encoder(pictures))}

    def keras_layers(self) -> list[WeightedLayer]:
        return weighted_layers(self.encoder, self.decoder)


def encoder(width: float) -> nn.Sequential:
    """N x 3 x H x W -> the linear latent, N x 192 x H/16 x W/16 (at width 1)."""
    channels = scaled(CHANNELS, width)
    layers: list[nn.Module] = []
    for inputs in (3, channels, channels):
        layers += [DownConv(inputs, channels), nn.LeakyReLU(LEAKY_SLOPE)]
    return nn.Sequential(*layers, DownConv(channels, scaled(LATENT_CHANNELS, width)))


def decoder(width: float) -> nn.Sequential:
    """The latent -> N x 3 x H x W, linear; its last layer is ``decoder(...)[-1]``."""
    channels = scaled(CHANNELS, width)
    layers: list[nn.Module] = []
    for inputs in (scaled(LATENT_CHANNELS, width), channels, channels):
        layers += [UpConv(inputs, channels), nn.LeakyReLU(LEAKY_SLOPE)]
    return nn.Sequential(*layers, UpConv(channels, 3))
