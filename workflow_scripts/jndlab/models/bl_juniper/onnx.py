"""The three CNNs of BL-JUNIPER at use, without torch: block JNDs of frames by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.pictures import rgb_blocks
from jndlab.models.bl_juniper.joint_graph import PIXELS, TI, joint_graph
from jndlab.models.jnd_onnx import JndSession
from jndlab.models.onnx_runtime import run_session, session_on

NETWORK = "bl_juniper_cnn"
LEVELS = (1, 2, 3)
BLOCK = 64
BATCH = 64  # larger ones are no faster and take more memory
QP_RANGE = (0.0, 51.0)


class BlockJndPredictor:
    """Predicts JND1 to 3 of 64x64 RGB blocks from pixels and temporal information.

    ``models`` are the ONNX files of levels 1, 2, 3; each carries its standardisation, and the form
    of the temporal information and pixels that it learned from. ``options`` are of this form: they
    make what the networks are to be given. Predictions are clipped to 0..51 and not ordered (the
    decision table sorts). ``raw_ti`` repeats a slip of the authors' test script, which does not
    standardise the temporal information. ``threads`` of None means all cores; ``device`` is ``cpu``
    or ``cuda``. Raises UserError for the file of another network or level, for
    networks of several forms, and for one that does not name its form.
    """

    def __init__(
        self,
        models: Mapping[int, str | Path | bytes],
        *,
        raw_ti: bool = False,
        threads: int | None = None,
        device: str = "cpu",
    ) -> None:
        options = {level: _options_of(models[level], level) for level in LEVELS}
        forms = {level: found.get("form") for level, found in options.items()}
        if len(set(forms.values())) > 1 or forms[1] is None:
            raise UserError(
                "the networks of the three levels do not learn from one form of temporal "
                "information.",
                expected="the same form for all, found "
                + ", ".join(f"JND{level}: {form or 'none'}" for level, form in forms.items()),
                remedy="train them again from the same labelled blocks.",
            )
        self.options = BlockMappingOptions(form=forms[1])
        if raw_ti:
            options = {
                level: {**found, "ti_mean": 0.0, "ti_deviation": 1.0}
                for level, found in options.items()
            }
        self.session = session_on(device, joint_graph(models, options), threads)
        self.outputs = [f"jnd{level}" for level in LEVELS]
        self.where = ", ".join(
            str(model) for model in models.values() if not isinstance(model, bytes)
        )

    def of_blocks(self, pixels: np.ndarray, temporal_information: np.ndarray) -> np.ndarray:
        """JNDs (N x 3, float32 QP) of blocks (N x 64 x 64 x 3, uint8) and their TI (N)."""
        found = np.empty((len(pixels), len(LEVELS)), np.float32)
        ti = np.asarray(temporal_information, np.float32)
        for start in range(0, len(pixels), BATCH):
            here = slice(start, start + BATCH)
            given = {PIXELS: np.ascontiguousarray(pixels[here]), TI: ti[here]}
            levels = run_session(self.session, self.outputs, given, self.where)
            found[here] = np.stack(levels, axis=1)
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


def _options_of(model: str | Path | bytes, level: int) -> Mapping[str, Any]:
    """Options that a network's file carries. Raises UserError where it is not of ``level``."""
    found = JndSession(model, threads=1).architecture or {}
    options = found.get("options", {})
    if found.get("name") != NETWORK or options.get("level") != level:
        raise UserError(
            f"a model is not the network of JND{level}.",
            where=str(model) if not isinstance(model, bytes) else "",
            expected=f"{NETWORK} of level {level}, found {found.get('name')} of level "
            f"{options.get('level')}",
            remedy="give the three files in the order of the levels.",
        )
    return options
