"""From a picture to the tensor that a JND network was made for, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jndlab.errors import UserError

COLOURS = ("bgr", "rgb")
SCALES = ("raw", "unit", "imagenet")
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # R, G, B


@dataclass(frozen=True)
class PicturePreparation:
    """Size, order of colours and scale of a network's input.

    Pictures are resized straight to ``height`` x ``width``, without a care for their aspect, by
    OpenCV's bilinear interpolation in 8 bit, as both papers' authors do. ``colour`` is "bgr" (what
    OpenCV reads, and they trained on) or "rgb". ``scale``: "raw" is 0..255 (LASeR-JND), "unit" is
    0..1 (MTJND), "imagenet" is 0..1 minus ImageNet's mean colour, over its deviation (what
    torchvision's VGG16 was trained on, with "rgb"). Raises UserError for other words.
    """

    height: int
    width: int
    colour: str = "bgr"
    scale: str = "raw"

    def __post_init__(self) -> None:
        for key, value, known in [
            ("colour", self.colour, COLOURS),
            ("scale", self.scale, SCALES),
        ]:
            if value not in known:
                raise UserError(f"{key} is '{value}'.", expected=" or ".join(known))

    def __call__(self, pictures: Sequence[np.ndarray]) -> Tensor:
        """Pictures, H x W x 3 uint8 RGB of any sizes -> N x 3 x height x width float32 input."""
        same_size = np.stack([self.resized(picture) for picture in pictures])
        return self.as_input(torch.from_numpy(same_size).permute(0, 3, 1, 2))

    def resized(self, picture: np.ndarray) -> np.ndarray:
        """H x W x 3 uint8 RGB -> height x width x 3 uint8 RGB; UserError for another kind."""
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise UserError(
                "a picture is not of the kind that a JND network takes.",
                expected="height x width x 3 of 8-bit R, G, B, "
                f"found {' x '.join(map(str, picture.shape))} of {picture.dtype}",
            )
        if picture.shape[:2] == (self.height, self.width):
            return picture
        import cv2

        size = (self.width, self.height)
        return cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_LINEAR)

    def as_input(self, pictures: Tensor) -> Tensor:
        """N x 3 x height x width, 0..255 (uint8 or float), RGB -> the network's float32 input."""
        values = pictures.float()
        if self.scale != "raw":
            values = values / 255.0
        if self.scale == "imagenet":
            values = (values - _colour(IMAGENET_MEAN, values)) / _colour(IMAGENET_DEVIATION, values)
        return values.flip(1) if self.colour == "bgr" else values

    def as_pictures(self, tensor: Tensor) -> Tensor:
        """The way back, for reconstructions: network scale -> N x 3 x H x W uint8 RGB, clipped."""
        values = tensor.detach().float()
        values = values.flip(1) if self.colour == "bgr" else values
        if self.scale == "imagenet":
            values = values * _colour(IMAGENET_DEVIATION, values) + _colour(IMAGENET_MEAN, values)
        if self.scale != "raw":
            values = values * 255.0
        return values.round().clamp(0, 255).to(torch.uint8)


def _colour(values: tuple[float, float, float], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device).view(1, 3, 1, 1)
