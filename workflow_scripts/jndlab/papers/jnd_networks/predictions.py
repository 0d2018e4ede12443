"""What networks and baselines predict for labelled frames, as rows of one table."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.datasets.jnd_frames.folder import LabelledFrame, LabelledFrames
from jndlab.errors import UserError
from jndlab.files import sha256_of, write_csv
from jndlab.media.pictures import read_picture
from jndlab.models.network_jnd_predictor import FrameNetwork
from jndlab.papers.jnd_networks.baselines import Features, predict_by_baselines
from jndlab.papers.jnd_networks.stages import Run, Stage, limited
from jndlab.subsets import SUBSETS

Psnr = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True)
class Prediction:
    """One level of one frame. ``kind`` is network, imported or baseline.

    ``fold`` is the name of the split by which the frame is of ``subset``; ``seed`` that of the
    training, None where nothing of the kind was drawn. ``model_sha256`` is the hash of the model
    file that predicted (empty for a baseline). ``label`` and ``predicted`` are in ``unit``
    (QP or QF), ``predicted`` as the network gave it. ``learned_from`` is the number of labelled
    frames that a learning curve trained it on, None for all. ``psnr_label`` and
    ``psnr_predicted`` (dB, luma) are of the frame coded as a still at the two after rounding.
    """

    name: str
    network: str
    variant: str
    kind: str
    level: int
    fold: str
    seed: int | None
    subset: str
    source: str
    frame: str
    unit: str
    label: float
    predicted: float
    psnr_label: float
    psnr_predicted: float
    learned_from: int | None = None
    model_sha256: str = ""


COLUMNS = [field.name for field in fields(Prediction)]


def predict(
    sets: Sequence[LabelledFrames],
    stages: Mapping[str, Stage],
    models: Mapping[tuple[str, Run | None], str | Path],
    features: Features,
    psnr: Psnr,
    *,
    subsets: Sequence[str] = SUBSETS,
    threads: int = 1,
) -> Iterator[Prediction]:
    """Predictions of the labelled frames of ``subsets`` by networks and baselines, split by split.

    ``models`` are ONNX files by stage and run; an import, which has no run, is asked about every
    split. ``features`` have a row per labelled frame of ``sets[0]``. Raises UserError where a model
    predicts other levels than its stage is of.
    """
    labelled = [frame for frame in sets[0].frames if frame.jnd is not None]
    names = [frame.name for frame in labelled]
    pictures = [read_picture(frame.picture) for frame in labelled]
    labels = np.array([frame.jnd for frame in labelled])
    where: dict[str, Any]
    by_split = {one.split: {frame.name: frame for frame in one.frames} for one in sets}
    wanted = _places(by_split, names, subsets)
    if not any(wanted.values()):  # such as a folder whose test frames have no labels
        wanted = _places(by_split, names, SUBSETS)
    for (name, run), path in models.items():
        stage, network = stages[name], FrameNetwork(path, threads=threads)
        if network.levels != stage.levels:
            raise UserError(
                f"the model of {name} predicts other levels than it should.",
                where=str(path),
                expected=f"JND {stage.levels}, found {network.levels}",
            )
        who: dict[str, Any] = {"name": name, "network": stage.network, "variant": stage.variant}
        who |= {"kind": "network" if stage.trained else "imported", "unit": sets[0].unit}
        who |= {"model_sha256": sha256_of(path), "learned_from": stage.frames}
        for split in [run.split] if run else by_split:
            of_split = [by_split[split][names[at]] for at in wanted[split]]
            values = network.predict([pictures[at] for at in wanted[split]])
            where = {**who, "fold": split, "seed": run.seed if run else None}
            for place, level in enumerate(stage.levels):
                yield from _rows(where, level, of_split, values[:, place], psnr)
    counts = sorted({stage.frames for stage in stages.values() if stage.frames is not None})
    for one, count in itertools.product(sets, [None, *counts]):
        asked = wanted[one.split]
        of_split = [by_split[one.split][names[at]] for at in asked]
        learned = one if count is None else one.learned_from(count)
        trained = np.isin(names, [frame.name for frame in learned.of_subset("train")])
        for name, values in predict_by_baselines(labels, features, trained).items():
            where = {"name": name, "network": name, "variant": "", "kind": "baseline"}
            if count is not None:
                where |= {"name": f"{name}-{limited(count)}", "variant": limited(count)}
            where |= {"unit": one.unit, "fold": one.split, "seed": None, "learned_from": count}
            for level in range(1, labels.shape[1] + 1):
                yield from _rows(where, level, of_split, values[asked, level - 1], psnr)


def write_predictions(path: str | Path, rows: Iterator[Prediction]) -> None:
    """Write predictions as CSV, in the order given."""
    write_csv(path, (_short(vars(row)) for row in rows), COLUMNS)


def whole_quality(value: float, known: Mapping[int, float]) -> int:
    """A predicted or labelled quality as a frame can be coded with it: rounded, within range."""
    return int(min(max(math.floor(value + 0.5), min(known)), max(known)))


def _places(
    by_split: Mapping[str, Mapping[str, LabelledFrame]],
    names: Sequence[str],
    subsets: Sequence[str],
) -> dict[str, list[int]]:
    """Where in ``names`` the frames of some subsets stand, by split."""
    return {
        split: [at for at, name in enumerate(names) if frames[name].subset in subsets]
        for split, frames in by_split.items()
    }


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


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
