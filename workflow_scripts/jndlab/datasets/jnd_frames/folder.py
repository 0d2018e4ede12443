"""Labelled frames as training reads them: the authors' folder layout and a table.

``<folder>/train`` holds frames (PNG) and their label file, ``<folder>/jnd1train`` each frame as it
looks at JND1, and so on for every subset and level (``valid`` for val): the scripts of LASeR-JND's
and MTJND's authors can read the folder. What it cannot hold (source, unit, kind of label) stands in
the table.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from jndlab.datasets.authors_folder import FOLDERS, LABEL_FILE, write_label_file
from jndlab.datasets.jnd_labels import JndLabels
from jndlab.datasets.pictures.picture_list import Picture, by_source
from jndlab.datasets.splits import Split, split_by_fractions
from jndlab.errors import UserError
from jndlab.files import read_csv, write_csv
from jndlab.subsets import SUBSETS

LEVELS = (1, 2, 3)
COLUMNS = ["name", "source", "subset", "frame", "width", "height", "unit", "kind", "statistic",
           "jnd1", "jnd2", "jnd3"]  # fmt: skip


@dataclass(frozen=True)
class LabelledFrame:
    """One frame of a training set: files and labels.

    ``subset`` is train, val or test; ``source`` the clip or picture that the frame is of; ``jnd``
    JND1 to JND3 in the set's unit, None for a test frame without labels; ``jnd_pictures`` the
    frame at each level's quality, where it was made.
    """

    name: str
    source: str
    subset: str
    picture: Path
    jnd: tuple[float, ...] | None
    jnd_pictures: Mapping[int, Path]


@dataclass(frozen=True)
class LabelledFrames:
    """A training set; ``kind`` is ``subjective`` or ``vmaf_steps``, ``unit`` QP or QF."""

    frames: tuple[LabelledFrame, ...]
    width: int
    height: int
    unit: str
    kind: str
    statistic: str

    def of_subset(self, subset: str) -> tuple[LabelledFrame, ...]:
        """Frames of ``train``, ``val`` or ``test``, by name."""
        return tuple(frame for frame in self.frames if frame.subset == subset)

    @property
    def conditions(self) -> dict[str, str]:
        """Kind and statistic of the labels and size of the frames, as ``report.conditions`` names
        them."""
        size = f"{self.width}x{self.height}"
        return {"labels": self.kind, "label_statistic": self.statistic, "resolution": size}

    @cached_property
    def label_means(self) -> tuple[float, ...]:
        """Mean label of each level over the training frames: where heads may start."""
        labels = [frame.jnd for frame in self.of_subset("train") if frame.jnd is not None]
        return tuple(np.mean(labels, axis=0).tolist())


def split_sources(
    records: Sequence[Picture],
    *,
    seed: int,
    fractions: Mapping[str, float],
    held_out: Sequence[str] = (),
) -> Split:
    """Subsets by source: as the data set gives them, or by fractions of the sources.

    ``held_out`` sources are tested and never learned from; fractions are of the others. Raises
    UserError for such a source that is not there, and for too few sources.
    """
    sources = by_source(records)
    given = {record.subset for record in records} - {""}
    if given:
        subsets = {
            subset: tuple(sorted({row.source for row in records if row.subset == subset}))
            for subset in SUBSETS
            if subset in given
        }
        return Split("given", subsets)
    for source in held_out:
        if source not in sources:
            raise UserError(
                f"there is no source '{source}' to hold out.",
                where="`jnd_frames.split.held_out`",
                expected=f"some of {', '.join(list(sources)[:24])}",
            )
    others = [source for source in sources if source not in held_out]
    drawn = split_by_fractions(others, seed, fractions)
    tested = tuple(sorted((*drawn.subsets["test"], *held_out)))
    return Split(f"seed{seed}", {**drawn.subsets, "test": tested})


def write_authors_folder(
    root: str | Path,
    records: Sequence[Picture],
    split: Split,
    labels: JndLabels,
    frames: str | Path,
    coded: str | Path,
) -> list[dict[str, object]]:
    """Copy frames and their codings (``coded``/jnd1 ...) into the layout; returns the table's rows.

    Only test frames may lack labels, and then all of them do.
    """
    root, frames, coded = Path(root), Path(frames), Path(coded)
    labelled, rows = set(labels.sources), []
    for subset in split.subsets:
        of_subset = sorted(
            (record for record in records if split.subset_of(record.source) == subset),
            key=lambda record: record.name,
        )
        names = [record.name for record in of_subset]
        with_labels = subset != "test" or bool(labelled & set(names))
        values = labels.values(names) if with_labels else np.full((len(names), 3), np.nan)
        called = FOLDERS[subset]
        folders = {root / called: frames}
        if with_labels:
            folders |= {root / f"jnd{level}{called}": coded / f"jnd{level}" for level in LEVELS}
            write_label_file(root / called / LABEL_FILE, values)
        for target, origin in folders.items():
            target.mkdir(parents=True, exist_ok=True)
            for name in names:
                shutil.copyfile(origin / f"{name}.png", target / f"{name}.png")
        for record, jnd in zip(of_subset, values, strict=True):
            metadata: dict[str, str | None] = {
                "subset": subset,
                "unit": labels.unit,
                "kind": labels.kind,
            }
            metadata |= {"statistic": labels.statistic}
            metadata |= {
                f"jnd{level}": f"{value:g}" if with_labels else None
                for level, value in zip(LEVELS, jnd, strict=True)
            }
            rows.append({name: metadata.get(name, vars(record).get(name)) for name in COLUMNS})
    return rows


def write_set(path: str | Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write the table of a training set as CSV."""
    write_csv(path, rows, COLUMNS)


def read_set(folder: str | Path, table: str | Path) -> LabelledFrames:
    """The training set of a folder and the table that describes it.

    Raises UserError for another table, and for frames of the table that the folder lacks.
    """
    folder = Path(folder)
    try:
        rows = read_csv(table)
    except OSError as error:
        raise UserError(
            f"the table of a training set cannot be read: {error.strerror}.", where=str(table)
        ) from error
    if not rows or list(rows[0]) != COLUMNS:
        raise UserError(
            "this is no table of labelled frames.",
            where=str(table),
            expected=f"the columns {', '.join(COLUMNS)}; "
            f"found {', '.join(map(str, rows[0])) if rows else 'no rows'}",
        )
    frames = tuple(_labelled_frame(folder, row) for row in rows)
    first = rows[0]
    size = int(first["width"]), int(first["height"])
    return LabelledFrames(frames, *size, first["unit"], first["kind"], first["statistic"])


def _labelled_frame(folder: Path, row: Mapping[str, str]) -> LabelledFrame:
    file, name = f"{row['name']}.png", FOLDERS[row["subset"]]
    picture = folder / name / file
    if not picture.is_file():
        raise UserError(
            "a frame of a training set is missing.",
            where=str(picture),
            remedy="let the workflow write the folder again.",
        )
    jnd_pictures = {level: folder / f"jnd{level}{name}" / file for level in LEVELS}
    return LabelledFrame(
        row["name"],
        row["source"],
        row["subset"],
        picture,
        tuple(float(row[f"jnd{level}"]) for level in LEVELS) if row["jnd1"] else None,
        {level: path for level, path in jnd_pictures.items() if path.is_file()},
    )
