"""Frames that JND levels are learnt from: one PNG each, all of one size, and a table of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from jndlab.errors import UserError
from jndlab.files import read_csv, write_csv
from jndlab.media.pictures import picture_sha256, read_picture


@dataclass(frozen=True)
class FrameRecord:
    """One frame, ``width`` x ``height``, called ``frame`` (its file's name without suffix).

    ``source`` is the picture or clip that it is of; frames of one source must not be parted.
    ``part`` is train, valid or test where the data set itself says so, else empty. ``origin`` is
    ``package:file`` or a path below the folder of the data set, ``index`` the frame's number in a
    clip; ``left``, ``top``, ``window_width`` and ``window_height`` say which part of the original
    was brought to this size. ``sha256`` is that of the pixels.
    """

    frame: str
    source: str
    part: str
    origin: str
    index: int | None
    left: int
    top: int
    window_width: int
    window_height: int
    width: int
    height: int
    sha256: str

    @property
    def resized(self) -> bool:
        """Whether the frame has other pixels than its original."""
        return (self.window_width, self.window_height) != (self.width, self.height)


class Window(NamedTuple):
    """Part of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


class FoundFrame(NamedTuple):
    """A frame as a data set holds it: H x W x 3 uint8 RGB, before any cut; see FrameRecord."""

    name: str
    source: str
    origin: str
    rgb: np.ndarray
    index: int | None = None
    part: str = ""
    window: Window | None = None


def write_frames(
    folder: str | Path, found: Iterable[FoundFrame], size: Sequence[int] | None
) -> list[FrameRecord]:
    """Bring frames to ``size`` (width, height), write each as PNG, and return what they are.

    A frame is the largest centred window of the size's aspect (or the frame's own ``window``),
    reduced by area averages; None takes frames as they are. Raises UserError for a frame smaller
    than the size, two of one name, and without a size for mixed or odd sizes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    records: dict[str, FrameRecord] = {}
    for frame in found:
        if frame.name in records:
            raise UserError(
                f"two frames would be called '{frame.name}'.",
                where=f"{records[frame.name].origin} and {frame.origin}",
                remedy="rename one of the files, or take it out.",
            )
        window, rgb = _fitted(frame, size)
        height, width = rgb.shape[:2]
        first = next(iter(records.values()), None)
        if first is not None and (width, height) != (first.width, first.height):
            raise UserError(
                "frames have mixed sizes.",
                where=frame.origin,
                expected=f"{first.width}x{first.height} as {first.origin}, found {width}x{height}",
                remedy="set `jnd_frames.size`, to which all are cut and reduced.",
            )
        if width % 2 or height % 2:
            raise UserError(
                "a frame has an odd width or height.",
                where=frame.origin,
                expected=f"even ones, as 4:2:0 video has; found {width}x{height}",
                remedy="set `jnd_frames.size`, or cut a row or column off.",
            )
        Image.fromarray(rgb).save(folder / f"{frame.name}.png")
        records[frame.name] = FrameRecord(
            frame.name, frame.source, frame.part, frame.origin, frame.index, *window,
            width, height, picture_sha256(rgb),
        )  # fmt: skip
    if not records:
        raise UserError("a data set holds no frames.")
    return list(records.values())


def write_records(path: str | Path, records: Iterable[FrameRecord]) -> None:
    """Write the table of frames as CSV."""
    write_csv(path, map(asdict, records), [field.name for field in fields(FrameRecord)])


def read_records(path: str | Path) -> list[FrameRecord]:
    """Read what :func:`write_records` wrote."""
    whole = ("left", "top", "window_width", "window_height", "width", "height")
    return [
        FrameRecord(**row | {key: int(row[key]) for key in whole}
                    | {"index": int(row["index"]) if row["index"] else None})
        for row in read_csv(path)
    ]  # fmt: skip


def read_frames(
    folder: str | Path, records: Iterable[FrameRecord]
) -> Iterator[tuple[FrameRecord, np.ndarray]]:
    """The pixels (H x W x 3 uint8 RGB) of listed frames; UserError where a file was changed."""
    for record in records:
        path = Path(folder) / f"{record.frame}.png"
        rgb = read_picture(path)
        if picture_sha256(rgb) != record.sha256:
            raise UserError(
                "a frame is not the one that was listed.",
                where=str(path),
                expected=f"pixels of SHA-256 {record.sha256}",
                remedy="delete the folder and list the frames again.",
            )
        yield record, rgb


def by_source(records: Iterable[FrameRecord]) -> Mapping[str, list[FrameRecord]]:
    """Frames of each source, in the order of the table."""
    sources: dict[str, list[FrameRecord]] = {}
    for record in records:
        sources.setdefault(record.source, []).append(record)
    return sources


def windows(width: int, height: int, size: Sequence[int], count: int) -> list[Window]:
    """``count`` windows of a picture with the aspect of ``size`` that do not overlap.

    One is the largest that is centred; of several each is a cell of that window, cut into
    ceil(sqrt(count)) rows and columns, and diagonal cells come first.
    """
    scale = min(width / size[0], height / size[1])
    whole = round(size[0] * scale), round(size[1] * scale)
    left, top = (width - whole[0]) // 2, (height - whole[1]) // 2
    cells = math.isqrt(count - 1) + 1
    across, down = whole[0] // cells, whole[1] // cells
    places = [(cell, (cell + turn) % cells) for turn in range(cells) for cell in range(cells)]
    return [
        Window(left + column * across, top + row * down, across, down)
        for row, column in places[:count]
    ]


def evenly_spread(count: int, wanted: int) -> list[int]:
    """``wanted`` of the numbers 0 to ``count`` - 1 (or all), each in the middle of its share."""
    wanted = min(wanted, count)
    return [(2 * place + 1) * count // (2 * wanted) for place in range(wanted)]


def _fitted(frame: FoundFrame, size: Sequence[int] | None) -> tuple[Window, np.ndarray]:
    height, width = frame.rgb.shape[:2]
    if size is None:
        return Window(0, 0, width, height), frame.rgb
    window = frame.window or windows(width, height, size, 1)[0]
    if window.width < size[0] or window.height < size[1]:
        raise UserError(
            "a frame is too small.",
            where=frame.origin,
            expected=f"{size[0]}x{size[1]} at least, found {window.width}x{window.height}"
            + (f" of {width}x{height}" if (window.width, window.height) != (width, height) else ""),
            remedy="leave its source out of `jnd_frames.sources`, or lower `jnd_frames.size`.",
        )
    part = frame.rgb[window.top : window.top + window.height,
                     window.left : window.left + window.width]  # fmt: skip
    if part.shape[:2] == (size[1], size[0]):
        return window, np.ascontiguousarray(part)
    import cv2  # 0.2 s to import: only where something is reduced

    return window, cv2.resize(np.ascontiguousarray(part), tuple(size), interpolation=cv2.INTER_AREA)
