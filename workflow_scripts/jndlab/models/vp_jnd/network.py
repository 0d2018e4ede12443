"""VP-JNDnet (TCSVT 2025): does a picture differ visibly from its coded version?

Three branches look at patches of the reference, of the distorted picture and of the pixel-JND map.
From their features one head estimates how visible the distortion of each patch is, another how much
the patch counts; the picture's score is the weighted mean. Read from the authors' TensorFlow graph
(paper size: 101,974,366 parameters, of which 98.7 % are in the two large layers of the heads); the
figure in the paper differs, and each difference is a switch. Defaults are the graph's:

============ ==================================== =============================================
option       default, as the graph                other, as the figure
============ ==================================== =============================================
``branches`` ``separate``: JND has its own        ``shared``: one branch for all three
``pooling``  ``none``: features, twice            ``global``: maximum and mean over the patch
``inputs``   ``graph``: quality head R, D, R - D; ``figure``: quality head R, D;
             weight head R, D, D * J              weight head D, J
============ ==================================== =============================================

The graph's "global" pooling has windows of 1x1, so that both of its halves are the features
themselves. Weights start as in the graph (truncated normal of deviation ``1 / sqrt(fan-in)``, He
for the channel attention, Glorot for the non-local block); that biases start at 0 and that dropout
is 0.5 are assumptions. Trained there by Adam, 1e-4, batches of 4 pictures x 32 patches of 128x128,
sigmoid cross-entropy; its moving average of decay 0.9999 is what is tested.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.layers import bias_of
from jndlab.models.vp_jnd.patch_classifier import (
    FIRST_WEIGHT,
    HIDDEN,
    PatchClassifier,
    Verdict,
    convolutions,
    head,
    require_patch_size,
    truncated_normal,
    weighted_verdict,
)

WIDTHS = (32, 64, 128, 256)
REDUCTION = 16
STRIDE = 16  # four pools: patch sizes are multiples of it
CHOICES = {
    "branches": ("separate", "shared"),
    "pooling": ("none", "global"),
    "inputs": ("graph", "figure"),
}


class VpJndNet(PatchClassifier):
    """Patches (N, P, 3, h, w) in 0..1 of reference, distorted and JND map -> logits (N,).

    ``width`` scales the channels of the branches and the heads (1: the paper's), ``patch_size``
    is h = w, a multiple of 16. P is free. ``start`` of the weights is ``graph`` or ``detail``, see
    :func:`~jndlab.models.vp_jnd.patch_classifier.gain_of`. Raises UserError for options that do
    not exist.
    """

    uses_jnd = True

    def __init__(
        self,
        width: float = 1.0,
        patch_size: int = 128,
        branches: str = "separate",
        pooling: str = "none",
        inputs: str = "graph",
        dropout: float = 0.5,
        start: str = "graph",
    ) -> None:
        super().__init__(
            width=width,
            patch_size=patch_size,
            branches=branches,
            pooling=pooling,
            inputs=inputs,
            dropout=dropout,
            start=start,
        )
        for name, value in (("branches", branches), ("pooling", pooling), ("inputs", inputs)):
            if value not in CHOICES[name]:
                raise UserError(
                    f"VP-JNDnet has no {name} '{value}'.", expected=" or ".join(CHOICES[name])
                )
        require_patch_size(patch_size, STRIDE)
        self.patch_size, self.inputs = patch_size, inputs
        channels = [max(1, round(width * count)) for count in WIDTHS]
        self.picture_branch = Branch(channels, pooling, start)
        self.jnd_branch = Branch(channels, pooling, start) if branches == "separate" else None
        positions = 1 if pooling == "global" else (patch_size // STRIDE) ** 2
        features = 2 * positions * channels[-1]
        hidden = max(1, round(width * HIDDEN))
        of_quality, of_weight = (3, 3) if inputs == "graph" else (2, 2)
        self.quality_head = head(of_quality * features, hidden, dropout, start)
        self.weight_head = head(of_weight * features, hidden, dropout, start, FIRST_WEIGHT)

    def features(self, patches: Tensor, *, of_jnd: bool = False) -> Tensor:
        branch = self.jnd_branch if of_jnd and self.jnd_branch is not None else self.picture_branch
        return branch(patches.flatten(0, 1)).unflatten(0, patches.shape[:2])

    def classify(self, reference: Tensor, distorted: Tensor, jnd: Tensor | None = None) -> Verdict:
        assert jnd is not None, "VP-JNDnet needs the features of the JND map"
        if self.inputs == "graph":
            for_quality = [reference, distorted, reference - distorted]
            for_weight = [reference, distorted, distorted * jnd]
        else:
            for_quality, for_weight = [reference, distorted], [distorted, jnd]
        quality = self.quality_head(torch.cat(for_quality, -1)).squeeze(-1)
        return weighted_verdict(quality, self.weight_head(torch.cat(for_weight, -1)).squeeze(-1))


class Branch(nn.Module):
    """Patches (M, 3, h, w) in 0..1 -> features (M, F)."""

    def __init__(self, channels: list[int], pooling: str, start: str) -> None:
        super().__init__()
        self.pooling = pooling
        attentions = [ChannelAttention, ChannelAttention, ChannelAttention, NonLocal]
        stages: list[nn.Module] = []
        for layer, attention in zip(convolutions(channels, start), attentions, strict=True):
            stages += [layer, nn.ReLU(), attention(layer.out_channels), nn.MaxPool2d(2)]
        self.stages = nn.Sequential(*stages)

    def forward(self, patches: Tensor) -> Tensor:
        maps = self.stages(patches - 0.5)
        if self.pooling == "global":
            return torch.cat([maps.amax((2, 3)), maps.mean((2, 3))], 1)
        return torch.cat([maps, maps], 2).flatten(1)


class ChannelAttention(nn.Module):
    """A gate per channel, ``sigmoid(MLP(mean) + MLP(maximum))`` (CBAM, Woo et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                truncated_normal(layer, math.sqrt(2 / layer.in_features))

    def forward(self, maps: Tensor) -> Tensor:
        # A pool keeps the place of its maximum for the gradient; `amax` compares all pixels again.
        largest = nn.functional.adaptive_max_pool2d(maps, 1).flatten(1)
        gate = torch.sigmoid(self.mlp(maps.mean((2, 3))) + self.mlp(largest))
        return maps * gate[..., None, None]


class NonLocal(nn.Module):
    """Every position looks at all others, ``x + w(softmax(theta phi') g)`` (Wang et al. 2018).

    Four 1x1 convolutions of full width; no subsampling, scaling or normalisation.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta, self.phi, self.g, self.w = (nn.Conv2d(channels, channels, 1) for _ in range(4))
        for layer in (self.theta, self.phi, self.g, self.w):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(bias_of(layer))

    def forward(self, maps: Tensor) -> Tensor:
        theta, phi, g = (layer(maps).flatten(2) for layer in (self.theta, self.phi, self.g))
        attention = torch.softmax(theta.transpose(1, 2) @ phi, -1)
        return maps + self.w((g @ attention.transpose(1, 2)).reshape(maps.shape))
