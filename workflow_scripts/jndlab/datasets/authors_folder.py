"""Frames and labels in the folder layout of LASeR-JND's and MTJND's authors.

``train/ valid/ test/`` hold frames and one label file (``JND-Levels.txt``: a row per frame, JND1
to JND3 as QP, whitespace between); ``test/`` may lack it. ``jnd1train/ jnd1valid/ ...`` hold each
frame as it looks at that JND. The authors pair rows with frames by directory order; here it is
the order of the sorted names, and counts must agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jndlab.datasets.jnd_files import read_text, require_folder
from jndlab.datasets.jnd_labels import JndLabels, Kind, Order, labels_from_values
from jndlab.errors import UserError
from jndlab.files import number_of, write_text
from jndlab.media.pictures import picture_size

FOLDERS = {"train": "train", "val": "valid", "test": "test"}  # subset -> the authors' folder
LABEL_FILE = "JND-Levels.txt"
LEVELS = (1, 2, 3)
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


@dataclass(frozen=True)
class FramesOfSplit:
    """Frames of one split in label order, all ``width`` x ``height``.

    ``labels`` has a row per frame (None for a test split without); ``jnd_frames`` gives the frames
    of each JND level that is there, in the same order.
    """

    name: str
    frames: tuple[Path, ...]
    width: int
    height: int
    labels: JndLabels | None
    jnd_frames: dict[int, tuple[Path, ...]]


def read_authors_folder(
    folder: str | Path, *, kind: Kind = "subjective", order: Order = "error"
) -> dict[str, FramesOfSplit]:
    """The subsets of a folder in the authors' layout: ``train``, ``val`` and, if there, ``test``.

    ``kind`` is that of the labels (the file does not hold it); their source is the frame's name
    without suffix. Raises UserError, with file, expected and found, for: no or several label files,
    folders or files of other kinds inside a split, rows that are not three numbers or not as many
    as frames, JNDs out of QP 0..51 or (``order="error"``) out of order, frames of mixed sizes, and
    JND frames that do not fit the frames in name, number or size.
    """
    folder = require_folder(folder)
    splits = {}
    for subset, name in FOLDERS.items():
        if (folder / name).is_dir():
            splits[subset] = _read_split(folder, name, kind, order)
        elif name != "test":
            raise UserError(
                f"the folder '{name}' is missing.",
                where=str(folder),
                expected=f"{', '.join(FOLDERS.values())} (test may be left out)",
            )
    if len({(split.width, split.height) for split in splits.values()}) > 1:
        found = ", ".join(f"{s.name} {s.width}x{s.height}" for s in splits.values())
        raise UserError(
            "splits have frames of different sizes.",
            where=str(folder),
            expected=f"one size, found {found}",
        )
    return splits


def write_label_file(path: str | Path, values: np.ndarray) -> None:
    """Write a label file: one row of JND1 to JND3 per frame, in the order of the frames' names."""
    rows = (" ".join(f"{value:g}" for value in row) for row in np.atleast_2d(values))
    write_text(path, "".join(f"{row}\n" for row in rows))


def _read_split(root: Path, name: str, kind: Kind, order: Order) -> FramesOfSplit:
    folder = root / name
    frames, texts = _contents(folder)
    if len(texts) > 1 or (not texts and name != "test"):
        raise UserError(
            f"the split '{name}' has {len(texts)} label files.",
            where=str(folder),
            expected=f"one, {LABEL_FILE}; found {', '.join(t.name for t in texts) or 'none'}",
        )
    width, height = _common_size(frames, folder)
    labels = _read_labels(texts[0], frames, kind, order) if texts else None
    jnd_frames = {}
    for level in LEVELS:
        jnd_folder = root / f"jnd{level}{name}"
        if jnd_folder.is_dir():
            jnd_frames[level] = _read_jnd_frames(jnd_folder, frames, (width, height))
    return FramesOfSplit(name, tuple(frames), width, height, labels, jnd_frames)


def _read_jnd_frames(
    folder: Path, frames: Sequence[Path], size: tuple[int, int]
) -> tuple[Path, ...]:
    found, texts = _contents(folder)
    expected, got = [frame.stem for frame in frames], [frame.stem for frame in found]
    if texts or got != expected:
        odd = sorted(set(got) ^ set(expected)) + [text.name for text in texts]
        raise UserError(
            f"JND frames do not fit the {len(frames)} frames of their split.",
            where=str(folder),
            expected=f"the same names; found {len(found)}, different: {', '.join(odd[:8])}",
        )
    if _common_size(found, folder) != size:
        raise UserError(
            "JND frames have another size than the frames of their split.",
            where=str(folder),
            expected="{}x{}, found {}x{}".format(*size, *_common_size(found, folder)),
        )
    return tuple(found)


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Frames in the order of their names and text files; whatever else is there is refused."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    frames = [path for path in entries if path.is_file() and path.suffix.lower() in SUFFIXES]
    texts = [path for path in entries if path.is_file() and path.suffix.lower() == ".txt"]
    others = [path.name for path in entries if path not in frames and path not in texts]
    if others:
        raise UserError(
            f"a folder of frames holds something else: {', '.join(others[:8])}.",
            where=str(folder),
            expected=f"frames ({', '.join(SUFFIXES)}) and {LABEL_FILE} only, no folders",
        )
    if not frames:
        raise UserError("a folder holds no frames.", where=str(folder))
    _require_unique_stems(frames)
    _require_plain_order(frames)
    return frames, texts


def _require_unique_stems(frames: Iterable[Path]) -> None:
    seen: dict[str, Path] = {}
    for frame in frames:
        if (other := seen.setdefault(frame.stem, frame)) != frame:
            raise UserError(
                f"two frames are called '{frame.stem}'.",
                where=f"{other} and {frame.name}",
                expected="one file per frame",
            )


def _require_plain_order(frames: Sequence[Path]) -> None:
    """Refuse names (2.png, 10.png) which people and programs sort in different orders."""
    counted = sorted(frames, key=lambda path: [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)
    ])  # fmt: skip
    for plain, by_number in zip(frames, counted, strict=True):
        if plain != by_number:
            raise UserError(
                "the order of the frames, on which their labels depend, is not clear.",
                where=str(plain.parent),
                expected=f"names in the same order as text and by number; found {plain.name} "
                f"and {by_number.name}",
                remedy="pad the numbers in the names with zeros (002, 010).",
            )


def _common_size(frames: Sequence[Path], folder: Path) -> tuple[int, int]:
    first: tuple[int, int] | None = None
    for frame in frames:
        size = picture_size(frame)
        first = first or size
        if size != first:
            raise UserError(
                "frames have mixed sizes.",
                where=str(frame),
                expected="{}x{} as {}, found {}x{}".format(*first, frames[0].name, *size),
            )
    if first is None:
        raise UserError("a folder holds no frames.", where=str(folder))
    return first


def _read_labels(path: Path, frames: Sequence[Path], kind: Kind, order: Order) -> JndLabels:
    lines = [line.split() for line in read_text(path, "a label file").splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) != len(frames):
        raise UserError(
            f"a label file has {len(lines)} rows.",
            where=str(path),
            expected=f"{len(frames)}, one per frame",
        )
    values = {}
    for number, (frame, cells) in enumerate(zip(frames, lines, strict=True), start=1):
        try:
            row = [number_of(cell) for cell in cells]
        except ValueError:
            row = []
        if len(row) != len(LEVELS):
            raise UserError(
                "a row of a label file is not JND1, JND2 and JND3.",
                where=f"{path}, line {number}",
                expected=f"three numbers, found '{' '.join(cells)[:60]}'",
            )
        values[frame.stem] = row
    return labels_from_values(values, "QP", kind, "unstated", str(path), order=order)
