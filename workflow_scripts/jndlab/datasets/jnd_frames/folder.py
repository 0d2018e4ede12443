"""Labelled frames as training reads them, their splits by source, and the authors' folder layout.

In the layout ``<folder>/train`` holds frames (PNG) and their label file, ``<folder>/jnd1train``
each frame as it looks at JND1, and so on for every subset and level (``valid`` for val): the
scripts of LASeR-JND's and MTJND's authors can read the folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from jndlab.datasets.authors_folder import FOLDERS, LABEL_FILE, write_label_file
from jndlab.datasets.jnd_labels import JndLabels, read_labels
from jndlab.datasets.pictures.picture_list import Picture, by_source, read_list
from jndlab.datasets.splits import Split, read_splits, split_by_fractions, split_into_folds
from jndlab.errors import UserError
from jndlab.subsets import SUBSETS

LEVELS = (1, 2, 3)


@dataclass(frozen=True)
class LabelledFrame:
    """One frame of a training set: files and labels.

    ``subset`` is train, val or test; ``source`` the clip or picture that the frame is of; ``jnd``
    JND1 to JND3 in the set's unit, None for a test frame without labels; ``jnd_pictures`` the
    frame at each level's quality, where it was made; ``curve`` how far VMAF falls at QP 1 to 51, in
    steps of the labels, where that was read.
    """

    name: str
    source: str
    subset: str
    picture: Path
    jnd: tuple[float, ...] | None
    jnd_pictures: Mapping[int, Path]
    curve: tuple[float, ...] | None = None


@dataclass(frozen=True)
class LabelledFrames:
    """A training set by one split: ``kind`` ``subjective`` or ``vmaf_steps``, ``unit`` QP or QF."""

    frames: tuple[LabelledFrame, ...]
    width: int
    height: int
    unit: str
    kind: str
    statistic: str
    split: str = "given"

    def of_subset(self, subset: str) -> tuple[LabelledFrame, ...]:
        """Frames of ``train``, ``val`` or ``test``, by name."""
        return tuple(frame for frame in self.frames if frame.subset == subset)

    def learned_from(self, count: int) -> LabelledFrames:
        """The set with ``count`` training frames: the first of one drawn order of those with
        labels, so that a larger count has the frames of a smaller one. UserError for too few."""
        labelled = [frame for frame in self.of_subset("train") if frame.jnd is not None]
        if count > len(labelled):
            raise UserError(
                f"{count} training frames are to be learned from, and the set has {len(labelled)}.",
                where=f"`learning_curve.frames`, split '{self.split}'",
                expected=f"at most {len(labelled)}",
            )
        order = np.random.default_rng(0).permutation(len(labelled))
        kept = {labelled[index].name for index in order[:count]}
        frames = tuple(f for f in self.frames if f.subset != "train" or f.name in kept)
        return replace(self, frames=frames)

    @property
    def conditions(self) -> dict[str, str]:
        """Kind and statistic of the labels and size of the frames, as ``report.conditions`` names
        them."""
        size = f"{self.width}x{self.height}"
        return {"labels": self.kind, "label_statistic": self.statistic, "resolution": size}

    @cached_property
    def label_start(self) -> tuple[tuple[float, float], ...]:
        """Median and deviation of the training labels of each level: where heads may start."""
        labels = [frame.jnd for frame in self.of_subset("train") if frame.jnd is not None]
        values = np.median(labels, axis=0), np.std(labels, axis=0)
        return tuple(zip(*(of_levels.tolist() for of_levels in values), strict=True))

    @cached_property
    def curves(self) -> list[tuple[float, ...]]:
        """Curves of the training frames; UserError where they have none."""
        curves = [frame.curve for frame in self.of_subset("train") if frame.curve is not None]
        if not curves:
            raise UserError(
                "no frame has a curve of VMAF over QP to learn.",
                where="head `vmaf_curve`",
                expected="labels of the kind vmaf_steps, whose sweeps were measured",
            )
        return curves


def split_sources(
    records: Sequence[Picture],
    *,
    seed: int,
    fractions: Mapping[str, float],
    kind: str = "fractions",
    folds: int = 5,
    held_out: Sequence[str] = (),
) -> list[Split]:
    """Subsets by source: as the data set gives them, one split by fractions, or grouped folds.

    Where only some records have a subset, it is ``train``, in every split (generated pictures).
    ``held_out`` sources are test sources of the first split (and of no other: fractions and folds
    are of the others). Raises UserError for such a source that is not there, and for too few
    sources.
    """
    sources = by_source(records)
    given = {record.subset for record in records}
    if "" not in given:
        subsets = {
            subset: tuple(sorted({row.source for row in records if row.subset == subset}))
            for subset in SUBSETS
            if subset in given
        }
        return [Split("given", subsets)]
    for source in held_out:
        if source not in sources:
            raise UserError(
                f"there is no source '{source}' to hold out.",
                where="`jnd_frames.split.held_out`",
                expected=f"some of {', '.join(list(sources)[:24])}",
            )
    learned = tuple(sorted({row.source for row in records if row.subset == "train"}))
    others = [source for source in sources if source not in (*held_out, *learned)]
    if kind == "grouped_folds":
        drawn = split_into_folds(others, seed, folds, first=held_out, key="jnd_frames.split.folds")
    else:
        by_shares = split_by_fractions(others, seed, fractions)
        tested = tuple(sorted((*by_shares.subsets["test"], *held_out)))
        drawn = [Split(by_shares.name, {**by_shares.subsets, "test": tested})]
    return [
        Split(one.name, {**one.subsets, "train": (*one.subsets["train"], *learned)})
        for one in drawn
    ]


def write_authors_folder(
    root: str | Path,
    records: Sequence[Picture],
    split: Split,
    labels: JndLabels,
    frames: str | Path,
    coded: str | Path,
) -> None:
    """Copy labelled frames and their codings (``coded``/jnd1 ...) into the layout.

    Only of test frames may none have labels.
    """
    root, frames, coded = Path(root), Path(frames), Path(coded)
    labelled = set(labels.sources)
    for subset in split.subsets:
        names = [record.name for record in _listed(records, split, subset, labelled)]
        called = FOLDERS[subset]
        folders = {root / called: frames}
        if subset != "test" or labelled & set(names):
            folders |= {root / f"jnd{level}{called}": coded / f"jnd{level}" for level in LEVELS}
            write_label_file(root / called / LABEL_FILE, labels.values(names))
        for target, origin in folders.items():
            target.mkdir(parents=True, exist_ok=True)
            for name in names:
                shutil.copyfile(origin / f"{name}.png", target / f"{name}.png")


def read_sets(
    frames: str | Path,
    pictures: str | Path,
    table: str | Path,
    labels: str | Path,
    splits: str | Path,
    curves: Mapping[str, tuple[float, ...]] | None = None,
) -> list[LabelledFrames]:
    """The training set by each split, in the order of ``splits``; frames by subset and name.

    ``frames`` and ``pictures`` are the folders of the frames and of their codings (jnd1 ...), the
    others tables of records, labels and splits; ``curves`` those of VMAF over QP by frame. Raises
    UserError for frames that are missing.
    """
    records = read_list(table)
    known = read_labels(labels, order="warn")
    of_frame = dict(zip(known.sources, known.values().tolist(), strict=True))
    known_curves = curves or {}
    sets = []
    for split in read_splits(splits):
        listed = [
            _labelled_frame(
                record,
                subset,
                Path(frames),
                Path(pictures),
                of_frame.get(record.name),
                known_curves.get(record.name),
            )
            for subset in split.subsets
            for record in _listed(records, split, subset, set(of_frame))
        ]
        size = records[0].width, records[0].height
        what = known.unit, known.kind, known.statistic
        sets.append(LabelledFrames(tuple(listed), *size, *what, split.name))
    return sets


def _listed(
    records: Sequence[Picture], split: Split, subset: str, labelled: Set[str]
) -> list[Picture]:
    """Records of a subset by name, those without labels left out where others have them."""
    every = [record for record in records if split.subset_of(record.source) == subset]
    known = [record for record in every if record.name in labelled]
    return sorted(known or every, key=lambda record: record.name)


def _labelled_frame(
    record: Picture,
    subset: str,
    frames: Path,
    coded: Path,
    jnd: Sequence[float] | None,
    curve: tuple[float, ...] | None,
) -> LabelledFrame:
    file = f"{record.name}.png"
    picture = frames / file
    if not picture.is_file():
        raise UserError(
            "a frame of a training set is missing.",
            where=str(picture),
            remedy="let the workflow write the folder again.",
        )
    jnd_pictures = {level: coded / f"jnd{level}" / file for level in LEVELS}
    return LabelledFrame(
        record.name,
        record.source,
        subset,
        picture,
        tuple(jnd) if jnd is not None else None,
        {level: path for level, path in jnd_pictures.items() if path.is_file()},
        curve,
    )
