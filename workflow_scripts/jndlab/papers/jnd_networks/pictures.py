"""Sheets of frames: what LASeR-JND's networks reconstruct, and where MTJND's networks attend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from jndlab.datasets.jnd_frames.folder import LabelledFrame, LabelledFrames
from jndlab.media.clip import evenly_spread
from jndlab.media.pictures import read_picture, write_png
from jndlab.models.jnd_onnx import JndSession
from jndlab.models.model_files import load_model
from jndlab.models.mtjnd.networks import ATTENTION
from jndlab.models.picture_network import PictureNetwork
from jndlab.papers.jnd_networks.reconstructions import picture_made, preparation_of, psnr

SHOWN = {"train": 1, "test": 3}  # frames of each subset
CELL = 288  # width of a picture in the sheet, pixels
MARGIN, LINE = 8, 24
INK, PAPER = (20, 20, 20), (255, 255, 255)
Cells = list[tuple[str, np.ndarray]]


def plot_reconstructions(
    frames: LabelledFrames, models: Mapping[str, str | Path], path: str | Path
) -> None:
    """A row per frame: frame, its coding at JND1, and what networks make of it; one at all levels.

    ``models`` are ONNX files by stage name: all that have a reconstruction and no variant.
    Pictures are at the networks' input size. PSNR (RGB) is against the coding at the JND.
    """
    sessions = {name: JndSession(file, threads=1) for name, file in models.items()}
    rows = []
    for turn, frame in enumerate(_some(frames)):
        for level in (1, 2, 3) if turn == 1 else (1,):
            names = [name for name in sessions if f"jnd{level}" in name]
            if names and level in frame.jnd_pictures:
                rows.append(_reconstructed(frame, level, {n: sessions[n] for n in names}))
    _write_sheet(rows, path, "JND reconstructions and what they are to be")


def plot_attention(
    frames: LabelledFrames,
    weights: Mapping[str, str | Path],
    saliency: str | Path,
    path: str | Path,
) -> None:
    """A row per frame: frame, map of the saliency model, and what each network's tail predicts.

    ``weights`` are model files (``.pt``) by stage name of networks with an attention tail.
    """
    networks = {name: load_model(file) for name, file in weights.items()}
    rows = []
    for frame in _some(frames):
        rgb = read_picture(frame.picture)
        cells: Cells = [(f"{frame.name} ({frame.subset})", rgb)]
        target = read_picture(Path(saliency) / f"{frame.name}.png")
        cells.append(("saliency model (target)", target))
        for name, network in networks.items():
            assert isinstance(network, PictureNetwork)
            with torch.inference_mode():
                logits = network(network.preparation([rgb]))[ATTENTION][0]
            grey = (255 * torch.sigmoid(logits)).round().to(torch.uint8).numpy()
            cells.append((name, np.repeat(grey[..., None], 3, axis=2)))
        rows.append(cells)
    _write_sheet(rows, path, "Attention, bright where the eye is drawn (a saliency model's word)")


def _reconstructed(frame: LabelledFrame, level: int, sessions: Mapping[str, JndSession]) -> Cells:
    rgb, wanted = read_picture(frame.picture), read_picture(frame.jnd_pictures[level])
    label = f"JND{level}: QP {frame.jnd[level - 1]:g}" if frame.jnd else f"JND{level}"
    cells: Cells = []
    for name, session in sessions.items():
        prepared = preparation_of(session)
        if not cells:
            cells = [(f"{frame.name} ({frame.subset})", prepared.resized(rgb)),
                     (label, prepared.resized(wanted))]  # fmt: skip
        picture = picture_made(session, prepared, rgb)
        decibel = psnr(picture, prepared.resized(wanted))
        cells.append((f"{name}, {decibel:.1f} dB", picture))
    return cells


def _some(frames: LabelledFrames) -> list[LabelledFrame]:
    """Frames of each subset, evenly spread over its sources."""
    chosen = []
    for subset, count in SHOWN.items():
        first = {frame.source: frame for frame in reversed(frames.of_subset(subset))}
        ordered = sorted(first.values(), key=lambda frame: frame.name)
        chosen += [ordered[place] for place in evenly_spread(len(ordered), count)]
    return chosen


def _write_sheet(rows: Sequence[Cells], path: str | Path, title: str) -> None:
    """Pictures in rows with words above each; small ones enlarged by whole pixels' nearest."""
    if not rows:  # no network that makes pictures
        rows = [[("no network of this run makes pictures", np.full((9, 16, 3), 255, np.uint8))]]
    height, width = rows[0][0][1].shape[:2]
    high = round(CELL * height / width)
    columns = max(len(row) for row in rows)
    size = (MARGIN + columns * (CELL + MARGIN), LINE + 2 * MARGIN + len(rows) * (LINE + high))
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), title, INK, ImageFont.load_default(15))
    top = LINE + MARGIN
    for row in rows:
        for place, (words, picture) in enumerate(row):
            left = MARGIN + place * (CELL + MARGIN)
            pen.text((left, top + 4), words, INK, ImageFont.load_default(13))
            cell = Image.fromarray(picture)
            enlarged = picture.shape[1] < CELL
            method = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
            sheet.paste(cell.resize((CELL, high), method), (left, top + LINE))
        top += LINE + high
    write_png(path, sheet)
