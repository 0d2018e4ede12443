"""VP-JNDnet (TCSVT 2025): does a picture differ visibly from its coded version?

Three branches look at patches of the reference, of the distorted picture and of the pixel-JND map.
From their features one head estimates how visible the distortion of each patch is, another how much
the patch counts; the picture's score is the weighted mean. Read from the authors' TensorFlow graph
(paper size: 101,974,366 parameters, of which 98.7 % are in the two large layers of the heads); the
figure in the paper differs, and so does the suite; each difference is a switch. Defaults are the
graph's:

============= ==================================== ============================================
option        default, as the graph                other
============= ==================================== ============================================
``branches``  ``separate``: JND has its own        ``shared``: one branch for all three (figure)
``pooling``   ``none``: features, twice            ``global``: maximum and mean over the patch
                                                   (figure)
``inputs``    ``graph``: quality head R, D, R - D; ``figure``: quality head R, D;
              weight head R, D, D * J              weight head D, J; ``masked``: the graph's, and
                                                   |R - D| / J of the pixels to the quality head
``non_local`` ``graph``: phi reshaped as it lies   ``proper``: every position with all others
              in memory                            (Wang et al.)
============= ==================================== ============================================

The graph's "global" pooling has windows of 1x1, so that both of its halves are the features
themselves. Weights start as in the graph (truncated normal of deviation ``1 / sqrt(fan-in)``, He
for the channel attention, Glorot for the non-local block); that biases start at 0 and that dropout
is 0.5 are assumptions. Trained there by Adam, 1e-4, batches of 4 pictures x 32 patches of 128x128,
sigmoid cross-entropy; its moving average of decay 0.9999 is what is tested.
"""

from __future__ import annotations

import itertools
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
CELL = 8  # side of the blocks that JPEG codes
SMALLEST_JND = 1 / 255
TINY = 1e-3  # of |R - D| / J, where nothing differs
TINY_ENERGY, SMALLEST_ENERGY = (0.1 / 255) ** 2, (1 / 255) ** 2
MASKED = 7  # numbers of a block
CHOICES = {
    "branches": ("separate", "shared"),
    "pooling": ("none", "global"),
    "inputs": ("graph", "figure", "masked"),
    "non_local": ("graph", "proper"),
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
        non_local: str = "graph",
        dropout: float = 0.5,
        start: str = "graph",
    ) -> None:
        chosen = dict(branches=branches, pooling=pooling, inputs=inputs, non_local=non_local)
        super().__init__(width=width, patch_size=patch_size, dropout=dropout, start=start, **chosen)
        for name, value in chosen.items():
            if value not in CHOICES[name]:
                raise UserError(
                    f"VP-JNDnet has no {name} '{value}'.", expected=" or ".join(CHOICES[name])
                )
        require_patch_size(patch_size, STRIDE)
        self.patch_size, self.inputs = patch_size, inputs
        channels = [max(1, round(width * count)) for count in WIDTHS]
        self.picture_branch = Branch(channels, pooling, start, non_local)
        self.jnd_branch = (
            Branch(channels, pooling, start, non_local) if branches == "separate" else None
        )
        positions = 1 if pooling == "global" else (patch_size // STRIDE) ** 2
        features = 2 * positions * channels[-1]
        hidden = max(1, round(width * HIDDEN))
        inputs_of_head = (2 if inputs == "figure" else 3) * features
        if inputs == "masked":
            inputs_of_head += MASKED * (patch_size // CELL) ** 2
        self.quality_head = head(inputs_of_head, hidden, dropout, start)
        self.weight_head = head(inputs_of_head, hidden, dropout, start, FIRST_WEIGHT)

    def features(self, patches: Tensor, *, of_jnd: bool = False) -> Tensor:
        branch = self.jnd_branch if of_jnd and self.jnd_branch is not None else self.picture_branch
        features = branch(patches.flatten(0, 1)).unflatten(0, patches.shape[:2])
        if self.inputs == "masked":  # the pixels go along: |R - D| / J is theirs
            features = torch.cat([features, patches.mean(2).flatten(2)], -1)
        return features

    def classify(self, reference: Tensor, distorted: Tensor, jnd: Tensor | None = None) -> Verdict:
        assert jnd is not None, "VP-JNDnet needs the features of the JND map"
        masked = []
        if self.inputs == "masked":
            pixels = self.patch_size**2
            (reference, r), (distorted, d), (jnd, j) = (
                (part[..., :-pixels], part[..., -pixels:]) for part in (reference, distorted, jnd)
            )
            masked = [masked_errors(r, d, j, self.patch_size)]
        if self.inputs == "figure":
            for_quality, for_weight = [reference, distorted], [distorted, jnd]
        else:
            for_quality = [reference, distorted, reference - distorted, *masked]
            for_weight = [reference, distorted, distorted * jnd, *masked]
        quality = self.quality_head(torch.cat(for_quality, -1)).squeeze(-1)
        return weighted_verdict(quality, self.weight_head(torch.cat(for_weight, -1)).squeeze(-1))


def masked_errors(reference: Tensor, distorted: Tensor, jnd: Tensor, size: int) -> Tensor:
    """How errors compare with what hides them, in the 8x8 blocks of patches.

    The planes are (N, P, size * size) in 0..1; returned are (N, P, 7 * blocks) logarithms: of the
    mean |R - D| / J of a block, and, in each of three bands (differences of means over 1, 2, 4 and
    8 pixels), of the energy of R and of that of R - D over it.
    """
    shape, cells = reference.shape[:2], size // CELL
    blocks = [
        plane.reshape(*shape, cells, CELL, cells, CELL).transpose(3, 4).reshape(-1, 1, CELL, CELL)
        for plane in (reference, reference - distorted, jnd)
    ]
    ratio = (blocks[1].abs() / (blocks[2] + SMALLEST_JND)).mean((1, 2, 3)) + TINY
    found = [ratio]
    for signal, error in zip(_energies(blocks[0]), _energies(blocks[1]), strict=True):
        found += [signal + SMALLEST_ENERGY, (error + TINY_ENERGY) / (signal + SMALLEST_ENERGY)]
    return torch.stack(found, -1).log().unflatten(0, (*shape, cells**2)).flatten(2)


def _energies(blocks: Tensor) -> list[Tensor]:
    """Mean squares (M,) of three bands of blocks (M, 1, 8, 8), fine to coarse."""
    means = [blocks]
    for _ in range(3):
        means.append(nn.functional.avg_pool2d(means[-1], 2))
    return [
        (fine - nn.functional.interpolate(coarse, scale_factor=2.0)).square().mean((1, 2, 3))
        for fine, coarse in itertools.pairwise(means)
    ]


class Branch(nn.Module):
    """Patches (M, 3, h, w) in 0..1 -> features (M, F)."""

    def __init__(
        self, channels: list[int], pooling: str, start: str, non_local: str = "graph"
    ) -> None:
        super().__init__()
        self.pooling = pooling
        stages: list[nn.Module] = []
        layers = convolutions(channels, start)
        for layer in layers:
            attention = (
                NonLocal(layer.out_channels, non_local)
                if layer is layers[-1]
                else ChannelAttention(layer.out_channels)
            )
            stages += [layer, nn.ReLU(), attention, nn.MaxPool2d(2)]
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
    """``x + w(softmax(A) g)`` over the positions of the maps, after Wang et al. (CVPR 2018).

    Four 1x1 convolutions of full width; no subsampling, scaling or normalisation. ``order`` is
    ``proper``: A = theta' phi, the affinity of every position to all others; or ``graph``: as the
    authors' TensorFlow graph, which reshapes phi, H x W x C in memory, to C x HW without
    transposing it, so that A mixes positions and channels of phi. Both are HW x HW.
    """

    def __init__(self, channels: int, order: str = "graph") -> None:
        super().__init__()
        self.order = order
        self.theta, self.phi, self.g, self.w = (nn.Conv2d(channels, channels, 1) for _ in range(4))
        for layer in (self.theta, self.phi, self.g, self.w):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(bias_of(layer))

    def forward(self, maps: Tensor) -> Tensor:
        theta, phi, g = self.theta(maps).flatten(2), self.phi(maps), self.g(maps).flatten(2)
        if self.order == "graph":
            phi = phi.permute(0, 2, 3, 1).reshape(theta.shape)
        attention = torch.softmax(theta.transpose(1, 2) @ phi.flatten(2), -1)
        return maps + self.w((g @ attention.transpose(1, 2)).reshape(maps.shape))
