"""Networks that classify a coded picture by patches: base of VP-JNDnet and its predecessor."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.layers import bias_of

HIDDEN = 512
SMALLEST_WEIGHT = 1e-6
STARTS = ("graph", "detail")
DETAIL_GAIN = 6.0
# Start of a patch's weight before its ReLU, with ``start: detail``. From 0, as in the graph, it can
# fall below for all patches within the first steps: the ReLU then passes no gradient, and for good
# all patches count equally. This happened in two of the four folds of the demo, and none with 1.
FIRST_WEIGHT = 1.0


class Verdict(NamedTuple):
    """``logit`` (N,): above 0 is visible. ``quality`` and ``weight`` (N, P): of each patch.

    The weights of a picture sum to 1, and the logit is ``sum(weight * quality)``.
    """

    logit: Tensor
    quality: Tensor
    weight: Tensor


class PatchClassifier(nn.Module):
    """A network that classifies pictures by patches.

    ``options`` are the constructor's arguments, kept so that a model file can build the network;
    ``patch_size`` is the side of its patches, ``uses_jnd`` whether it looks at the JND map.
    """

    uses_jnd: bool
    patch_size: int
    quality_head: nn.Sequential

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.options = options

    def features(self, patches: Tensor, *, of_jnd: bool = False) -> Tensor:
        """Features (N, P, F) of patches (N, P, 3, h, w) in 0..1, for :meth:`classify`."""
        raise NotImplementedError

    def classify(self, reference: Tensor, distorted: Tensor, jnd: Tensor | None = None) -> Verdict:
        """The verdict on pictures from the features of their patches."""
        raise NotImplementedError

    def verdict(self, reference: Tensor, distorted: Tensor, jnd: Tensor | None = None) -> Verdict:
        """The verdict on pictures from their patches, each (N, P, 3, h, w) in 0..1."""
        jnd_features = None if jnd is None else self.features(jnd, of_jnd=True)
        return self.classify(self.features(reference), self.features(distorted), jnd_features)

    def forward(self, reference: Tensor, distorted: Tensor, jnd: Tensor | None = None) -> Tensor:
        """Logits (N,) of "the distortion is visible": what is trained."""
        return self.verdict(reference, distorted, jnd).logit


def convolutions(channels: Sequence[int], start: str) -> list[nn.Conv2d]:
    """3x3 convolutions of the same size from a picture's 3 channels on; ``start``: `gain_of`."""
    layers = []
    for before, after in itertools.pairwise([3, *channels]):
        layer = nn.Conv2d(before, after, 3, padding=1)
        truncated_normal(layer, gain_of(start) / math.sqrt(9 * before))
        layers.append(layer)
    if start == "detail":
        weight = layers[0].weight
        with torch.no_grad():
            weight.sub_(weight.mean((2, 3), keepdim=True)).mul_(DETAIL_GAIN)
    return layers


def gain_of(start: str) -> float:
    """By how much a start's weights are stronger than the graph's ``1 / sqrt(fan-in)``.

    ``graph`` is the authors' start. With it a small network (width 1/4) was still at chance after
    800 steps: rectified signals fade from layer to layer, and brightness, a hundred times
    stronger than what coding changes, hides it. ``detail`` (the suite's) keeps the strength of
    rectified signals (gain sqrt 2, He), takes the mean out of the filters that see the picture,
    times 6, and starts the weights of patches at :data:`FIRST_WEIGHT`. Raises UserError for another
    name.
    """
    if start not in STARTS:
        raise UserError(f"there is no start '{start}'.", expected=" or ".join(STARTS))
    return math.sqrt(2) if start == "detail" else 1.0


def head(
    features: int, hidden: int, dropout: float, start: str, first_output: float = 0.0
) -> nn.Sequential:
    """Two dense layers from the features of a patch to one number, at first near ``first_output``.

    Other than 0 is for ``start: detail`` only: see :data:`FIRST_WEIGHT`.
    """
    # Torch's own start of the 50 million weights would be thrown away.
    first = nn.utils.skip_init(nn.Linear, features, hidden, device=torch.get_default_device())
    last = nn.Linear(hidden, 1)
    truncated_normal(first, gain_of(start) / math.sqrt(features))
    truncated_normal(last, gain_of(start) / math.sqrt(hidden))
    if start == "detail":
        nn.init.constant_(last.bias, first_output)
    return nn.Sequential(first, nn.ReLU(), nn.Dropout(dropout), last)


def weighted_verdict(quality: Tensor, raw_weight: Tensor) -> Verdict:
    """The verdict from the outputs of both heads for each patch (N, P)."""
    # In float16, as which mixed precision brings it, the smallest weight would lose its digits.
    weight = torch.relu(raw_weight.float()) + SMALLEST_WEIGHT
    weight = weight / weight.sum(1, keepdim=True)
    return Verdict((weight * quality.float()).sum(1), quality, weight)


def require_patch_size(size: int, stride: int) -> None:
    """Raise UserError unless a patch of this size survives the pools."""
    if size < stride or size % stride:
        raise UserError(
            f"the network cannot take patches of {size} x {size}.",
            where="option patch_size",
            expected=f"a multiple of {stride}",
        )


def truncated_normal(layer: nn.Conv2d | nn.Linear, deviation: float) -> None:
    """Weights as TensorFlow starts them: values beyond two deviations are drawn again."""
    nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    nn.init.zeros_(bias_of(layer))
