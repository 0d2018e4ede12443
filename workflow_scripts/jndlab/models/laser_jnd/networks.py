"""The predictors of LASeR-JND (TCSVT 2024): JND levels of a frame, as QP; here one level each.

======== ====================================== =================================== ============
network  looks at                               trained                             parameters
======== ====================================== =================================== ============
Lat      latent of one JND-reconstruction net   tail                                 9,783,225
Rec      output of one JND-reconstruction net   tail                                 8,078,384
E2eLat   latent of an autoencoder               all, with the JND-quality picture   11,226,812
E2eRec   output of an autoencoder               all, with the JND-quality picture    8,078,384
MjLat    latents of all three nets, product     tails, three levels at once         26,070,091
MjRec    outputs of all three nets, product     tails, three levels at once         13,886,928
======== ====================================== =================================== ============

MjLat and MjRec are in ``laser_multi_jnd``. Parameters are counted as Keras does, at 352 x 640 and
width 1. Frozen nets must be given with ``start_from``; until then they are random. The authors'
defaults (BGR, 0..255, ReLU at the end, levels free) are ours; see PictureNetwork and JndHeads for
the other settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.jnd_heads import JndHeads, heads_of
from jndlab.models.keras.layers import (
    KERAS_MOMENTUM,
    WeightedLayer,
    batch_norm,
    freeze,
    scaled,
    start_as_keras,
    weighted_layers,
)
from jndlab.models.laser_jnd.autoencoder import (
    LATENT_CHANNELS,
    RECONSTRUCTION,
    LaserAutoencoder,
    decoder,
    encoder,
)
from jndlab.models.laser_jnd.blocks import (
    first_lat_block,
    first_rec_block,
    lat_features,
    lat_trunk,
    rec_trunk,
)
from jndlab.models.picture_network import PictureNetwork
from jndlab.models.vmaf_curve import CurveHeads


class LaserPredictor(PictureNetwork):
    """Picture -> {"jnd<level>": N} in QP.

    ``norm_momentum``: how far BatchNorm's moving statistics move in a step. At Keras's 0.01 they
    need some hundred steps before a trained network is as good in use as it was in training;
    trainings that are shorter, as demos are, should set 0.1 or more.
    """

    paper_size: ClassVar[tuple[int, int]] = (352, 640)
    paper_scale: ClassVar[str] = "raw"
    size_step: ClassVar[int] = 16
    smallest_size: ClassVar[int] = 64
    levels: tuple[int, ...]

    def __init__(
        self,
        own_options: dict[str, Any],
        *,
        head: str = "relu",
        label_start: Sequence[Sequence[float]] | None = None,
        norm_momentum: float = KERAS_MOMENTUM,
        **common: Any,
    ) -> None:
        ends = {"head": head, "label_start": label_start}
        super().__init__({**own_options, **ends, "norm_momentum": norm_momentum}, **common)
        self.ends, self.norm_momentum = ends, norm_momentum

    def start(self) -> None:
        super().start()
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = self.norm_momentum

    def start_from(self, *autoencoders: LaserAutoencoder) -> None:
        """Take the weights of trained autoencoders: of level 1, 2 and 3 for networks of three.

        End-to-end networks take the image-reconstruction backbone, but for its last layer, which
        starts at random as the authors' does. Raises UserError for a wrong number or another kind.
        """
        targets = self._backbones()
        if len(autoencoders) != len(targets):
            raise UserError(
                f"{type(self).__name__} starts from {len(targets)} autoencoders, "
                f"{len(autoencoders)} were given."
            )
        for target, source in zip(targets, autoencoders, strict=True):
            for key in ("width", "colour", "scale"):
                if source.options[key] != self.options[key]:
                    raise UserError(
                        f"{type(self).__name__} and an autoencoder to start from differ.",
                        expected=f"{key} {self.options[key]}, found {key} {source.options[key]}",
                        remedy=f"train both with the same `{key}`.",
                    )
            for part, values in zip(target, (source.encoder, source.decoder), strict=False):
                kept = {name: values.state_dict()[name] for name in part.state_dict()}
                part.load_state_dict(kept)

    def _backbones(self) -> list[tuple[nn.Module, ...]]:
        """(encoder, decoder layers) or (encoder,) of each autoencoder inside."""
        raise NotImplementedError


class Lat(LaserPredictor):
    """One level from the latent of that level's frozen JND-reconstruction net."""

    frozen: ClassVar[bool] = True

    def __init__(self, *, level: int = 1, **common: Any) -> None:
        super().__init__({"level": level}, **common)
        self.levels = (level,)
        self.encoder = encoder(self.width)
        self.norm = batch_norm(scaled(LATENT_CHANNELS, self.width))
        self.first = first_lat_block(self.width)
        self.trunk = lat_trunk(self.width)
        self.heads = lat_heads(self)
        if self.frozen:
            freeze(self.encoder)
        self.start()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        return self._from_latent(self.encoder(pictures))

    def keras_layers(self) -> list[WeightedLayer]:
        tail = weighted_layers(self.norm, self.first, self.trunk)
        return [*weighted_layers(self.encoder), *tail, *self.heads.keras_layers()]

    def _from_latent(self, latent: Tensor) -> dict[str, Tensor]:
        return self.heads(self.trunk(self.first(self.norm(latent))))

    def _backbones(self) -> list[tuple[nn.Module, ...]]:
        return [(self.encoder,)]


class E2eLat(Lat):
    """Lat trained end to end: picture -> {"jnd<level>": N, "reconstruction": picture}.

    Loss in the paper: 0.01 MSE(reconstruction against the frame at JND quality, 0..255) + 0.99
    MAE(QP). Without ``with_decoder`` (``for_use``) there is no reconstruction.
    """

    frozen: ClassVar[bool] = False

    def __init__(self, *, with_decoder: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.options["with_decoder"] = with_decoder
        self.decoder = decoder(self.width) if with_decoder else None
        if self.decoder is not None:
            start_as_keras(self.decoder)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        latent = self.encoder(pictures)
        outputs = self._from_latent(latent)
        if self.decoder is not None:
            outputs[RECONSTRUCTION] = self.decoder(latent)
        return outputs

    def for_use(self) -> E2eLat:
        """The predictor without its decoder: the graph of Lat."""
        network = E2eLat(**{**self.options, "with_decoder": False})
        weights = self.state_dict()
        network.load_state_dict({name: weights[name] for name in network.state_dict()})
        return network.train(self.training)

    def keras_layers(self) -> list[WeightedLayer]:
        encoder_layers = weighted_layers(self.encoder)
        decoder_layers = weighted_layers(self.decoder) if self.decoder is not None else []
        # The decoder's convolutions can have the shapes of the encoder's, and follow them.
        return [*encoder_layers, *decoder_layers, *super().keras_layers()[len(encoder_layers) :]]

    def _backbones(self) -> list[tuple[nn.Module, ...]]:
        if self.decoder is None:
            return super()._backbones()
        return [(self.encoder, self.decoder[:-1])]


class Rec(LaserPredictor):
    """One level from the picture that that level's frozen JND-reconstruction net makes.

    ``checkpoint_blocks``: train with a fraction of the memory (see RecBlock); changes no result.
    """

    frozen: ClassVar[bool] = True

    def __init__(self, *, level: int = 1, checkpoint_blocks: bool = False, **common: Any) -> None:
        super().__init__({"level": level, "checkpoint_blocks": checkpoint_blocks}, **common)
        self.levels = (level,)
        self.encoder, self.decoder = encoder(self.width), decoder(self.width)
        self.norm = batch_norm(3)
        self.first = first_rec_block(self.width, checkpoint_blocks)
        self.trunk = rec_trunk(self.input_size, self.width)
        self.heads = rec_heads(self)
        if self.frozen:
            freeze(self.encoder, self.decoder)
        self.start()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        return self._from_picture(self.decoder(self.encoder(pictures)))

    def keras_layers(self) -> list[WeightedLayer]:
        parts = (self.encoder, self.decoder, self.norm, self.first, self.trunk)
        return [*weighted_layers(*parts), *self.heads.keras_layers()]

    def _from_picture(self, reconstruction: Tensor) -> dict[str, Tensor]:
        return self.heads(self.trunk(self.first(self.norm(reconstruction))))

    def _backbones(self) -> list[tuple[nn.Module, ...]]:
        return [(self.encoder, self.decoder)]


class E2eRec(Rec):
    """Rec trained end to end: picture -> {"jnd<level>": N, "reconstruction": picture}.

    Loss as E2eLat's; the QP's loss goes through the reconstructed picture as well.
    """

    frozen: ClassVar[bool] = False

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        reconstruction = self.decoder(self.encoder(pictures))
        return {**self._from_picture(reconstruction), RECONSTRUCTION: reconstruction}

    def _backbones(self) -> list[tuple[nn.Module, ...]]:
        return [(self.encoder, self.decoder[:-1])]


def lat_heads(network: LaserPredictor, **settings: Any) -> JndHeads | CurveHeads:
    """The ends of a network on latents: dense 256, 128 and 1 for each level."""
    hidden = [scaled(n, network.width) for n in (256, 128)]
    features = lat_features(network.input_size, network.width)
    settings |= network.ends
    return heads_of(features, hidden, network.levels, unit=network.unit, **settings)


def rec_heads(network: LaserPredictor, **settings: Any) -> JndHeads | CurveHeads:
    """The ends of a network on pictures: dense 1 for each level."""
    settings |= network.ends
    return heads_of(scaled(512, network.width), (), network.levels, unit=network.unit, **settings)
