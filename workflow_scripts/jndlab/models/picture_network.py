"""Base of the networks on whole pictures: input size, preparation, options, ways of use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from jndlab.errors import UserError
from jndlab.models.jnd_heads import UNITS, JndHeads
from jndlab.models.keras.layers import WeightedLayer, start_as_keras
from jndlab.models.mtjnd.channel_attention import ChannelAttention
from jndlab.models.picture_preparation import PicturePreparation
from jndlab.models.vmaf_curve import CurveHeads


class PictureNetwork(nn.Module):
    """Prepared pictures, N x 3 x height x width float32 -> named outputs (a dict of tensors).

    Common options: ``input_size`` (height, width; the paper's unless given), ``width`` (factor on
    all channels and dense sizes, 1 in the papers, smaller for demos), ``colour`` and ``scale`` of
    the input (see PicturePreparation; the paper's unless given), ``unit`` of the JNDs that it
    learns (QP, or QF of JPEG). ``options`` keeps all that builds the network again;
    ``preparation`` makes its input from pictures.
    """

    paper_size: ClassVar[tuple[int, int]]
    paper_scale: ClassVar[str]
    size_step: ClassVar[int] = 1
    smallest_size: ClassVar[int] = 1
    input_names: ClassVar[tuple[str, ...]] = ("pictures",)

    def __init__(
        self,
        own_options: dict[str, Any],
        *,
        input_size: Sequence[int] | None = None,
        width: float = 1.0,
        colour: str = "bgr",
        scale: str | None = None,
        unit: str = "QP",
    ) -> None:
        super().__init__()
        size = tuple(input_size or self.paper_size)
        self._check_size(size)
        if not 0 < width <= 1:
            raise UserError(f"width is {width}.", expected="a factor above 0, at most 1")
        if unit not in UNITS:
            raise UserError(f"the unit of JNDs is '{unit}'.", expected=" or ".join(UNITS))
        self.width, self.unit = width, unit
        self.preparation = PicturePreparation(size[0], size[1], colour, scale or self.paper_scale)
        self.options = {
            "input_size": list(size),
            "width": width,
            "colour": colour,
            "scale": self.preparation.scale,
            "unit": unit,
            **own_options,
        }

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the input, pixels."""
        return self.preparation.height, self.preparation.width

    def start(self) -> None:
        """Initial weights as in the authors' networks (see the layers)."""
        start_as_keras(self)
        for part in self.modules():
            if isinstance(part, (ChannelAttention, JndHeads, CurveHeads)):
                part.start()

    def example_inputs(
        self, batch: int = 1, device: torch.device | str = "cpu"
    ) -> tuple[Tensor, ...]:
        """Black input of the right size, for exporters and counters."""
        return (torch.zeros(batch, 3, *self.input_size, device=device),)

    def for_use(self) -> PictureNetwork:
        """The network without parts that only training needs; here itself."""
        return self

    def keras_layers(self) -> list[WeightedLayer]:
        """Layers with weights in the order in which the authors' Keras model lists them.

        Only the order among layers of equal shapes matters (see ``keras_weights``).
        """
        raise NotImplementedError

    def require_input(self, pictures: Tensor) -> None:
        """Raise UserError unless ``pictures`` is N x 3 x height x width."""
        if tuple(pictures.shape[1:]) != (3, *self.input_size):
            raise UserError(
                f"{type(self).__name__} was given pictures of another size.",
                expected=f"N x 3 x {self.input_size[0]} x {self.input_size[1]}, "
                f"found {' x '.join(str(int(size)) for size in pictures.shape)}",
                remedy="prepare pictures with the network's `preparation`.",
            )

    def _check_size(self, size: tuple[int, ...]) -> None:
        step, smallest = self.size_step, self.smallest_size
        if len(size) != 2 or any(n % step or n < smallest for n in size):
            raise UserError(
                f"input_size is {list(size)}.",
                expected=f"height and width of at least {smallest}"
                + (f", multiples of {step}" if step > 1 else ""),
            )
