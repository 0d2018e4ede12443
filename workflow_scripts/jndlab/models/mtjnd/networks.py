"""MTJND (ICIP 2023): VGG16 with heads for one or three JND levels, and for visual attention.

=========== ===================================== =============================== =============
network     outputs                               authors' code                   parameters
=========== ===================================== =============================== =============
Mt3Jnd      jnd1, jnd2, jnd3                      whole                           62,000,451
Mt1JndVa    jnd<level>, attention                 without attention               30,476,609
Mt3JndVa    jnd1, jnd2, jnd3, attention           not published                   62,000,451
=========== ===================================== =============================== =============

Parameters at 270 x 480 and width 1, without the attention tail. **The attention tail is this
suite's own design**: the paper states only that attention is learned jointly, and the published
weights come without it. Here block5's last features (16 x 30 at the paper's size) go through a 3x3
convolution of 128 channels with ReLU and a 1x1 convolution to one number per cell, the logit of the
mean saliency in that cell, trained with binary cross-entropy. It is trained along and left out at
use (``for_use``), where the networks are those of the authors.

Convolutions up to block3_conv3 stay as they were before training, as ImageNet made them: put its
weights in with ``network.backbone.load_torchvision(file)`` or ``keras_weights.load_keras(file,
network.backbone)``. Where there are none, ``freeze_early: false`` trains those convolutions too.
The authors' defaults (BGR in 0..1 without ImageNet's mean, ReLU at the end, levels free) are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from jndlab.models.jnd_heads import JndHeads
from jndlab.models.keras.layers import FlattenHwc, WeightedLayer, conv3x3, freeze, scaled
from jndlab.models.mtjnd.vgg16 import STRIDE, Vgg16
from jndlab.models.picture_network import PictureNetwork

ATTENTION = "attention"
ATTENTION_CHANNELS = 128
LEVELS = (1, 2, 3)


class MtJnd(PictureNetwork):
    """Picture -> {"jnd<level>": N in QP} and, with the tail, {"attention": N x h x w logits}."""

    paper_size: ClassVar[tuple[int, int]] = (270, 480)
    paper_scale: ClassVar[str] = "unit"
    smallest_size: ClassVar[int] = STRIDE

    def __init__(
        self,
        own_options: dict[str, Any],
        levels: tuple[int, ...],
        *,
        head: str,
        order: str,
        label_start: Sequence[Sequence[float]] | None,
        with_attention: bool,
        freeze_early: bool = True,
        **common: Any,
    ) -> None:
        own_options |= {"head": head, "label_start": label_start, "freeze_early": freeze_early}
        super().__init__(own_options, **common)
        self.levels = levels
        self.backbone = Vgg16(self.width)
        self.flatten = FlattenHwc()
        features = scaled(512, self.width)
        rows, columns = (n // STRIDE for n in self.input_size)
        hidden = [scaled(n, self.width) for n in (256, 128)]
        self.heads = JndHeads(
            rows * columns * features,
            hidden,
            levels,
            head=head,
            order=order,
            label_start=label_start,
            unit=self.unit,
        )
        self.attention = AttentionTail(features, self.width) if with_attention else None
        if freeze_early:
            freeze(*self.backbone.early_layers())
        self.start()

    def start(self) -> None:
        super().start()
        self.backbone.start()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        features = self.backbone.until_last_pool(pictures)
        outputs = self.heads(self.flatten(self.backbone.block5_pool(features)))
        if self.attention is not None:
            outputs[ATTENTION] = self.attention(features)
        return outputs

    def keras_layers(self) -> list[WeightedLayer]:
        return [*self.backbone.keras_layers(), *self.heads.keras_layers()]


class Mt3Jnd(MtJnd):
    """Three JND levels."""

    def __init__(
        self,
        *,
        head: str = "relu",
        order: str = "free",
        label_start: Sequence[Sequence[float]] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(
            {"order": order},
            LEVELS,
            head=head,
            order=order,
            label_start=label_start,
            with_attention=False,
            **common,
        )


class _WithAttention(MtJnd):
    def for_use(self) -> MtJnd:
        """The network without its attention tail: the graph of the authors' code."""
        network = type(self)(**{**self.options, "with_attention": False})
        weights = self.state_dict()
        network.load_state_dict({name: weights[name] for name in network.state_dict()})
        return network.train(self.training)


class Mt1JndVa(_WithAttention):
    """One JND level and, in training, visual attention."""

    def __init__(
        self,
        *,
        level: int = 1,
        head: str = "relu",
        label_start: Sequence[Sequence[float]] | None = None,
        with_attention: bool = True,
        **common: Any,
    ) -> None:
        own_options = {"level": level, "with_attention": with_attention}
        super().__init__(
            own_options,
            (level,),
            head=head,
            order="free",
            label_start=label_start,
            with_attention=with_attention,
            **common,
        )


class Mt3JndVa(_WithAttention):
    """Three JND levels and, in training, visual attention."""

    def __init__(
        self,
        *,
        head: str = "relu",
        order: str = "free",
        label_start: Sequence[Sequence[float]] | None = None,
        with_attention: bool = True,
        **common: Any,
    ) -> None:
        own_options = {"order": order, "with_attention": with_attention}
        super().__init__(
            own_options,
            LEVELS,
            head=head,
            order=order,
            label_start=label_start,
            with_attention=with_attention,
            **common,
        )


class AttentionTail(nn.Module):
    """Own design, not the paper's: N x 512 x h x w -> N x h x w logits of saliency."""

    def __init__(self, features: int, width: float) -> None:
        super().__init__()
        channels = scaled(ATTENTION_CHANNELS, width)
        self.layers = nn.Sequential(
            conv3x3(features, channels), nn.ReLU(), nn.Conv2d(channels, 1, kernel_size=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)[:, 0]
