"""Importance of each block to the eye, 1 to 3, from a saliency map: BL-JUNIPER, stage 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from jndlab.configuration import did_you_mean
from jndlab.errors import UserError
from jndlab.jnd.block.grid import BlockGrid
from jndlab.jnd.block.maps import BlockMaps
from jndlab.jnd.block.pictures import Picture, rgb_of
from jndlab.jnd.method_class import load_class

# What each short name stands for; anything else is given as package.module:Class.
SALIENCY_MODELS = {
    "dsr": "jndlab.jnd.saliency.dsr:DenseSparseReconstruction",
    "dsr_small": "jndlab.jnd.saliency.dsr:SmallReconstruction",
    "spectral_residual": "jndlab.jnd.saliency.simple:SpectralResidual",
    "centre": "jndlab.jnd.saliency.simple:Centre",
}
VERY_IMPORTANT, IMPORTANT = 0.5, 0.05  # thresholds of the authors' script


class SaliencyModel(Protocol):
    """Estimates where a picture draws the eye; options are keyword arguments of the class."""

    def saliency(self, rgb: np.ndarray) -> np.ndarray:
        """Map ``(H, W)`` of 0 (not salient) .. 1 of RGB ``(H, W, 3)``, uint8."""
        ...


def saliency_class(name: str) -> str:
    """``package.module:Class`` of a model by its short name; other names stay as they are."""
    return SALIENCY_MODELS.get(name, name)


def require_saliency_model(name: str, where: str = "") -> None:
    """Raise UserError for what is neither a short name nor ``package.module:Class``."""
    if name not in SALIENCY_MODELS and ":" not in name:
        raise UserError(
            f"there is no saliency model '{name}'{did_you_mean(name, list(SALIENCY_MODELS))}.",
            where=where,
            expected=", ".join(SALIENCY_MODELS) + " or package.module:Class",
        )


def load_saliency(name: str, options: Mapping[str, Any] | None = None) -> SaliencyModel:
    """A model by its name in :data:`SALIENCY_MODELS` or as ``package.module:Class``.

    Raises UserError that names what to write instead.
    """
    require_saliency_model(name)
    return load_class(
        saliency_class(name), options, noun="saliency model", methods=("saliency(rgb)",)
    )


def block_importance(
    saliency: np.ndarray, block_size: int = 64, partial_blocks: str = "keep"
) -> np.ndarray:
    """Importance ``(rows, columns)``, uint8, of the blocks of a saliency map ``(H, W)``.

    Block means (of the samples that a partial block has), min-max normalised over the frame: 3
    from 0.5, 2 from 0.05, else 1. Where all blocks are equal nothing is less important than the
    rest, and all are 3, which asks for the finest quantisation (the script divides 0 by 0 there).
    """
    height, width = saliency.shape
    means = BlockGrid(height, width, block_size, partial_blocks).means(saliency)
    span = np.ptp(means)
    if span == 0:
        return np.full(means.shape, 3, np.uint8)
    normalised = (means - means.min()) / span
    return (1 + (normalised >= IMPORTANT) + (normalised >= VERY_IMPORTANT)).astype(np.uint8)


def importance_maps(
    pictures: Iterable[Picture],
    model: SaliencyModel,
    *,
    every: int = 1,
    block_size: int = 64,
    colour_matrix: str = "bt709",
    bit_depth: int = 8,
    provenance: Mapping[str, Any] | None = None,
) -> BlockMaps:
    """Importance of the blocks of each ``every``-th picture of a clip, beginning with the first.

    Raises UserError where the model returns something else than a map of 0..1 of the picture's
    size, and for no pictures.
    """
    maps, frames, size = [], [], (0, 0)
    for index, picture in enumerate(pictures):
        if index % every:
            continue
        rgb = rgb_of(picture, colour_matrix, bit_depth)
        size = rgb.shape[:2]
        maps.append(block_importance(_checked(model.saliency(rgb), size, model), block_size))
        frames.append(index)
    if not maps:
        raise UserError("there are no pictures to map the importance of.")
    return BlockMaps(
        kind="importance",
        values=np.stack(maps),
        width=size[1],
        height=size[0],
        frames=np.array(frames),
        block_size=block_size,
        provenance=dict(provenance or {}),
    )


def _checked(saliency: Any, size: tuple[int, int], model: SaliencyModel) -> np.ndarray:
    saliency = np.asarray(saliency)
    # Written so that NaN fails too.
    if saliency.shape != size or not bool((saliency >= 0).all() and (saliency <= 1).all()):
        raise UserError(
            f"saliency model {type(model).__name__} returned something that is no saliency map.",
            expected=f"numbers 0..1 of shape {size}, found shape {saliency.shape}, "
            f"{np.min(saliency)} to {np.max(saliency)}",
        )
    return saliency
