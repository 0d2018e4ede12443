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

``backbone`` may put EfficientNet-Lite0 in VGG16's place (:mod:`.efficientnet`), a variant of this
suite: "efficientnet_lite0" starts from ImageNet's weights, "efficientnet_lite0_untrained" at
random. Its channels are not made fewer by ``width``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.jnd_heads import heads_of
from jndlab.models.keras.layers import FlattenHwc, WeightedLayer, conv3x3, freeze, scaled
from jndlab.models.mtjnd.efficientnet import EfficientNetLite0
from jndlab.models.mtjnd.vgg16 import STRIDE, Vgg16
from jndlab.models.picture_network import PictureNetwork

ATTENTION = "attention"
ATTENTION_CHANNELS = 128
LEVELS = (1, 2, 3)
PRETRAINED = "efficientnet_lite0"
BACKBONES = ("vgg16", PRETRAINED, f"{PRETRAINED}_untrained")


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
        head: str = "relu",
        order: str = "free",
        label_start: Sequence[Sequence[float]] | None = None,
        with_attention: bool = False,
        freeze_early: bool = True,
        backbone: str = BACKBONES[0],
        **common: Any,
    ) -> None:
        own_options |= {"head": head, "label_start": label_start, "freeze_early": freeze_early}
        if backbone != BACKBONES[0]:  # else as in files that are older than this option
            own_options["backbone"] = backbone
        super().__init__(own_options, **common)
        self.levels = levels
        self.backbone = self._backbone(backbone)
        self.flatten = FlattenHwc()
        rows, columns = (n // STRIDE for n in self.input_size)
        hidden = [scaled(n, self.width) for n in (256, 128)]
        self.heads = heads_of(
            rows * columns * self.backbone.features_32,
            hidden,
            levels,
            head=head,
            order=order,
            label_start=label_start,
            unit=self.unit,
        )
        attended = self.backbone.features_16
        self.attention = AttentionTail(attended, self.width) if with_attention else None
        self.frozen = self.backbone.early_layers() if freeze_early else []
        freeze(*self.frozen)
        self.start()

    def start(self) -> None:
        super().start()
        self.backbone.start()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        self.require_input(pictures)
        features = self.backbone.until_last_pool(pictures)
        outputs = self.heads(self.flatten(self.backbone.pooled(features)))
        if self.attention is not None:
            outputs[ATTENTION] = self.attention(features)
        return outputs

    def train(self, mode: bool = True) -> Self:
        """As in torch; BatchNorm of frozen layers keeps its statistics."""
        super().train(mode)
        for layer in self.frozen:
            layer.eval()
        return self

    def keras_layers(self) -> list[WeightedLayer]:
        return [*self.backbone.keras_layers(), *self.heads.keras_layers()]

    def _backbone(self, name: str) -> Vgg16 | EfficientNetLite0:
        if name == BACKBONES[0]:
            return Vgg16(self.width)
        if name not in BACKBONES:
            raise UserError(f"there is no backbone '{name}'.", expected=", ".join(BACKBONES))
        wanted = self.preparation.colour, self.preparation.scale
        if wanted != ("rgb", "unit") or any(n % STRIDE for n in self.input_size):
            raise UserError(
                f"backbone '{name}' has another input than the network.",
                expected=f"colour rgb, scale unit, sides that are multiples of {STRIDE}; found "
                f"{', '.join(wanted)}, {self.input_size[1]}x{self.input_size[0]}",
                remedy="set `colour`, `scale` and `input_size` of `mtjnd.network`.",
            )
        return EfficientNetLite0()


class Mt3Jnd(MtJnd):
    """Three JND levels."""

    def __init__(self, *, order: str = "free", **common: Any) -> None:
        super().__init__({"order": order}, LEVELS, order=order, **common)


class _WithAttention(MtJnd):
    def for_use(self) -> MtJnd:
        """The network without its attention tail: the graph of the authors' code."""
        network = type(self)(**{**self.options, "with_attention": False})
        weights = self.state_dict()
        network.load_state_dict({name: weights[name] for name in network.state_dict()})
        return network.train(self.training)


class Mt1JndVa(_WithAttention):
    """One JND level and, in training, visual attention."""

    def __init__(self, *, level: int = 1, with_attention: bool = True, **common: Any) -> None:
        own_options = {"level": level, "with_attention": with_attention}
        super().__init__(own_options, (level,), with_attention=with_attention, **common)


class Mt3JndVa(_WithAttention):
    """Three JND levels and, in training, visual attention."""

    def __init__(self, *, order: str = "free", with_attention: bool = True, **common: Any) -> None:
        own_options = {"order": order, "with_attention": with_attention}
        super().__init__(own_options, LEVELS, order=order, with_attention=with_attention, **common)


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
