"""Pairs of pictures as training data: luma of source and target, random crops, a held-out part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from jndlab.errors import UserError
from jndlab.media.picture_folder import picture_files
from jndlab.media.pictures import read_luma
from jndlab.training.recipe import ONLY_OUTPUT, Batch

VALIDATION_CROPS_PER_PICTURE = 4
GIB = 1 << 30


def find_pairs(sources: str | Path, targets: str | Path) -> list[tuple[Path, Path]]:
    """Pair the pictures of two folders by their names without suffix, all of them or UserError."""
    by_name = [picture_files(Path(folder)) for folder in (sources, targets)]
    alone = sorted(set(by_name[0]) ^ set(by_name[1]))
    if alone:
        raise UserError(
            f"{len(alone)} pictures have no counterpart in the other folder, first '{alone[0]}'.",
            where=f"{sources} and {targets}",
            expected="the same names in both folders",
        )
    return [(by_name[0][name], by_name[1][name]) for name in sorted(by_name[0])]


class PicturePairs:
    """Random crops of (source, target) luma pairs, for networks from luma to luma in [0, 1].

    An epoch visits every training picture ``crops_per_picture`` times, in random order and at
    random places that follow from ``seed`` and the epoch alone. ``held_out`` is the share of
    pictures (at least one, if there are two) kept for validation, from each of which the same few
    crops are taken. ``target_margin`` pixels are cut off every side of the target, for a network
    with ``border``. ``augment`` applies one of the eight flips and rotations.

    All pictures are kept in memory as they are stored (uint8), up to ``ram_bytes``; beyond that
    they are read again whenever they are needed. Raises UserError for no pairs, a damaged picture,
    a pair of two sizes, or a picture smaller than the crop.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str | Path, str | Path]],
        *,
        crop: int = 64,
        seed: int = 0,
        held_out: float = 0.05,
        crops_per_picture: int = 1,
        target_margin: int = 0,
        augment: bool = False,
        ram_bytes: int = 4 * GIB,
    ) -> None:
        if not pairs:
            raise UserError("there are no pictures to train on.", remedy="make the data set first.")
        self.pairs = [(Path(source), Path(target)) for source, target in pairs]
        self.crop, self.seed, self.target_margin = crop, seed, target_margin
        self.crops_per_picture, self.augment = crops_per_picture, augment
        self.kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.sizes: list[tuple[int, int]] = []
        self.content_sha256 = self._read_all(ram_bytes)
        order = np.random.default_rng([seed, 0]).permutation(len(self.pairs))
        count = min(max(1, round(held_out * len(order))), len(order) - 1) if held_out else 0
        self.held_out = sorted(int(i) for i in order[:count])
        self.training = sorted(int(i) for i in order[count:])
        self._plan_epoch, self._plan = -1, np.empty((0, 4), dtype=np.int64)

    @cached_property
    def sha256(self) -> str:
        """Hash of the luma of all pictures, in order, and of how they are sampled."""
        sampling = [self.crop, self.seed, self.held_out, self.crops_per_picture]
        sampling += [self.target_margin, self.augment]
        text = json.dumps([self.content_sha256, *sampling])
        return hashlib.sha256(text.encode()).hexdigest()

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches per epoch; the last one may be smaller."""
        return -(-len(self.training) * self.crops_per_picture // batch_size)

    def batch(self, epoch: int, index: int, batch_size: int) -> Batch:
        """Crops ``index * batch_size`` and following of ``epoch``."""
        if epoch != self._plan_epoch:
            rng = np.random.default_rng([self.seed, 1, epoch])
            visits = rng.permutation(np.repeat(self.training, self.crops_per_picture))
            self._plan_epoch, self._plan = epoch, self._places(visits, rng)
        return self._cut(self._plan[index * batch_size : (index + 1) * batch_size])

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """The same crops of the held-out pictures every time, never flipped or turned."""
        visits = np.repeat(self.held_out, VALIDATION_CROPS_PER_PICTURE)
        plan = self._places(visits, np.random.default_rng([self.seed, 2]))
        plan[:, 3] = 0
        for start in range(0, len(plan), batch_size):
            yield self._cut(plan[start : start + batch_size])

    def _places(self, visits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Rows of (picture, top, left, turn)."""
        visits = visits.astype(np.int64)
        sizes = np.array(self.sizes, dtype=np.int64)[visits].reshape(-1, 2)
        corners = rng.integers(0, sizes - self.crop + 1)
        turns = rng.integers(0, 8 if self.augment else 1, size=len(visits))
        return np.column_stack([visits, corners, turns])

    def _cut(self, plan: np.ndarray) -> Batch:
        margin, crop = self.target_margin, self.crop
        sources, targets = [], []
        for picture, top, left, turn in plan:
            source, target = (
                _turned(plane[top : top + crop, left : left + crop], turn)
                for plane in self._pair(int(picture))
            )
            sources.append(source)
            targets.append(target[margin : crop - margin, margin : crop - margin])
        return Batch((_unit_tensor(sources),), {ONLY_OUTPUT: _unit_tensor(targets)})

    def _pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.kept.get(index) or self._read_pair(index)

    def _read_pair(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        paths = self.pairs[index]
        source, target = read_luma(paths[0]), read_luma(paths[1])
        if source.shape != target.shape:
            raise UserError(
                "the two pictures of a training pair differ in size.",
                where=f"{paths[0]} and {paths[1]}",
                expected=f"{_size(source)}, found {_size(target)}",
            )
        if min(source.shape) < self.crop:
            raise UserError(
                "a training picture is smaller than the crop.",
                where=str(paths[0]),
                expected=f"at least {self.crop}x{self.crop}, found {_size(source)}",
                remedy="take the picture out, or train on smaller crops.",
            )
        return source, target

    def _read_all(self, ram_bytes: int) -> str:
        digest, used = hashlib.sha256(), 0
        for index in range(len(self.pairs)):
            pair = self._read_pair(index)
            self.sizes.append((pair[0].shape[0], pair[0].shape[1]))
            for plane in pair:
                digest.update(f"{plane.shape} {plane.dtype}".encode())
                digest.update(np.ascontiguousarray(plane).data)
                used += plane.nbytes
            if used <= ram_bytes:
                self.kept[index] = pair
        return digest.hexdigest()


def _turned(plane: np.ndarray, turn: int) -> np.ndarray:
    plane = np.rot90(plane, turn % 4)
    return plane[:, ::-1] if turn >= 4 else plane


def _unit_tensor(planes: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(planes)[:, None].astype(np.float32) / np.float32(255.0))


def _size(plane: np.ndarray) -> str:
    return f"{plane.shape[1]}x{plane.shape[0]}"
