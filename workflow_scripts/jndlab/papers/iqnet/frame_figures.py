"""Figures 13, 14 and 18 of the IQNet paper: reconstructed frames of the methods, crops enlarged."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from PIL.ImageFont import load_default

from jndlab.errors import UserError
from jndlab.files import read_csv, read_json, write_csv
from jndlab.media.blocks import window_sums
from jndlab.media.clip import ClipFormat, Frame, read_clip
from jndlab.media.pictures import frame_to_rgb, write_png
from jndlab.papers.iqnet.published import load_published, sequence_ids
from jndlab.quality.decode_check import MEASURE_BIT_DEPTH
from jndlab.quality.rd_point import encoder_of
from jndlab.report.conditions import first_failure, printed_conditions

CELL = 448  # width of a column of the sheet, in pixels
MARGIN, LINE = 14, 22
GRID = 8  # crops begin at multiples of it
INK, PAPER = (20, 20, 20), (255, 255, 255)


@dataclass(frozen=True)
class Coded:
    """One method's point: its stream, the values of its frames (CSV) and the point (JSON)."""

    label: str
    stream: Path
    frames: Path
    point: Path


class Window(NamedTuple):
    """A square part of a picture, in luma pixels."""

    x: int
    y: int
    side: int


def plot_frames(
    source: Path,
    coded: Sequence[Coded],
    clip: ClipFormat,
    stem: str | Path,
    *,
    number: int = 1,
    side: int | None = None,
) -> list[Path]:
    """Write ``stem.png`` (and the numbers in it as ``stem.csv``): a column per reconstruction.

    ``source`` is the lossless clip of format ``clip``, ``coded`` the methods at one configuration
    and QP, the anchor first. Shown is frame ``number`` (from 1) in RGB
    (BT.601, limited range), the crops A and B of
    :func:`crops` (``side`` pixels, :func:`crop_side` by default) below, enlarged by a whole
    factor without smoothing. Raises UserError when the clip has no such frame.
    """
    if not 1 <= number <= clip.frames:
        raise UserError(
            f"there is no frame {number} to show.",
            where=str(source),
            expected=f"a number from 1 to {clip.frames}",
            remedy="correct the number of the frame in the configuration.",
        )
    deep = replace(clip, bit_depth=MEASURE_BIT_DEPTH)
    pictures = [_frame(path, deep, number) for path in (source, *(one.stream for one in coded))]
    windows = crops([picture.y for picture in pictures], side)
    rows = _numbers(coded, number, windows)
    titles = [["source", f"frame {number}"], *(_heading(row) for row in rows)]
    columns = [
        _column(words, frame_to_rgb(picture, MEASURE_BIT_DEPTH), windows)
        for words, picture in zip(titles, pictures, strict=True)
    ]
    point = read_json(coded[0].point)
    title, notes = _title(point), _notes(point, windows)
    stem = Path(stem)
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("png", "csv")]
    write_png(paths[0], _sheet(title, columns, notes))
    write_csv(paths[1], rows)
    return paths


def crops(lumas: Sequence[np.ndarray], side: int | None = None) -> dict[str, Window]:
    """Where to look closer, by rule: ``lumas`` are those of the source, the anchor, the others.

    A is the window with the largest sum of absolute differences between the anchor's luma and
    that of the other methods: where they change most. B is the window of the source with the most
    activity (sum of absolute differences of neighbours) that does not overlap A; a picture too
    small for a second window has none. Windows lie on a grid of 8 pixels; of equals the first
    in reading order is taken. Without another method there is only B.
    """
    source, anchor, *others = (luma.astype(np.int64) for luma in lumas)
    height, width = source.shape
    side = min(side or crop_side(height), height, width)
    found: dict[str, Window | None] = {}
    if others:
        found["A"] = _best(sum(np.abs(other - anchor) for other in others), side, None)
    activity = np.zeros_like(source)
    activity[:, 1:] += np.abs(np.diff(source, axis=1))
    activity[1:] += np.abs(np.diff(source, axis=0))
    found["B"] = _best(activity, side, found.get("A"))
    return {name: window for name, window in found.items() if window is not None}


def crop_side(height: int) -> int:
    """Side of a crop: a third of the height, at least 64 if that is at most half of it.

    Never more than half a column of the sheet, so that a crop is enlarged at least twice.
    """
    side = min(max(64, height // 3), height // 2, CELL // 2)
    return max(GRID, side // GRID * GRID)


def _frame(path: Path, clip: ClipFormat, number: int) -> Frame:
    with closing(read_clip(path, clip)) as frames:
        return next(itertools.islice(frames, number - 1, None))


def _best(weight: np.ndarray, side: int, avoided: Window | None) -> Window | None:
    """The window with the largest sum of ``weight`` among those that do not meet ``avoided``."""
    sums = window_sums(weight, side, GRID)
    if avoided is not None:
        tops, lefts = (GRID * np.arange(count) for count in sums.shape)
        near_rows, near_columns = np.abs(tops - avoided.y) < side, np.abs(lefts - avoided.x) < side
        sums[np.ix_(near_rows, near_columns)] = -1
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    if sums[row, column] < 0:
        return None
    return Window(int(column) * GRID, int(row) * GRID, side)


def _numbers(
    coded: Sequence[Coded], number: int, windows: Mapping[str, Window]
) -> list[dict[str, Any]]:
    """One row per method: what its frame and its whole sequence cost and are worth."""
    rows: list[dict[str, Any]] = []
    for one in coded:
        values, point = read_csv(one.frames)[number - 1], read_json(one.point)
        psnr = float(values["psnr_y"]) if values["psnr_y"] else None
        row = {
            **point["key"],
            "label": one.label,
            "content": point["content"],
            "frame": number,
            "slice_type": values["slice_type"],
            "frame_psnr_y": psnr,
            "frame_bits": int(values["bits"]),
            "sequence_psnr_y_framemean": point["metrics"]["psnr_y_framemean"],
            "sequence_bitrate_kbps": point["bitrate_kbps"],
        }
        first = rows[0] if rows else row
        for quantity in ("frame_bits", "sequence_bitrate_kbps"):
            row[f"{quantity}_saving_pct"] = 100 * (1 - row[quantity] / first[quantity])
        for name, window in windows.items():
            row |= {f"crop_{name}_{part}": value for part, value in window._asdict().items()}
        rows.append(row)
    return rows


def _heading(row: Mapping[str, Any]) -> list[str]:
    """The lines above a method's picture; the anchor saves nothing against itself."""

    def against(quantity: str) -> str:
        saving = row[f"{quantity}_saving_pct"]
        return f", saving {saving:.1f} %" if saving else ""

    frame_psnr, sequence_psnr = (
        "no error" if row[name] is None else f"PSNR Y {row[name]:.2f} dB"
        for name in ("frame_psnr_y", "sequence_psnr_y_framemean")
    )
    return [
        row["label"],
        f"frame {row['frame']} ({row['slice_type']}): {frame_psnr}, {row['frame_bits']:,} bit"
        + against("frame_bits"),
        f"sequence: {sequence_psnr}, {row['sequence_bitrate_kbps']:,.1f} kbit/s"
        + against("sequence_bitrate_kbps"),
    ]


def _title(point: Mapping[str, Any]) -> str:
    key = point["key"]
    return (
        f"Reconstructed frames as in Fig. 13, 14, 18 of the IQNet paper: {key['sequence']}, "
        f"{key['configuration']}, QP {key['qp']}, codec {key['codec']}"
    )


def _notes(point: Mapping[str, Any], windows: Mapping[str, Window]) -> list[str]:
    """The footnotes: which crops, which numbers, what is a stand-in, what the paper prints."""
    rules = {
        "A": "where the methods differ most from the anchor",
        "B": "where the source has most detail outside A",
    }
    places = [
        f"{name} ({window.side}x{window.side} at x={window.x}, y={window.y}): {rules[name]}"
        for name, window in windows.items()
    ]
    notes = [
        "Crops chosen by rule, enlarged without smoothing. " + "; ".join(places) + ".",
        "PSNR of luma at 10 bit against the source; of the sequence: mean over frames. Saving at "
        "equal QP against the anchor, not at equal quality. RGB by BT.601, limited range.",
    ]
    if point["content"] != "published":
        stand_in = point["content"] == "demo"
        return notes + ["Stand-in content, not a sequence of the paper."] * stand_in
    asked = {"codec": printed_conditions("iqnet")["codec"]}
    reason = first_failure(asked, [{"codec": encoder_of(point)}])
    notes += [f"Not comparable with the paper: {reason}."] if reason else []
    return notes + _printed(point["key"])


def _printed(key: Mapping[str, Any]) -> list[str]:
    """What the paper prints beside this very frame, where it shows it."""
    published = load_published()
    rows = published["figures_frames"]
    ids = sequence_ids(published["table1_sequences"], rows)
    return [
        f"Printed in {row['figure']} for {row['method']}: {row['quantity']} {row['printed']}"
        f"{' ' + row['unit'] if row['unit'] else ''} ({row['note']})."
        for row in rows
        if (ids[row["sequence"]], int(row["qp"])) == (key["sequence"], key["qp"])
        and row["configuration"] in ("", key["configuration"])
    ]


def _column(words: Sequence[str], rgb: np.ndarray, windows: Mapping[str, Window]) -> Image.Image:
    """Words, the whole picture with its windows marked, and the windows enlarged."""
    whole = _fitted(Image.fromarray(rgb))
    scale = whole.width / rgb.shape[1]
    pen = ImageDraw.Draw(whole)
    parts = [whole]
    for name, (x, y, side) in windows.items():
        box = [round(scale * edge) for edge in (x, y, x + side - 1, y + side - 1)]
        # Black around white is seen on any picture, in grey too.
        pen.rectangle([box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2], outline=INK, width=4)
        pen.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=PAPER, width=2)
        crop = _fitted(Image.fromarray(rgb[y : y + side, x : x + side]))
        for picture, corner in ((whole, (box[0] + 4, box[1] + 1)), (crop, (8, 5))):
            ImageDraw.Draw(picture).text(corner, name, PAPER, load_default(18), stroke_width=2,
                                         stroke_fill=INK)  # fmt: skip
        parts.append(crop)
    head = 3 * LINE + 6
    column = Image.new("RGB", (CELL, head + sum(p.height + MARGIN for p in parts)), PAPER)
    pen, top = ImageDraw.Draw(column), head
    for place, line in enumerate(words):
        pen.text((0, place * LINE), line, INK, load_default(17 if place == 0 else 14))
    for part in parts:
        column.paste(part, (0, top))
        top += part.height + MARGIN
    return column


def _fitted(picture: Image.Image) -> Image.Image:
    """A small picture enlarged by a whole factor, a large one made as wide as a column."""
    factor = CELL // picture.width
    if factor:
        size = (factor * picture.width, factor * picture.height)
        return picture.resize(size, Image.Resampling.NEAREST)
    size = (CELL, max(1, round(picture.height * CELL / picture.width)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _sheet(title: str, columns: Sequence[Image.Image], notes: Sequence[str]) -> Image.Image:
    width = MARGIN + len(columns) * (CELL + MARGIN)
    heads = textwrap.wrap(title, width // 10)
    lines = [line for note in notes for line in textwrap.wrap(note, width // 7)]
    top = MARGIN + len(heads) * (LINE + 2) + MARGIN
    bottom = top + max(column.height for column in columns)
    sheet = Image.new("RGB", (width, bottom + len(lines) * LINE + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, line in enumerate(heads):
        pen.text((MARGIN, MARGIN + place * (LINE + 2)), line, INK, load_default(19))
    for place, column in enumerate(columns):
        sheet.paste(column, (MARGIN + place * (CELL + MARGIN), top))
    for place, line in enumerate(lines):
        pen.text((MARGIN, bottom + place * LINE), line, INK, load_default(14))
    return sheet
