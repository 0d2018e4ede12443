"""Frames with JND labels as training data of LASeR-JND's and MTJND's networks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from jndlab.errors import UserError
from jndlab.media.pictures import read_picture
from jndlab.models.laser_jnd.autoencoder import RECONSTRUCTION
from jndlab.models.mtjnd.networks import ATTENTION
from jndlab.models.picture_preparation import PicturePreparation
from jndlab.models.vmaf_curve import CURVE, qps_at_falls
from jndlab.subsets import SUBSETS
from jndlab.training.recipe import Batch


class Frame(Protocol):
    """A frame of ``jndlab.datasets.jnd_frames.folder``, as far as training needs it."""

    @property
    def name(self) -> str: ...

    @property
    def subset(self) -> str: ...

    @property
    def picture(self) -> Path: ...

    @property
    def jnd(self) -> tuple[float, ...] | None: ...

    @property
    def jnd_pictures(self) -> Mapping[int, Path]: ...

    @property
    def curve(self) -> tuple[float, ...] | None: ...


@dataclass(frozen=True)
class FrameTargets:
    """Targets of a frame; each becomes a target of the same name as the output.

    ``levels``: "jnd<level>" for each, in the labels' unit. ``reconstruction``: the frame at the
    quality of that JND level, or for 0 the frame itself, in the network's own scale and order of
    colours. ``attention``: mean saliency, 0..1, of square cells, their side in pixels (MTJND: 16).
    ``curve``: that of VMAF over QP (:mod:`jndlab.models.vmaf_curve`).
    """

    levels: tuple[int, ...] = (1, 2, 3)
    reconstruction: int | None = None
    attention: int | None = None
    curve: bool = False

    def __post_init__(self) -> None:
        if not self.levels and self.reconstruction is None:
            raise UserError("a network is to learn nothing of its frames.")


class FrameSamples:
    """Training data (see TrainingData) of one network: whole frames, resized to its input.

    Every subset is read once and kept as uint8 at the network's size, as the authors do. An epoch
    visits every training frame once, in an order that follows from ``seed`` and the epoch. With
    ``flips`` a visit shows a frame, with its targets, mirrored left to right, top to bottom, both
    or neither, at random; without there is no augmentation. Validation visits the
    frames of ``val``. ``saliency`` is the folder of maps (grey PNG, named as the frames), needed
    for attention targets; a saliency model made them, no eyes were tracked. Raises UserError for
    no training frames, a frame without the label, coding or map that is to be learned, or a map of
    another size than its frame.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        preparation: PicturePreparation,
        targets: FrameTargets | None = None,
        *,
        saliency: str | Path | None = None,
        seed: int = 0,
        flips: bool = False,
    ) -> None:
        self.flips = flips
        self.preparation, self.targets = preparation, targets or FrameTargets()
        self.saliency, self.seed = Path(saliency) if saliency is not None else None, seed
        self.frames = {subset: [f for f in frames if f.subset == subset] for subset in SUBSETS}
        self._arrays: dict[str, _Subset] = {}
        if not self.frames["train"]:
            raise UserError("there are no labelled frames to train on.")
        for subset in ("train", "val"):
            for frame in self.frames[subset]:
                if self.targets.levels and frame.jnd is None:
                    raise UserError(f"frame '{frame.name}' of '{subset}' has no JND labels.")
        self._order_epoch, self._order = -1, np.empty(0, np.int64)

    @cached_property
    def sha256(self) -> str:
        """Hash of what the network is shown in training and validation, in order, and the seed."""
        digest = hashlib.sha256()
        for subset in ("train", "val"):
            for array in self._arrays_of(subset):
                if array is not None:
                    digest.update(f"{subset} {array.shape} {array.dtype}".encode())
                    digest.update(np.ascontiguousarray(array).data)
        settings = [asdict(self.preparation), asdict(self.targets), self.seed, self.flips]
        digest.update(json.dumps(settings, sort_keys=True).encode())
        return digest.hexdigest()

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches per epoch; the last one may be smaller."""
        return -(-len(self.frames["train"]) // batch_size)

    def batch(self, epoch: int, index: int, batch_size: int) -> Batch:
        """Training frames ``index * batch_size`` and following of ``epoch``, flipped or not."""
        if epoch != self._order_epoch:
            rng = np.random.default_rng([self.seed, 1, epoch])
            self._order_epoch = epoch
            self._order = rng.permutation(len(self.frames["train"]))
        batch = self._batch("train", self._order[index * batch_size : (index + 1) * batch_size])
        if not self.flips:
            return batch
        drawn = np.random.default_rng([self.seed, 2, epoch, index]).random((2, batch_size)) < 0.5
        inputs = tuple(mirrored(tensor, drawn) for tensor in batch.inputs)
        maps = {name: mirrored(t, drawn) for name, t in batch.targets.items() if t.ndim > 2}
        return Batch(inputs, {**batch.targets, **maps})

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """The validation frames, by name."""
        return self.in_order("val", batch_size)

    def in_order(self, subset: str, batch_size: int) -> Iterator[Batch]:
        """Frames of a subset, in the order of ``frames[subset]``; targets as far as it has any."""
        for start in range(0, len(self.frames[subset]), batch_size):
            stop = min(start + batch_size, len(self.frames[subset]))
            yield self._batch(subset, np.arange(start, stop))

    def labels(self, subset: str) -> np.ndarray | None:
        """Labels of a subset, frames x 3 (all levels), or None where it has none."""
        return self._arrays_of(subset).jnd

    def _batch(self, subset: str, chosen: np.ndarray) -> Batch:
        arrays, made = self._arrays_of(subset), {}
        if arrays.jnd is not None:
            for level in self.targets.levels:
                made[f"jnd{level}"] = torch.from_numpy(arrays.jnd[chosen, level - 1])
        if arrays.curve is not None:
            made[CURVE] = torch.from_numpy(arrays.curve[chosen])
        if arrays.attention is not None:
            made[ATTENTION] = torch.from_numpy(arrays.attention[chosen])
        pictures = self._input(arrays.pictures[chosen])
        if self.targets.reconstruction == 0:
            made[RECONSTRUCTION] = pictures
        elif arrays.jnd_pictures is not None:
            made[RECONSTRUCTION] = self._input(arrays.jnd_pictures[chosen])
        return Batch((pictures,), made)

    def _input(self, pictures: np.ndarray) -> Tensor:
        return self.preparation.as_input(torch.from_numpy(pictures).permute(0, 3, 1, 2))

    def _arrays_of(self, subset: str) -> _Subset:
        if subset not in self._arrays:
            self._arrays[subset] = self._read(self.frames[subset])
        return self._arrays[subset]

    def _read(self, frames: Sequence[Frame]) -> _Subset:
        size = self.preparation.height, self.preparation.width
        pictures = np.empty((len(frames), *size, 3), np.uint8)
        labelled = [frame.jnd for frame in frames if frame.jnd is not None]
        whole = len(labelled) == len(frames)
        level = self.targets.reconstruction
        codings = np.empty_like(pictures) if level and whole else None
        maps = None
        if self.targets.attention is not None:
            cells = (side // self.targets.attention for side in size)
            maps = np.empty((len(frames), *cells), np.float32)
        for place, frame in enumerate(frames):
            rgb = read_picture(frame.picture)
            pictures[place] = self.preparation.resized(rgb)
            if codings is not None and level:
                codings[place] = self.preparation.resized(_coding(frame, level, rgb.shape))
            if maps is not None:
                maps[place] = self._attention(frame, rgb.shape)
        jnd = np.array(labelled, np.float32).reshape(-1, 3) if whole else None
        curves = [frame.curve for frame in frames if frame.curve is not None]
        learned = self.targets.curve and len(curves) == len(frames)
        curve = qps_at_falls(curves) if learned and curves else None
        return _Subset(pictures, jnd, codings, maps, curve)

    def _attention(self, frame: Frame, shape: tuple[int, ...]) -> np.ndarray:
        if self.saliency is None:
            raise UserError(
                "attention is to be learned, and there are no saliency maps.",
                remedy="name the folder of the maps that a saliency model made.",
            )
        found = read_picture(self.saliency / f"{frame.name}.png")
        if found.shape != shape:
            raise UserError(
                "a saliency map has another size than its frame.",
                where=str(self.saliency / f"{frame.name}.png"),
                expected=f"{shape[1]}x{shape[0]}, found {found.shape[1]}x{found.shape[0]}",
                remedy="delete the folder and let the workflow make the maps again.",
            )
        assert self.targets.attention is not None
        return cell_means(self.preparation.resized(found)[..., 0], self.targets.attention) / 255


class _Subset(NamedTuple):
    """Arrays of a subset: N x H x W x 3 uint8 RGB, N x 3 labels, codings like pictures, N maps,
    N x 16 QPs of curves."""

    pictures: np.ndarray
    jnd: np.ndarray | None
    jnd_pictures: np.ndarray | None
    attention: np.ndarray | None
    curve: np.ndarray | None


def mirrored(tensor: Tensor, drawn: np.ndarray) -> Tensor:
    """N x ... x H x W turned top to bottom where ``drawn[0]``, left to right where ``drawn[1]``."""
    for axis, chosen in zip((-2, -1), torch.from_numpy(drawn[:, : len(tensor)]), strict=True):
        shape = [-1] + [1] * (tensor.ndim - 1)
        tensor = torch.where(chosen.reshape(shape), tensor.flip(axis), tensor)
    return tensor


def cell_means(values: np.ndarray, side: int) -> np.ndarray:
    """Means (rows x columns, float32) of a map over whole cells of ``side`` x ``side`` pixels.

    Pixels that are left over at the end are dropped, as they are by the poolings that lead to the
    attention map.
    """
    rows, columns = (length // side for length in values.shape)
    kept = values[: rows * side, : columns * side].astype(np.float32)
    return kept.reshape(rows, side, columns, side).mean(axis=(1, 3))


def _coding(frame: Frame, level: int, shape: tuple[int, ...]) -> np.ndarray:
    if level not in frame.jnd_pictures:
        raise UserError(
            f"frame '{frame.name}' has no picture at the quality of JND{level}.",
            expected=f"a picture in the folder jnd{level}{frame.subset}",
        )
    coded = read_picture(frame.jnd_pictures[level])
    if coded.shape != shape:
        raise UserError(
            f"a picture at the quality of JND{level} has another size than its frame.",
            where=str(frame.jnd_pictures[level]),
            expected=f"{shape[1]}x{shape[0]}, found {coded.shape[1]}x{coded.shape[0]}",
        )
    return coded
