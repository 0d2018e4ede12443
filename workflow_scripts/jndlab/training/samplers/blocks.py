"""Blocks, their temporal information and JND labels as training data of BL-JUNIPER's CNN."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from jndlab.errors import UserError
from jndlab.jnd.block.pictures import rgb_blocks
from jndlab.models.bl_juniper.cnn import BLOCK, BlockPreparation
from jndlab.subsets import FRACTIONS, SUBSETS
from jndlab.training.recipe import Batch

UNLABELLED = 0  # a label of this leaves its block out


class LabelledBlocks(NamedTuple):
    """Blocks of one frame or of many, in one order: frame, then row, then column.

    ``pixels`` N x 64 x 64 x 3 uint8 RGB, ``temporal_information`` N (raw TPI), ``jnd`` N x levels
    (QP), ``sources`` N names of the clips that they come from.
    """

    pixels: np.ndarray
    temporal_information: np.ndarray
    jnd: np.ndarray
    sources: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[LabelledBlocks]) -> LabelledBlocks:
        """Several frames' blocks as one."""
        if not parts:
            raise UserError("there are no labelled blocks to train on.")
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def labelled_blocks(
    rgb: np.ndarray, temporal_information: np.ndarray, jnd: np.ndarray, source: str
) -> LabelledBlocks:
    """The whole blocks of a frame (H x W x 3 uint8 RGB) that have labels.

    ``temporal_information`` (rows x columns: block TPI of stage 1, or the published one) and
    ``jnd`` (rows x columns x levels) are over all blocks, or over the whole ones only as the
    published labels. A block with a label of 0 is left out. Raises UserError for another grid.
    """
    whole = rgb.shape[0] // BLOCK, rgb.shape[1] // BLOCK
    every = -(-rgb.shape[0] // BLOCK), -(-rgb.shape[1] // BLOCK)
    for noun, array, dimensions in (
        ("temporal information", temporal_information, 2),
        ("JND labels", jnd, 3),
    ):
        if array.ndim != dimensions or array.shape[:2] not in (whole, every):
            raise UserError(
                f"the {noun} of '{source}' does not fit its picture's blocks.",
                expected=f"{whole[0]} x {whole[1]} whole or {every[0]} x {every[1]} blocks, "
                f"found {' x '.join(map(str, array.shape))}",
            )
    inside = slice(whole[0]), slice(whole[1])
    count = whole[0] * whole[1]
    labels = jnd[inside].reshape(count, jnd.shape[2])
    kept = (labels != UNLABELLED).all(axis=1)
    pixels = rgb_blocks(rgb, BLOCK, "drop").reshape(count, BLOCK, BLOCK, 3)
    return LabelledBlocks(
        pixels[kept],
        temporal_information[inside].reshape(count)[kept].astype(np.float32),
        labels[kept].astype(np.float32),
        np.full(int(kept.sum()), source),
    )


def split_by_source(
    sources: Sequence[str], fractions: Mapping[str, float] = FRACTIONS, seed: int = 0
) -> dict[str, str]:
    """Which source serves "train", "val" or "test"; one is never in two.

    The authors' split is not published. Blocks of one clip are similar, so a split of blocks would
    test on what was trained on. Every subset with a fraction gets a source at least. Raises
    UserError where there are fewer sources than such subsets.
    """
    names, shares = sorted(set(sources)), [fractions[name] for name in SUBSETS]
    wanted = [index for index, share in enumerate(shares) if share > 0]
    if len(names) < len(wanted):
        raise UserError(
            f"{len(names)} sources cannot be split into {', '.join(SUBSETS)}.",
            expected=f"at least {len(wanted)} sources",
        )
    order = [names[index] for index in np.random.default_rng([seed, 0]).permutation(len(names))]
    total = sum(shares)
    counts = [max(1, round(share / total * len(names))) if share > 0 else 0 for share in shares]
    counts[wanted[0]] = len(names) - sum(counts[index] for index in wanted[1:])
    split_of = np.repeat(SUBSETS, counts)
    return {name: str(split) for name, split in zip(order, split_of, strict=True)}


class BlockSamples:
    """Training data of one of the networks (see TrainingData): one JND level of labelled blocks.

    ``split`` is the subset of each source (:func:`split_by_source`). ``level`` is
    that of the labels' columns, from 1. Standardisation is that of the training blocks
    (``preparation``, to be kept with the model); ``scrambled`` reads the pixels as the authors did.
    An epoch visits every training block once, in an order that follows from ``seed`` and the
    epoch. Raises UserError where a source has no split or nothing is to be trained on.
    """

    def __init__(
        self,
        blocks: LabelledBlocks,
        split: Mapping[str, str],
        *,
        level: int = 1,
        scrambled: bool = False,
        seed: int = 0,
    ) -> None:
        self.blocks, self.level, self.seed = blocks, level, seed
        levels = blocks.jnd.shape[1]
        if not 1 <= level <= levels:
            raise UserError(f"there are no labels of JND level {level}.", expected=f"1..{levels}")
        unknown = sorted({str(source) for source in blocks.sources} - set(split))
        if unknown:
            raise UserError(
                f"sources have no split: {', '.join(unknown)}.",
                expected="train, val or test for each",
            )
        split_of = np.array([split[str(source)] for source in blocks.sources])
        self.members = {name: np.flatnonzero(split_of == name) for name in SUBSETS}
        training = self.members["train"]
        if not training.size:
            raise UserError("there are no labelled blocks to train on.")
        self.preparation = BlockPreparation.fitted(
            blocks.pixels[training], blocks.temporal_information[training], scrambled=scrambled
        )
        self._order_epoch, self._order = -1, training

    @cached_property
    def sha256(self) -> str:
        """Hash of blocks, labels, split, standardisation and seed."""
        digest = hashlib.sha256()
        for array in (*self.blocks[:3], *self.members.values()):
            digest.update(f"{array.shape} {array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update(json.dumps([self.level, self.seed, asdict(self.preparation)]).encode())
        return digest.hexdigest()

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches per epoch; the last one may be smaller."""
        return -(-len(self.members["train"]) // batch_size)

    def batch(self, epoch: int, index: int, batch_size: int) -> Batch:
        """Training blocks ``index * batch_size`` and following of ``epoch``."""
        if epoch != self._order_epoch:
            rng = np.random.default_rng([self.seed, 1, epoch])
            self._order_epoch, self._order = epoch, rng.permutation(self.members["train"])
        return self._batch(self._order[index * batch_size : (index + 1) * batch_size])

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """The validation blocks, in the order given."""
        return self._in_order("val", batch_size, standardised_ti=True)

    def test(self, batch_size: int, *, standardised_ti: bool = True) -> Iterator[Batch]:
        """The test blocks; the authors' test script did not standardise their TI (``False``)."""
        return self._in_order("test", batch_size, standardised_ti=standardised_ti)

    def _in_order(self, split: str, batch_size: int, *, standardised_ti: bool) -> Iterator[Batch]:
        members = self.members[split]
        for start in range(0, len(members), batch_size):
            chosen = members[start : start + batch_size]
            batch = self._batch(chosen)
            if not standardised_ti:
                raw = torch.from_numpy(self.blocks.temporal_information[chosen])
                batch = batch._replace(inputs=(batch.inputs[0], raw))
            yield batch

    def _batch(self, members: np.ndarray) -> Batch:
        inputs = self.preparation(
            self.blocks.pixels[members], self.blocks.temporal_information[members]
        )
        labels = self.blocks.jnd[members, self.level - 1].astype(np.float32)
        return Batch(inputs, {f"jnd{self.level}": torch.from_numpy(labels)})
