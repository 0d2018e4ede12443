"""What networks and baselines predict for labelled frames, as rows of one table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.datasets.jnd_frames.folder import LabelledFrame, LabelledFrames
from jndlab.datasets.pictures.packaged import packaged_file
from jndlab.datasets.pictures.picture_list import Picture
from jndlab.errors import UserError
from jndlab.files import sha256_of, write_csv
from jndlab.media.clip import ClipFormat
from jndlab.media.pictures import read_picture, rgb_to_frame
from jndlab.models.network_jnd_predictor import FrameNetwork
from jndlab.papers.jnd_networks.stages import Stage
from jndlab.quality.siti import siti_of_file, siti_of_frames

BASELINES = {
    "training_mean": "mean of the training labels",
    "training_median": "median of the training labels",
    "linear_siti": "linear in spatial (and temporal) information",
}
Psnr = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True)
class Prediction:
    """One level of one frame. ``kind`` is network, imported or baseline.

    ``model_sha256`` is the hash of the model file that predicted (empty for a baseline).
    ``label`` and ``predicted`` are in ``unit`` (QP or QF), ``predicted`` as the network gave it.
    ``psnr_label`` and ``psnr_predicted`` (dB, luma) are of the frame coded as a still at the two
    after rounding.
    """

    name: str
    network: str
    variant: str
    kind: str
    level: int
    subset: str
    source: str
    frame: str
    unit: str
    label: float
    predicted: float
    psnr_label: float
    psnr_predicted: float
    model_sha256: str = ""


COLUMNS = [field.name for field in fields(Prediction)]


def predict_by_networks(
    models: Mapping[str, str | Path],
    stages: Mapping[str, Stage],
    frames: LabelledFrames,
    psnr: Psnr,
) -> Iterator[Prediction]:
    """Predictions of every labelled frame by trained networks (stage name -> ONNX file).

    Raises UserError where a model predicts other levels than its stage is of.
    """
    labelled = [frame for frame in frames.frames if frame.jnd is not None]
    pictures = [read_picture(frame.picture) for frame in labelled]
    for name, path in models.items():
        stage, network = stages[name], FrameNetwork(path, threads=1)
        if network.levels != stage.levels:
            raise UserError(
                f"the model of {name} predicts other levels than it should.",
                where=str(path),
                expected=f"JND {stage.levels}, found {network.levels}",
            )
        kind = "network" if stage.trained else "imported"
        who = {"name": name, "network": stage.network, "variant": stage.variant, "kind": kind}
        who |= {"unit": frames.unit, "model_sha256": sha256_of(path)}
        values = network.predict(pictures)
        for place, level in enumerate(stage.levels):
            yield from _rows(who, level, labelled, values[:, place], psnr)


def predict_by_baselines(
    frames: LabelledFrames, features: np.ndarray, psnr: Psnr
) -> Iterator[Prediction]:
    """Predictions by what needs no network, fitted to the training frames alone.

    ``features`` has a row per labelled frame: spatial and, where it is known, temporal information.
    """
    labelled = [frame for frame in frames.frames if frame.jnd is not None]
    trained = np.array([frame.subset == "train" for frame in labelled])
    labels = np.array([frame.jnd for frame in labelled])
    inputs = np.column_stack([np.ones(len(labelled)), features])
    solved = np.linalg.lstsq(inputs[trained], labels[trained], rcond=None)[0]
    ones = np.ones_like(labels)
    values = {
        "training_mean": ones * labels[trained].mean(axis=0),
        "training_median": ones * np.median(labels[trained], axis=0),
        "linear_siti": inputs @ solved,
    }
    for name, predicted in values.items():
        who = {"name": name, "network": name, "variant": "", "kind": "baseline"}
        who["unit"] = frames.unit
        for level in range(1, labels.shape[1] + 1):
            yield from _rows(who, level, labelled, predicted[:, level - 1], psnr)


def features_of(
    frames: LabelledFrames, records: Sequence[Picture], folder: str | Path | None
) -> np.ndarray:
    """Spatial and temporal information of each labelled frame, as FFmpeg's ``siti`` measures it.

    Where every frame is of a clip (VideoSet) both are those of the frame in its clip, read from
    ``folder`` (the data set's). Where any is a still there is one column, spatial information of
    the frames as they are.
    """
    named = {record.name: record for record in records}
    chosen = [named[frame.name] for frame in frames.frames if frame.jnd is not None]
    places = [(record.origin, record.frame) for record in chosen if record.frame is not None]
    if len(places) == len(chosen):
        measured = {
            origin: siti_of_file(_path_of(origin, folder))
            for origin in dict.fromkeys(origin for origin, _ in places)
        }
        return np.array([measured[origin][frame] for origin, frame in places])
    pictures = [
        rgb_to_frame(read_picture(frame.picture))
        for frame in frames.frames
        if frame.jnd is not None
    ]
    clip = ClipFormat(frames.width, frames.height, Fraction(25), len(pictures))
    return np.array([[values.spatial] for values in siti_of_frames(pictures, clip)])


def write_predictions(path: str | Path, rows: Sequence[Prediction]) -> None:
    """Write predictions as CSV, in the order given."""
    write_csv(path, (_short(asdict(row)) for row in rows), COLUMNS)


def whole_quality(value: float, known: Mapping[int, float]) -> int:
    """A predicted or labelled quality as a frame can be coded with it: rounded, within range."""
    return int(min(max(math.floor(value + 0.5), min(known)), max(known)))


def _rows(
    who: Mapping[str, Any],
    level: int,
    frames: Sequence[LabelledFrame],
    predicted: np.ndarray,
    psnr: Psnr,
) -> Iterator[Prediction]:
    for frame, value in zip(frames, predicted.tolist(), strict=True):
        assert frame.jnd is not None
        known, label = psnr[frame.name], frame.jnd[level - 1]
        yield Prediction(
            **who,
            level=level,
            subset=frame.subset,
            source=frame.source,
            frame=frame.name,
            label=label,
            predicted=value,
            psnr_label=known[whole_quality(label, known)],
            psnr_predicted=known[whole_quality(value, known)],
        )


def _path_of(origin: str, folder: str | Path | None) -> Path:
    return packaged_file(origin) if ":" in origin else Path(folder or ".") / origin


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
