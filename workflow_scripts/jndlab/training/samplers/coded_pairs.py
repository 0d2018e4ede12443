"""Pairs of a picture and its coded version as training data for lossy/lossless classifiers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.jnd.pixel.maps import jnd_picture, pixel_jnd
from jndlab.media.patches import PLACES, cut_patches, luma_of
from jndlab.media.pictures import picture_sha256
from jndlab.quality.picture_ssim import picture_ssim
from jndlab.training.recipe import ONLY_OUTPUT, Batch
from jndlab.training.samplers.pair_sampling import PairSampling

NEAR = 20  # qualities to each side of the PW-JND from which half of the pairs are taken
GIB = 1 << 30
MOST_HELD_OUT = 2000  # pairs: MCL-JCI's ten validating pictures have 1,910
AUTHORS_K2 = 0.02  # the constant of SSIM in the authors' program, where 0.03 is usual


class LabelledPicture(NamedTuple):
    """A picture (H x W x 3, uint8 RGB) and its PW-JND: the best quality with visible errors.

    ``curve`` is VMAF NEG of each of the codec's qualities, for ordinal targets only.
    """

    name: str
    picture: np.ndarray
    pw_jnd: int
    curve: Sequence[float] | None = None


class PicturePairsJnd:
    """Patches of picture pairs; target 1: the coded version is at or below the PW-JND, visible.

    Inputs are reference, distorted and (``with_jnd``) JND patches of side ``patch_size``, N x P x 3
    x h x w in 0..1. Pairs of ``training`` come in random order, all before one comes again, with
    patches at new places; both follow from the ``seed`` and the number of the pair. An epoch is
    ``epoch_steps`` batches, or all pairs. ``held_out`` pictures are for validation, always with the
    same patches, at most ``MOST_HELD_OUT`` pairs. Coded pictures come from ``store`` and are kept
    in memory up to ``ram_bytes``; beyond that they are decoded whenever they are needed.

    Raises UserError for no pictures, one smaller than a patch, one named twice, a label that is
    no quality of the codec, or ordinal targets of a picture without a curve.
    """

    def __init__(
        self,
        training: Sequence[LabelledPicture],
        held_out: Sequence[LabelledPicture],
        codec: StillCodec,
        store: StillStore,
        sampling: PairSampling,
        *,
        seed: int = 0,
        epoch_steps: int | None = None,
        patch_size: int = 128,
        with_jnd: bool = True,
        ram_bytes: int = 4 * GIB,
    ) -> None:
        if not training:
            raise UserError("there are no labelled pictures to train on.")
        self.pictures = [*training, *held_out]
        self.codec, self.store, self.sampling = codec, store, sampling
        self.patch_size, self.with_jnd = patch_size, with_jnd
        self.seed, self.epoch_steps = seed, epoch_steps
        _check(self.pictures, codec, patch_size, curves=sampling.softness > 0)
        self.training_pairs: list[tuple[int, int]] = []
        self.held_out_pairs: list[tuple[int, int]] = []
        for index, labelled in enumerate(self.pictures):
            rng = np.random.default_rng([seed, 0, index])
            count = sampling.pairs_per_picture
            drawn = sample_qualities(codec.qualities, labelled.pw_jnd, count, rng)
            pairs = self.training_pairs if index < len(training) else self.held_out_pairs
            pairs += [(index, quality) for quality in drawn]
        step = -(-len(self.held_out_pairs) // MOST_HELD_OUT) or 1
        self.held_out_pairs = self.held_out_pairs[::step]
        self.weights: dict[tuple[int, int], float] = {}
        self.kept: dict[tuple[int, int], np.ndarray] = {}
        self._encode_all(ram_bytes)
        self.references = [self._reference(p.picture) for p in self.pictures]
        self.maps = [self._map(picture) if with_jnd else None for picture in self.references]
        self._pass, self._order = -1, np.empty(0, dtype=np.int64)

    @cached_property
    def sha256(self) -> str:
        """Hash of pictures, labels, codec, sampling and seed."""
        pictures = [
            (picture_sha256(p.picture), int(p.pw_jnd), p.curve if self.sampling.softness else None)
            for p in self.pictures
        ]
        split = len({index for index, _ in self.training_pairs})
        recipe = self.codec.recipe(self.codec.qualities[0])
        content = [pictures, split, recipe, self.sampling.plain(), self.patch_size, self.with_jnd]
        content += [self.seed, self.epoch_steps]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def steps_per_epoch(self, batch_size: int) -> int:
        """Batches per epoch; where that is a pass over all pairs the last one may be smaller."""
        return self.epoch_steps or -(-len(self.training_pairs) // batch_size)

    def batch(self, epoch: int, index: int, batch_size: int) -> Batch:
        """Batch ``index`` of ``epoch``."""
        count = len(self.training_pairs)
        if self.epoch_steps:
            first = (epoch * self.epoch_steps + index) * batch_size
            numbers = range(first, first + batch_size)
        else:
            first = epoch * count + index * batch_size
            numbers = range(first, min(first + batch_size, (epoch + 1) * count))
        pairs = [self._pair(*divmod(number, count)) for number in numbers]
        rngs = [np.random.default_rng([self.seed, 2, *divmod(n, count)]) for n in numbers]
        return self._cut(pairs, rngs)

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """The pairs of the held-out pictures, with the same patches every time."""
        for start in range(0, len(self.held_out_pairs), batch_size):
            pairs = self.held_out_pairs[start : start + batch_size]
            numbers = range(start, start + len(pairs))
            yield self._cut(pairs, [np.random.default_rng([self.seed, 3, n]) for n in numbers])

    def _pair(self, turn: int, place: int) -> tuple[int, int]:
        """Pair ``place`` of a pass over all pairs, each in an order of its own."""
        if turn != self._pass:
            rng = np.random.default_rng([self.seed, 1, turn])
            self._pass, self._order = turn, rng.permutation(len(self.training_pairs))
        return self.training_pairs[self._order[place]]

    def _cut(self, pairs: list[tuple[int, int]], rngs: list[np.random.Generator]) -> Batch:
        size, count = self.patch_size, self.sampling.patches
        corners_in = PLACES[self.sampling.places]
        inputs: list[list[np.ndarray]] = [[], [], []]
        for (index, quality), rng in zip(pairs, rngs, strict=True):
            reference = self.references[index]
            corners = corners_in(reference.shape, size, count, rng)
            inputs[0].append(cut_patches(reference, corners, size))
            inputs[1].append(cut_patches(self._coded(index, quality), corners, size))
            if (jnd := self.maps[index]) is not None:
                if self.sampling.crops == "independent":
                    corners = corners_in(jnd.shape, size, count, rng)
                inputs[2].append(cut_patches(jnd, corners, size))
        wanted = [self._target(self.pictures[index], quality) for index, quality in pairs]
        targets = {ONLY_OUTPUT: torch.tensor(wanted, dtype=torch.float32)}
        if self.sampling.importance:
            weights = [self.weights[pair] for pair in pairs]
            targets[f"{ONLY_OUTPUT}.weight"] = torch.tensor(weights, dtype=torch.float32)
        return Batch(tuple(torch.from_numpy(np.stack(part)) for part in inputs if part), targets)

    def _target(self, of: LabelledPicture, quality: int) -> float:
        qualities = self.codec.qualities
        if not self.sampling.softness or of.curve is None:
            return float(is_visible(qualities, of.pw_jnd, quality))
        label = qualities.index(of.pw_jnd)
        edge = (of.curve[label] + of.curve[min(label + 1, len(qualities) - 1)]) / 2
        return float(expit((edge - of.curve[qualities.index(quality)]) / self.sampling.softness))

    def _coded(self, index: int, quality: int) -> np.ndarray:
        kept = self.kept.get((index, quality))
        if kept is not None:
            return kept
        return self.store.get(self.codec, self.pictures[index].picture, quality).picture

    def _encode_all(self, ram_bytes: int) -> None:
        """Code all pairs once, keep what fits in memory, and note the weight of each."""
        free = ram_bytes
        pairs = sorted({*self.training_pairs, *self.held_out_pairs})
        for index, labelled in enumerate(self.pictures):
            qualities = [quality for picture, quality in pairs if picture == index]
            at_jnd = self.store.get(self.codec, labelled.picture, labelled.pw_jnd).picture
            for coded in self.store.sweep(self.codec, labelled.picture, qualities):
                if self.sampling.importance:
                    distance = 1 - picture_ssim(at_jnd, coded.picture, k2=AUTHORS_K2)
                    weight = 1 + self.sampling.importance * distance
                    self.weights[index, coded.quality] = weight
                if coded.picture.nbytes <= free:
                    free -= coded.picture.nbytes
                    self.kept[index, coded.quality] = coded.picture

    def _reference(self, picture: np.ndarray) -> np.ndarray:
        if self.sampling.reference == "source":
            return picture
        return self.store.get(self.codec, picture, self.codec.qualities[-1]).picture

    def _map(self, picture: np.ndarray) -> np.ndarray:
        jnd = pixel_jnd(luma_of(picture), self.sampling.jnd_model)
        return jnd_picture(jnd, self.sampling.jnd_gain)


def is_visible(qualities: Sequence[int], pw_jnd: int, quality: int) -> bool:
    """The label of a coded picture: whether ``quality`` is the PW-JND or worse.

    ``qualities`` are the codec's, from worst to best. At the PW-JND itself errors are visible: it
    is the last visible quality of :mod:`jndlab.jnd.quality_search`.
    """
    return qualities.index(quality) <= qualities.index(pw_jnd)


def sample_qualities(
    qualities: Sequence[int], pw_jnd: int, count: int, rng: np.random.Generator
) -> list[int]:
    """``count`` qualities, half of them visible (one more where odd), half of each half near.

    Near is within :data:`NEAR` qualities of the edge; the others are from the whole of their side.
    Qualities come again once their part is used up. Where one side has none, all are of the other.
    """
    edge = qualities.index(pw_jnd) + 1
    visible, lossless = list(qualities[:edge][::-1]), list(qualities[edge:])
    of_visible = count - count // 2 if lossless else count
    drawn: list[int] = []
    for side, wanted in ((visible, of_visible), (lossless, count - of_visible)):
        near = wanted - wanted // 2
        for part, number in ((side[:NEAR], near), (side, wanted - near)):
            while number > 0:
                some = rng.permutation(part)[:number].tolist()
                drawn += some
                number -= len(some)
    return drawn


def accuracy(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Share of right labels (logit above 0: visible): a metric for the training loop."""
    return ((outputs[ONLY_OUTPUT] > 0) == (targets[ONLY_OUTPUT] > 0.5)).float().mean()


class Scores(NamedTuple):
    """Accuracy in separating visible and lossless; None where a share has no denominator."""

    accuracy: float
    precision: float | None
    recall: float | None


def classification_scores(predicted: Sequence[bool], visible: Sequence[bool]) -> Scores:
    """Accuracy, precision and recall of "visible" over any number of picture versions.

    Precision is the share of the versions called visible that are, recall the share of the visible
    ones that are called so. Which of these VP-JND prints as "precision" is not known.
    """
    called, true = np.asarray(predicted, bool), np.asarray(visible, bool)
    if called.shape != true.shape or not called.size:
        raise UserError(
            "predictions and labels do not belong together.",
            expected=f"as many of both, at least one; found {called.size} and {true.size}",
        )
    hits = int((called & true).sum())
    return Scores(
        accuracy=float((called == true).mean()),
        precision=hits / int(called.sum()) if called.any() else None,
        recall=hits / int(true.sum()) if true.any() else None,
    )


def _check(
    pictures: Sequence[LabelledPicture], codec: StillCodec, patch_size: int, *, curves: bool
) -> None:
    names = [picture.name for picture in pictures]
    for labelled in pictures:
        if names.count(labelled.name) > 1:
            raise UserError("a labelled picture is named twice.", where=labelled.name)
        if labelled.pw_jnd not in codec.qualities:
            raise UserError(
                f"a label is no quality of {codec.name}.",
                where=labelled.name,
                expected=f"a whole number from {min(codec.qualities)} to {max(codec.qualities)}, "
                f"found {labelled.pw_jnd}",
                remedy="correct the table of labels, or round means to whole qualities.",
            )
        if curves and (labelled.curve is None or len(labelled.curve) != len(codec.qualities)):
            raise UserError(
                "a labelled picture has no curve, which ordinal targets need.",
                where=labelled.name,
                expected=f"VMAF NEG at all {len(codec.qualities)} qualities of {codec.name}",
                remedy="set `softness: 0`, or measure the picture first.",
            )
        height, width = labelled.picture.shape[:2]
        if min(height, width) < patch_size:
            raise UserError(
                "a labelled picture is smaller than a patch.",
                where=labelled.name,
                expected=f"at least {patch_size}x{patch_size}, found {width}x{height}",
                remedy="take the picture out, or train on smaller patches.",
            )
