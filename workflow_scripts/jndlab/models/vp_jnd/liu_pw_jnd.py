"""The lossy/lossless predictor of Liu et al. (IEEE TIP 29, 2020), which VP-JNDnet follows.

A network after WaDIQaM, read from the same authors' older program: five blocks of two 3x3
convolutions and a pool, shared by reference and distorted patch (4,712,224 parameters), then the
two heads of VP-JNDnet, both fed with the features R, D and R - D. It sees no JND map. Trained there
by Adam, 1e-4, sigmoid cross-entropy, moving average of 0.9999; patches of 32x32 (its demo) or 64x64
(its input program), 32 for each picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jndlab.models.vp_jnd.patch_classifier import (
    FIRST_WEIGHT,
    HIDDEN,
    PatchClassifier,
    Verdict,
    convolutions,
    head,
    require_patch_size,
    weighted_verdict,
)

WIDTHS = (32, 64, 128, 256, 512)
STRIDE = 32  # five pools


class LiuPwJnd(PatchClassifier):
    """Patches (N, P, 3, h, w) in 0..1 of reference and distorted -> logits (N,); above 0: visible.

    ``width`` scales channels and heads, ``patch_size`` is h = w, a multiple of 32. P is free.
    ``start`` of the weights is ``graph`` or ``detail``, as of VP-JNDnet.
    """

    uses_jnd = False

    def __init__(
        self,
        width: float = 1.0,
        patch_size: int = 64,
        dropout: float = 0.5,
        start: str = "graph",
    ) -> None:
        super().__init__(width=width, patch_size=patch_size, dropout=dropout, start=start)
        require_patch_size(patch_size, STRIDE)
        self.patch_size = patch_size
        channels = [max(1, round(width * count)) for count in WIDTHS]
        twice = [count for count in channels for _ in range(2)]
        layers: list[nn.Module] = []
        for number, layer in enumerate(convolutions(twice, start)):
            layers += [layer, nn.ReLU()] + ([nn.MaxPool2d(2)] if number % 2 else [])
        self.branch = nn.Sequential(*layers, nn.Flatten())
        features = 3 * channels[-1] * (patch_size // STRIDE) ** 2
        hidden = max(1, round(width * HIDDEN))
        self.quality_head = head(features, hidden, dropout, start)
        self.weight_head = head(features, hidden, dropout, start, FIRST_WEIGHT)

    def features(self, patches: Tensor, *, of_jnd: bool = False) -> Tensor:
        return self.branch(patches.flatten(0, 1) - 0.5).unflatten(0, patches.shape[:2])

    def classify(self, reference: Tensor, distorted: Tensor, jnd: Tensor | None = None) -> Verdict:
        both = torch.cat([reference, distorted, reference - distorted], -1)
        return weighted_verdict(self.quality_head(both).squeeze(-1),
                                self.weight_head(both).squeeze(-1))  # fmt: skip
