"""The three CNNs of BL-JUNIPER at use, without torch: block JNDs of frames by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.pictures import rgb_blocks
from jndlab.models.jnd_onnx import JndSession

NETWORK = "bl_juniper_cnn"
LEVELS = (1, 2, 3)
BLOCK = 64
BATCH = 64  # larger ones only take more memory
QP_RANGE = (0.0, 51.0)


class BlockJndPredictor:
    """Predicts JND1 to 3 of 64x64 RGB blocks from pixels and temporal information.

    ``models`` are the ONNX files of levels 1, 2, 3; each carries its standardisation. Predictions
    are clipped to 0..51 and not ordered (the decision table sorts). ``raw_ti`` repeats a slip of
    the authors' test script, which does not standardise the temporal information. ``threads`` of
    None means all cores. Raises UserError for the file of another network or level.
    """

    def __init__(
        self,
        models: Mapping[int, str | Path | bytes],
        *,
        raw_ti: bool = False,
        threads: int | None = None,
    ) -> None:
        self.raw_ti = raw_ti
        self.sessions = {level: JndSession(models[level], threads=threads) for level in LEVELS}
        for level, session in self.sessions.items():
            found = session.architecture or {}
            options = found.get("options", {})
            if found.get("name") != NETWORK or options.get("level") != level:
                raise UserError(
                    f"a model is not the network of JND{level}.",
                    where=str(models[level]) if not isinstance(models[level], bytes) else "",
                    expected=f"{NETWORK} of level {level}, found {found.get('name')} of level "
                    f"{options.get('level')}",
                    remedy="give the three files in the order of the levels.",
                )

    def of_blocks(self, pixels: np.ndarray, temporal_information: np.ndarray) -> np.ndarray:
        """JNDs (N x 3, float32 QP) of blocks (N x 64 x 64 x 3, uint8) and their TI (N)."""
        found = np.empty((len(pixels), len(LEVELS)), np.float32)
        for start in range(0, len(pixels), BATCH):
            here = slice(start, start + BATCH)
            for place, (level, session) in enumerate(self.sessions.items()):
                options = session.architecture["options"]  # type: ignore[index]
                if self.raw_ti:
                    options = {**options, "ti_mean": 0.0, "ti_deviation": 1.0}
                inputs = prepared(pixels[here], temporal_information[here], options)
                found[here, place] = session(*inputs)[f"jnd{level}"]
        return np.clip(found, *QP_RANGE)

    def of_frame(self, rgb: np.ndarray, temporal_information: np.ndarray) -> np.ndarray:
        """JNDs (rows x columns x 3) of all blocks of a frame (H x W x 3, uint8).

        ``temporal_information`` is rows x columns. Blocks that the border cuts are completed by
        repeating the last samples; the network never saw such.
        """
        blocks = rgb_blocks(rgb, BLOCK, "pad")
        grid = blocks.shape[:2]
        found = self.of_blocks(blocks.reshape(-1, *blocks.shape[2:]), temporal_information.ravel())
        return found.reshape(*grid, len(LEVELS))


def activity_options(options: BlockMappingOptions) -> BlockMappingOptions:
    """Options of the temporal information that the networks are given: of all blocks."""
    return options.model_copy(update={"partial_blocks": "keep"})


def prepared(
    pixels: np.ndarray, temporal_information: np.ndarray, options: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """The network's two inputs, as ``bl_juniper_cnn.BlockPreparation`` makes them in torch."""
    planes = np.moveaxis(pixels, -1, 1)
    if options["scrambled"]:
        planes = np.moveaxis(planes.reshape(-1, BLOCK, BLOCK, 3), -1, 1)
    mean, deviation = (
        np.array(options[name], np.float32).reshape(1, 3, 1, 1)
        for name in ("pixel_mean", "pixel_deviation")
    )
    ti = np.asarray(temporal_information, np.float32)
    ti = (ti - np.float32(options["ti_mean"])) / np.float32(options["ti_deviation"])
    values = (planes.astype(np.float32) - mean) / deviation
    return np.ascontiguousarray(values), ti
