"""The CNN of BL-JUNIPER (TMM 2022): a 64x64 block and its temporal information -> JND as QP.

Five times 3x3 convolution, ReLU and 2x2 max-pooling (32, 64, 128, 256, 512 channels), flattened to
2,048, joined by the temporal information, dense 512 with ReLU, dense 1 with ReLU: 2,618,689
parameters, one network per JND level. Trained in the paper by Adam, 1e-5, batch 128, mean absolute
error, 1,000 epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.jnd_heads import JndHeads
from jndlab.models.keras.layers import (
    FlattenHwc,
    WeightedLayer,
    conv3x3,
    scaled,
    start_as_keras,
    weighted_layers,
)

BLOCK = 64
CHANNELS = (32, 64, 128, 256, 512)
_BLOCKS_AT_A_TIME = 4096


@dataclass(frozen=True)
class BlockPreparation:
    """Standardisation of blocks and temporal information, as fitted on the training set.

    ``scrambled`` repeats the authors' mistake: a block is written colour plane after colour plane
    and read back as if its pixels were interleaved, so that the network sees three neighbours of
    one row as one pixel's colours. The means and deviations belong to the planes so read.
    """

    pixel_mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pixel_deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    ti_mean: float = 0.0
    ti_deviation: float = 1.0
    scrambled: bool = False

    @classmethod
    def fitted(
        cls, blocks: np.ndarray, temporal_information: np.ndarray, *, scrambled: bool = False
    ) -> BlockPreparation:
        """From training blocks (N x 64 x 64 x 3 uint8 RGB) and their temporal information (N)."""
        counts = np.zeros((3, 256))
        for first in range(0, len(blocks), _BLOCKS_AT_A_TIME):
            planes = cls(scrambled=scrambled)._planes(blocks[first : first + _BLOCKS_AT_A_TIME])
            for colour, values in enumerate(planes.transpose(0, 1)):
                counts[colour] += np.bincount(values.reshape(-1).numpy(), minlength=256)
        shares = counts / counts.sum(axis=1, keepdims=True)
        mean = shares @ np.arange(256)
        deviation = np.sqrt(((np.arange(256) - mean[:, None]) ** 2 * shares).sum(axis=1))
        ti_mean, ti_deviation = temporal_information.mean(), temporal_information.std()
        if not ((deviation > 0).all() and ti_deviation > 0):
            raise UserError(
                "the training blocks of the BL-JUNIPER CNN are all equal.",
                expected="colours and temporal information that differ from block to block",
            )
        numbers = tuple(mean.tolist()), tuple(deviation.tolist())
        return cls(*numbers, float(ti_mean), float(ti_deviation), scrambled)

    def __call__(
        self, blocks: np.ndarray, temporal_information: np.ndarray
    ) -> tuple[Tensor, Tensor]:
        """N x 64 x 64 x 3 uint8 RGB and N numbers -> the network's two float32 inputs."""
        mean, deviation = (
            torch.tensor(values).view(1, 3, 1, 1)
            for values in (self.pixel_mean, self.pixel_deviation)
        )
        values = torch.as_tensor(np.asarray(temporal_information, np.float32)).reshape(-1)
        ti = (values - self.ti_mean) / self.ti_deviation
        return (self._planes(blocks).float() - mean) / deviation, ti

    def _planes(self, blocks: np.ndarray) -> Tensor:
        planes = torch.from_numpy(np.ascontiguousarray(blocks)).permute(0, 3, 1, 2)
        if not self.scrambled:
            return planes
        return planes.reshape(-1, BLOCK, BLOCK, 3).permute(0, 3, 1, 2)


class BlJuniperCnn(nn.Module):
    """Blocks N x 3 x 64 x 64 and temporal information N, both prepared -> {"jnd<level>": N}, QP.

    ``head`` and ``label_means`` as in JndHeads, ``width`` a factor on all channels and dense sizes.
    ``form`` says how the temporal information and the pixels that it learned from were computed
    (``BlockMappingOptions.form``): kept with the model, and followed when it predicts. The other
    options are those of ``preparation`` (a BlockPreparation).
    """

    input_names: ClassVar[tuple[str, ...]] = ("blocks", "temporal_information")

    def __init__(
        self,
        *,
        level: int = 1,
        width: float = 1.0,
        head: str = "relu",
        label_means: Sequence[float] | None = None,
        form: str = "corrected",
        **preparation: Any,
    ) -> None:
        super().__init__()
        self.options = {"level": level, "width": width, "head": head, "label_means": label_means}
        self.options |= {"form": form, **preparation}
        self.preparation = BlockPreparation(**preparation)
        self.levels = (level,)
        inputs = 3
        layers: list[nn.Module] = []
        for size in CHANNELS:
            channels = scaled(size, width)
            layers += [conv3x3(inputs, channels), nn.ReLU(), nn.MaxPool2d(2)]
            inputs = channels
        self.features = nn.Sequential(*layers, FlattenHwc())
        cells = (BLOCK // 2 ** len(CHANNELS)) ** 2
        hidden = scaled(512, width)
        self.dense = nn.Sequential(nn.Linear(cells * inputs + 1, hidden), nn.ReLU())
        self.heads = JndHeads(hidden, (), self.levels, head=head, label_means=label_means)
        start_as_keras(self)
        self.heads.start()

    def forward(self, blocks: Tensor, temporal_information: Tensor) -> dict[str, Tensor]:
        features = self.features(blocks)
        joined = torch.cat([features, temporal_information[:, None]], dim=1)
        return self.heads(self.dense(joined))

    def example_inputs(
        self, batch: int = 1, device: torch.device | str = "cpu"
    ) -> tuple[Tensor, ...]:
        """Black blocks, for exporters and counters."""
        zeros = torch.zeros(batch, 3, BLOCK, BLOCK, device=device)
        return zeros, torch.zeros(batch, device=device)

    def for_use(self) -> BlJuniperCnn:
        """The network as it is used: itself."""
        return self

    def keras_layers(self) -> list[WeightedLayer]:
        """Layers with weights in the order in which the authors' Keras model lists them."""
        return [*weighted_layers(self.features, self.dense), *self.heads.keras_layers()]
