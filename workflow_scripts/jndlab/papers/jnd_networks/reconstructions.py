"""How near the pictures that LASeR-JND's networks make come to the frame at its JND."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from jndlab.datasets.jnd_frames.folder import LabelledFrames
from jndlab.media.pictures import read_picture
from jndlab.models.jnd_onnx import JndSession
from jndlab.models.laser_jnd.autoencoder import RECONSTRUCTION
from jndlab.models.picture_preparation import PicturePreparation
from jndlab.papers.jnd_networks.stages import Run, Stage

SMALLEST_ERROR = 1e-9  # of equal pictures, whose PSNR would be infinite


@dataclass(frozen=True)
class Reconstruction:
    """A test frame as a network makes it. ``level``: the JND that is aimed at, 0 the frame itself.

    ``psnr_db`` is over R, G, B at the network's input size; ``identity_db`` that of the frame
    itself in place of what is made (None for level 0).
    """

    name: str
    level: int
    fold: str
    seed: int | None
    source: str
    frame: str
    psnr_db: float
    identity_db: float | None


COLUMNS = [field.name for field in fields(Reconstruction)]


def makes_pictures(stage: Stage) -> bool:
    """Whether a stage's ONNX file makes a picture (E2E-LAT's decoder is left out there)."""
    return not stage.predicts or stage.network == "e2e_rec"


def reconstruct(
    sets: Sequence[LabelledFrames],
    stages: Mapping[str, Stage],
    models: Mapping[tuple[str, Run | None], str | Path],
) -> Iterator[Reconstruction]:
    """Every test frame through every network that makes pictures, in the folds that test it."""
    by_split = {one.split: one.of_subset("test") for one in sets}
    for (name, run), path in models.items():
        stage = stages[name]
        if not makes_pictures(stage):
            continue
        level = stage.target_level or (stage.levels[0] if stage.predicts else 0)
        session = JndSession(path, threads=1)
        prepared = preparation_of(session)
        splits = [run.split] if run else list(by_split)
        for split, frame in ((one, frame) for one in splits for frame in by_split[one]):
            rgb = read_picture(frame.picture)
            if level and level not in frame.jnd_pictures:
                continue
            wanted = read_picture(frame.jnd_pictures[level]) if level else rgb
            aim, before = prepared.resized(wanted), prepared.resized(rgb)
            made = picture_made(session, prepared, rgb)
            identity = psnr(before, aim) if level else None
            seed = run.seed if run else None
            who = (name, level, split, seed, frame.source, frame.name)
            yield Reconstruction(*who, psnr(made, aim), identity)


def preparation_of(session: JndSession) -> PicturePreparation:
    """How a network's input is made of pictures."""
    assert session.architecture is not None
    options = session.architecture["options"]
    height, width = options["input_size"]
    return PicturePreparation(height, width, options["colour"], options["scale"])


def picture_made(session: JndSession, prepared: PicturePreparation, rgb: np.ndarray) -> np.ndarray:
    """The picture (H x W x 3 uint8 RGB, at its input size) that a network makes of another."""
    made = session(prepared([rgb]).numpy())[RECONSTRUCTION]
    return prepared.as_pictures(torch.from_numpy(made))[0].permute(1, 2, 0).numpy()


def psnr(picture: np.ndarray, other: np.ndarray) -> float:
    """PSNR in dB over all samples of two 8-bit pictures."""
    error = float(np.square(picture.astype(float) - other).mean())
    return round(10 * float(np.log10(255**2 / max(error, SMALLEST_ERROR))), 4)
