"""Trained networks as JND predictors: LASeR-JND's and MTJND's, with any weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.block.pictures import rgb_of
from jndlab.jnd.jnd_predictor import FrameJnd
from jndlab.media.clip import ClipFormat, Frame, evenly_spread
from jndlab.models.jnd_onnx import JndSession, jnd_onnx_bytes

LARGEST_QP = 51.0  # of H.264, in whose QPs the labels are
COLOUR_MATRIX = "bt601"  # by which the training frames of the networks were converted
BATCH = 8
MOST_SIDE = 8192  # of the pictures that a network looks at


class NetworkJndPredictor:
    """JND levels of a clip by one network of all levels, or by one network for each level.

    ``model`` is an ``.onnx`` export, which needs no torch, a model file (``.pt``), or the authors'
    Keras weights (``.h5``, with ``network`` and, unless it is the paper's, ``input_size``); a list
    gives JND1, JND2 ... in this order, or JND1 alone. ``frames`` evenly spread frames of the clip
    are looked at. ``threads``: of the CPU, all usable cores by default. Predictions in a clip are
    cut to QP 0..51.

    Raises UserError for a missing or damaged file, another network than ``network``, or models
    whose levels are not 1, 2 ... in order.
    """

    def __init__(
        self,
        *,
        model: str | Path | Sequence[str | Path],
        network: str | None = None,
        input_size: Sequence[int] | None = None,
        frames: int = 5,
        threads: int | None = None,
    ) -> None:
        if frames < 1:
            raise UserError(f"a JND predictor is to use {frames} frames.", expected="1 or more")
        paths = [model] if isinstance(model, str | Path) else list(model)
        self.networks = [
            FrameNetwork(path, network=network, input_size=input_size, threads=threads)
            for path in paths
        ]
        self.frames = frames
        for path, part in zip(paths, self.networks, strict=True):
            if (unit := part.options.get("unit", "QP")) != "QP":
                raise UserError(
                    f"a network predicts JNDs as {unit}, and clips are coded by QP.",
                    where=str(path),
                    expected="a network that learned QPs, such as from VideoSet",
                    remedy="give another model; networks of JPEG qualities are for their tables.",
                )
        levels = [level for part in self.networks for level in part.levels]
        if levels != list(range(1, len(levels) + 1)):
            raise UserError(
                "the models of a JND predictor do not give the levels from JND1 on, in order.",
                where=", ".join(map(str, paths)),
                expected=f"JND1, JND2 ..., found {', '.join(f'JND{level}' for level in levels)}",
                remedy="give a network of all levels, or one for each level from the first.",
            )

    def predict(self, frames: Iterator[Frame], clip: ClipFormat) -> list[FrameJnd]:
        """See ``jnd.jnd_predictor``; colours by BT.601."""
        wanted = evenly_spread(clip.frames, self.frames)
        pictures = [
            rgb_of(frame, COLOUR_MATRIX, clip.bit_depth)
            for index, frame in enumerate(frames)
            if index in wanted
        ]
        found = [network.predict(pictures) for network in self.networks]
        values = np.clip(np.concatenate(found, axis=1), 0, LARGEST_QP)
        return [
            FrameJnd(index, tuple(row)) for index, row in zip(wanted, values.tolist(), strict=True)
        ]


class FrameNetwork:
    """One network on pictures of any size; see NetworkJndPredictor for the arguments.

    ``levels`` are those that it predicts.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        network: str | None = None,
        input_size: Sequence[int] | None = None,
        threads: int | None = None,
    ) -> None:
        self.session = _opened(Path(model), network, input_size, threads)
        architecture = self.session.architecture or {"name": "a network without a name"}
        if network not in (None, architecture["name"]):
            raise UserError(
                "a model is of another network than is wanted.",
                where=str(model),
                expected=f"{network}, found {architecture['name']}",
                remedy=f"give the export of a trained {network}, or correct the configuration.",
            )
        self.levels = tuple(
            int(name.removeprefix("jnd"))
            for name in self.session.output_names
            if re.fullmatch("jnd[1-9]", name)
        )
        if not self.levels:
            raise UserError(
                "a model predicts no JND level.",
                where=str(model),
                expected=f"outputs jnd1 ..., found {', '.join(self.session.output_names)}",
                remedy="give a predictor, not the autoencoder that it is built on.",
            )
        self.options = architecture.get("options", {})
        size = self.options.get("input_size")
        if not (
            isinstance(size, list) and len(size) == 2
            and all(type(side) is int and 1 <= side <= MOST_SIDE for side in size)
            and {"scale", "colour"} <= self.options.keys()
        ):  # fmt: skip
            raise UserError(
                "the description of the network in a model does not say how pictures are prepared.",
                where=str(model),
                expected="options input_size, scale and colour, as the suite exports them; "
                f"found {str(dict(self.options))[:200]}",
                remedy="export the network again from its model file.",
            )

    def predict(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Levels (N x levels, in QP, as they come) of H x W x 3 uint8 RGB pictures."""
        rows = []
        for start in range(0, len(pictures), BATCH):
            prepared = prepared_input(pictures[start : start + BATCH], self.options)
            outputs = self.session(prepared)
            rows.append(np.stack([outputs[f"jnd{level}"] for level in self.levels], axis=1))
        return np.concatenate(rows)


def prepared_input(pictures: Sequence[np.ndarray], options: Mapping[str, Any]) -> np.ndarray:
    """What ``PicturePreparation`` makes of pictures, without torch: N x 3 x H x W float32."""
    import cv2

    height, width = options["input_size"]
    resized = [
        picture
        if picture.shape[:2] == (height, width)
        else cv2.resize(
            np.ascontiguousarray(picture), (width, height), interpolation=cv2.INTER_LINEAR
        )
        for picture in pictures
    ]
    values = np.stack(resized).transpose(0, 3, 1, 2).astype(np.float32)
    if options["scale"] != "raw":
        values /= np.float32(255)
    if options["scale"] == "imagenet":
        mean, deviation = (
            np.array(numbers, np.float32).reshape(1, 3, 1, 1)
            for numbers in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        )
        values = (values - mean) / deviation
    return np.ascontiguousarray(values[:, ::-1]) if options["colour"] == "bgr" else values


def _opened(
    path: Path, network: str | None, input_size: Sequence[int] | None, threads: int | None
) -> JndSession:
    if path.suffix == ".onnx":
        return JndSession(path, threads=threads)
    if path.suffix in (".h5", ".hdf5"):
        from jndlab.models.keras.weights import import_keras

        if network is None:
            raise UserError(
                "Keras weights do not name their network.",
                where=str(path),
                expected="the option `network`, e.g. mj_lat",
            )
        chosen = {"input_size": list(input_size)} if input_size else {}
        return JndSession(jnd_onnx_bytes(import_keras(path, network, chosen)), threads=threads)
    from jndlab.models.model_files import load_model

    return JndSession(jnd_onnx_bytes(load_model(path, network=network)), threads=threads)
