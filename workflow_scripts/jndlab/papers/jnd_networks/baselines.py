"""What predicts JNDs without a network: constants, and linear models on features of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlab.datasets.jnd_frames.folder import LabelledFrames
from jndlab.datasets.pictures.packaged import path_of
from jndlab.datasets.pictures.picture_list import Picture
from jndlab.media.clip import ClipFormat
from jndlab.media.pictures import read_picture, rgb_to_frame
from jndlab.quality.siti import siti_of_file, siti_of_frames

MEDIAN, RIDGE = "constant_median", "ridge_features"
BASELINES = {
    "constant_mean": "mean of the training labels",
    MEDIAN: "median of the training labels",
    "linear_siti": "linear in spatial (and temporal) information",
    RIDGE: "ridge regression on six features of luma: logarithms of contrast, mean gradient and "
    "mean Laplacian, mean and tenth percentile of the logarithm of 8x8 blocks' deviations, "
    "brightness",
}
BLOCK = 8
RIDGE_PENALTY = 1.0  # of coefficients of standardised features, on the sum of squared errors


class Features(NamedTuple):
    """Features of labelled frames, a row each: spatial (and temporal) information, and the six."""

    siti: np.ndarray
    six: np.ndarray


def predict_by_baselines(
    labels: np.ndarray, features: Features, trained: np.ndarray
) -> dict[str, np.ndarray]:
    """Predictions (frames x levels) of each of ``BASELINES``, fitted to training frames alone.

    ``labels`` are frames x levels, ``trained`` says which frames are learned from.
    """
    inputs = np.column_stack([np.ones(len(labels)), features.siti])
    solved = np.linalg.lstsq(inputs[trained], labels[trained], rcond=None)[0]
    ones = np.ones_like(labels)
    return {
        "constant_mean": ones * labels[trained].mean(axis=0),
        MEDIAN: ones * np.median(labels[trained], axis=0),
        "linear_siti": inputs @ solved,
        RIDGE: ridge_regression(features.six[trained], labels[trained], features.six),
    }


def ridge_regression(inputs: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values predicted at ``wanted`` (M x features) from N x features and N x outputs.

    Features are standardised over ``inputs``; the constant is not penalised (Hoerl & Kennard,
    Technometrics 12, 1970). A feature that never differs is left out.
    """
    center, spread = inputs.mean(axis=0), inputs.std(axis=0)
    used = spread > 0
    standard, asked = (
        ((rows - center) / np.where(used, spread, 1))[:, used] for rows in (inputs, wanted)
    )
    mean = values.mean(axis=0)
    penalty = RIDGE_PENALTY * np.eye(standard.shape[1])
    solved = np.linalg.solve(standard.T @ standard + penalty, standard.T @ (values - mean))
    return mean + asked @ solved


def six_features(luma: np.ndarray) -> list[float]:
    """The features of ``RIDGE`` of one luma plane (H x W, both at least ``BLOCK``)."""
    y = luma.astype(float)
    vertical, horizontal = np.gradient(y)
    laplacian = 4 * y[1:-1, 1:-1] - y[:-2, 1:-1] - y[2:, 1:-1] - y[1:-1, :-2] - y[1:-1, 2:]
    rows, columns = (side // BLOCK for side in y.shape)
    blocks = y[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    of_blocks = np.log1p(blocks.std(axis=(1, 3)))
    return [
        float(np.log1p(y.std())),
        float(np.log1p(np.hypot(vertical, horizontal).mean())),
        float(np.log1p(np.abs(laplacian).mean())),
        float(of_blocks.mean()),
        float(np.percentile(of_blocks, 10)),
        float(y.mean()) / 255,
    ]


def features_of(
    frames: LabelledFrames, records: Sequence[Picture], folder: str | Path | None
) -> Features:
    """Features of each labelled frame; spatial and temporal information as FFmpeg's ``siti``.

    Where every frame is of a clip (VideoSet) these are those of the frame in its clip, read from
    ``folder`` (the data set's). Where any is a still there is one column, spatial information of
    the frames as they are.
    """
    labelled = [frame for frame in frames.frames if frame.jnd is not None]
    pictures = [rgb_to_frame(read_picture(frame.picture)) for frame in labelled]
    six = np.array([six_features(picture.y) for picture in pictures])
    named = {record.name: record for record in records}
    chosen = [named[frame.name] for frame in labelled]
    places = [(record.origin, record.frame) for record in chosen if record.frame is not None]
    if len(places) == len(chosen):
        measured = {
            origin: siti_of_file(path_of(origin, folder))
            for origin in dict.fromkeys(origin for origin, _ in places)
        }
        return Features(np.array([measured[origin][frame] for origin, frame in places]), six)
    clip = ClipFormat(frames.width, frames.height, Fraction(25), len(pictures))
    spatial = [[values.spatial] for values in siti_of_frames(pictures, clip)]
    return Features(np.array(spatial), six)
