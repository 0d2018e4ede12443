"""NIMA with MobileNet: distribution of the scores 1 to 10 that people would give a picture.

Talebi & Milanfar, IEEE TIP 2018, on MobileNet v1 (Howard et al., 2017; width 1), as trained on AVA
by idealo (github idealo/image-quality-assessment, Apache-2.0), whose Keras weights it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.models.keras.layers import WeightedLayer, batch_norm, weighted_layers
from jndlab.models.keras.weights import load_keras
from jndlab.quality.no_reference import (
    PyiqaScorer,
    Scorer,
    as_tensor,
    default_device,
    in_batches,
)

# Output channels and stride of the 13 blocks of a depthwise and a pointwise convolution.
BLOCKS = [
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    *[(512, 1)] * 5, (1024, 2), (1024, 1),
]  # fmt: skip
SCORES = 10
BATCH = 32  # pictures of 224x224 a call
RESAMPLING = {  # Pillow's
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


class NimaMobilenet(nn.Module):
    """N x 3 x H x W of RGB in [-1, 1] -> N x 10, shares of the scores 1..10; 3,239,114 parameters.

    Trained on pictures of 224x224; any size from 32x32 gives a result.
    """

    def __init__(self) -> None:
        super().__init__()
        layers, inputs = _convolution(3, 32, stride=2), 32
        for channels, stride in BLOCKS:
            layers += _convolution(inputs, inputs, stride=stride, groups=inputs)
            layers += _convolution(inputs, channels, kernel_size=1)
            inputs = channels
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, SCORES)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.features(pictures).mean(dim=(2, 3))).softmax(dim=1)

    def keras_layers(self) -> list[WeightedLayer]:
        """Layers with weights in the order in which the Keras model lists them."""
        return weighted_layers(self.features, self.head)


def open_scorer(
    name: str, *, nima: Mapping[str, Any] | None = None, device: str | None = None
) -> Scorer:
    """The scorer of a name: ``nima_mobilenet`` with the options ``nima``, or a metric of pyiqa.

    Raises UserError as the two classes do.
    """
    if name == NimaScorer.name:
        return NimaScorer(**(nima or {}), device=device)
    return PyiqaScorer(name, device)


class NimaScorer:
    """NIMA with MobileNet: the mean of the scores 1 to 10 that it predicts for a picture.

    weights       Keras file of idealo (``weights_mobilenet_aesthetic_0.07.hdf5``).
    size          Side that pictures are resized to; the network was trained at 224. None leaves
                  them as they are.
    resampling    ``nearest`` (as idealo's program loads pictures), ``bilinear`` or ``bicubic``.

    Raises UserError where the file is not there or not of this network.
    """

    name = "nima_mobilenet"

    def __init__(
        self,
        *,
        weights: str | Path,
        size: int | None = 224,
        resampling: str = "nearest",
        device: str | None = None,
    ) -> None:
        if resampling not in RESAMPLING:
            raise UserError(
                f"there is no resampling '{resampling}'.", expected=", ".join(RESAMPLING)
            )
        if not Path(weights).is_file():
            raise UserError(
                "the weights of NIMA with MobileNet are not here.",
                where=str(weights),
                remedy="fetch them: snakemake check_data, then its command with --fetch "
                "nima_mobilenet; or choose the scorer piqe, which has no weights.",
            )
        self.weights, self.size, self.resampling = Path(weights), size, resampling
        self.device = device or default_device()
        network = NimaMobilenet()
        load_keras(weights, network)
        self._network = network.eval().to(self.device)
        self._scores = torch.arange(1, SCORES + 1, dtype=torch.float64)

    @property
    def metadata(self) -> dict[str, Any]:
        """Name, hash of the weights, device and settings."""
        return {
            "scorer": self.name,
            "weights_sha256": sha256_of(self.weights),
            "size": self.size,
            "resampling": self.resampling,
            "device": self.device,
        }

    def score(self, pictures: np.ndarray) -> np.ndarray:
        """Scores ``(N,)`` as float64 on 1..10; grey pictures are scored as three equal channels."""
        return in_batches(pictures, self._score_batch, BATCH)

    def distributions(self, pictures: np.ndarray) -> np.ndarray:
        """Shares ``(N, 10)`` of the scores 1..10, as float64."""
        with torch.inference_mode():
            shares = self._network(self._prepared(pictures).to(self.device))
        return shares.cpu().numpy().astype(np.float64)

    def _score_batch(self, pictures: np.ndarray) -> np.ndarray:
        return self.distributions(pictures) @ self._scores.numpy()

    def _prepared(self, pictures: np.ndarray) -> torch.Tensor:
        if self.size is not None:
            side, kernel = (self.size, self.size), RESAMPLING[self.resampling]
            resized = [Image.fromarray(picture).resize(side, kernel) for picture in pictures]
            pictures = np.stack([np.asarray(picture) for picture in resized])
        return as_tensor(pictures) / 127.5 - 1


def _convolution(
    inputs: int, channels: int, kernel_size: int = 3, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """A convolution with what follows; a stride of 2 pads right and below alone, as Keras does."""
    before: list[nn.Module] = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
    padding = kernel_size // 2 if stride == 1 else 0
    convolution = nn.Conv2d(
        inputs, channels, kernel_size, stride, padding, groups=groups, bias=False
    )
    return [*before, convolution, batch_norm(channels), nn.ReLU6()]
