"""The multi-task predictors of LASeR-JND (TCSVT 2024): three JND levels of a frame at once."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from jndlab.models.keras.layers import (
    WeightedLayer,
    batch_norm,
    freeze,
    scaled,
    side_by_side,
    weighted_layers,
)
from jndlab.models.laser_jnd.autoencoder import LATENT_CHANNELS, decoder, encoder
from jndlab.models.laser_jnd.blocks import first_lat_block, first_rec_block, lat_trunk, rec_trunk
from jndlab.models.laser_jnd.networks import LaserPredictor, lat_heads, rec_heads

LEVELS = (1, 2, 3)


class MjLat(LaserPredictor):
    """All levels from the product of three branches, one on each frozen net's latent."""

    def __init__(self, *, order: str = "free", **common: Any) -> None:
        super().__init__({"order": order}, **common)
        self.levels = LEVELS
        latent = scaled(LATENT_CHANNELS, self.width)
        self.encoders = nn.ModuleList(encoder(self.width) for _ in LEVELS)
        self.norms = nn.ModuleList(batch_norm(latent) for _ in LEVELS)
        self.firsts = nn.ModuleList(first_lat_block(self.width) for _ in LEVELS)
        self.trunk = lat_trunk(self.width)
        self.heads = lat_heads(self, order=order)
        freeze(self.encoders)
        self.start()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        branches = zip(self.encoders, self.norms, self.firsts, strict=True)
        one, two, three = (first(norm(encode(pictures))) for encode, norm, first in branches)
        return self.heads(self.trunk(one * two * three))

    def keras_layers(self) -> list[WeightedLayer]:
        branches = side_by_side(zip(self.encoders, self.norms, self.firsts, strict=True))
        return [*branches, *weighted_layers(self.trunk), *self.heads.keras_layers()]

    def _backbones(self) -> list[tuple[nn.Module, ...]]:
        return [(part,) for part in self.encoders]


class MjRec(LaserPredictor):
    """All levels from the product of three branches, one on each frozen net's picture.

    ``checkpoint_blocks``: train with a fraction of the memory (see RecBlock); changes no result.
    """

    def __init__(
        self, *, order: str = "free", checkpoint_blocks: bool = False, **common: Any
    ) -> None:
        super().__init__({"order": order, "checkpoint_blocks": checkpoint_blocks}, **common)
        self.levels = LEVELS
        self.encoders = nn.ModuleList(encoder(self.width) for _ in LEVELS)
        self.decoders = nn.ModuleList(decoder(self.width) for _ in LEVELS)
        self.norms = nn.ModuleList(batch_norm(3) for _ in LEVELS)
        self.firsts = nn.ModuleList(first_rec_block(self.width, checkpoint_blocks) for _ in LEVELS)
        self.trunk = rec_trunk(self.input_size, self.width)
        self.heads = rec_heads(self, order=order)
        freeze(self.encoders, self.decoders)
        self.start()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        branches = zip(self.encoders, self.decoders, self.norms, self.firsts, strict=True)
        one, two, three = (
            first(norm(decode(encode(pictures)))) for encode, decode, norm, first in branches
        )
        return self.heads(self.trunk(one * two * three))

    def keras_layers(self) -> list[WeightedLayer]:
        parts = (self.encoders, self.decoders, self.norms, self.firsts)
        branches = side_by_side(zip(*parts, strict=True))
        return [*branches, *weighted_layers(self.trunk), *self.heads.keras_layers()]

    def _backbones(self) -> list[tuple[nn.Module, ...]]:
        return list(zip(self.encoders, self.decoders, strict=True))
