"""Bytes, SSIM, VMAF NEG, PSNR of each picture at each quality, and its mean pixel-wise JND."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import CodedStill, StillStore
from jndlab.errors import UserError
from jndlab.files import read_csv, write_csv
from jndlab.jnd.pixel.maps import MODELS, mean_pixel_jnd
from jndlab.media.patches import luma_of
from jndlab.media.pictures import rgb_to_frame
from jndlab.quality.picture_ssim import picture_ms_ssim, picture_ssim
from jndlab.quality.quality_sweeps import Coding, QualitySweep, sweep_codings

VMAF = "vmaf_neg_still"
METRICS = ("ssim", VMAF)  # in which larger is better; thresholds are fitted to them
MEASURED = (*METRICS, "psnr", "ms_ssim")
COLUMNS = ["picture", "quality", "bytes", *MEASURED]
PIXEL_COLUMNS = ["picture", "model", "mean_pixel_jnd"]
LOSSLESS_PSNR = 100.0  # where nothing differs


@dataclass(frozen=True)
class Measures:
    """One picture at all qualities of its codec, from worst to best.

    ``start`` is VMAF NEG (without motion) of the picture against itself, ``pixel_jnd`` the mean
    of its JND map by model.
    """

    picture: str
    qualities: tuple[int, ...]
    bytes: tuple[int, ...]
    scores: Mapping[str, tuple[float, ...]]
    start: float
    pixel_jnd: Mapping[str, float]

    def size_at(self, quality: int) -> int:
        """Bytes at a quality."""
        return self.bytes[self.qualities.index(quality)]

    def sweep(self) -> QualitySweep:
        """VMAF NEG from the best to the worst quality, for the rule ``vmaf_steps``."""
        backwards = slice(None, None, -1)
        return QualitySweep(
            self.picture, VMAF, self.start, self.qualities[backwards],
            self.scores[VMAF][backwards], tuple(8 * size for size in self.bytes[backwards]),
        )  # fmt: skip


def measure_picture(
    name: str, picture: np.ndarray, codec: StillCodec, store: StillStore, work_dir: Path
) -> Measures:
    """Code a picture (H x W x 3 uint8, even sizes) at all qualities and measure each."""
    sizes: list[int] = []
    scores: dict[str, list[float]] = {name: [] for name in MEASURED if name != VMAF}

    def codings() -> Iterator[Coding]:
        best_first = codec.qualities[::-1]
        for coded in _checked(store.sweep(codec, picture, best_first), picture, name):
            sizes.append(coded.size)
            scores["ssim"].append(picture_ssim(picture, coded.picture))
            scores["psnr"].append(picture_psnr(picture, coded.picture))
            scores["ms_ssim"].append(picture_ms_ssim(picture, coded.picture))
            yield Coding(coded.quality, rgb_to_frame(coded.picture), 8 * coded.size)

    sweep = sweep_codings(name, rgb_to_frame(picture), codings(), work_dir=work_dir, metric=VMAF)
    return Measures(
        name,
        codec.qualities,
        tuple(sizes[::-1]),
        {VMAF: sweep.scores[::-1], **{name: tuple(part[::-1]) for name, part in scores.items()}},
        sweep.start,
        {model: mean_pixel_jnd(luma_of(picture), model) for model in MODELS},
    )


def picture_psnr(reference: np.ndarray, distorted: np.ndarray) -> float:
    """PSNR of luma (dB) of RGB pictures (H x W x 3, uint8); 100 where nothing differs."""
    error = np.square(luma_of(reference).astype(float) - luma_of(distorted)).mean()
    return float(10 * np.log10(255**2 / error)) if error else LOSSLESS_PSNR


def write_measures(path: str | Path, pixel_path: str | Path, measures: Sequence[Measures]) -> None:
    """Write curves and mean pixel JNDs as CSV; a row without quality has a picture's ``start``."""
    rows: list[dict[str, object]] = []
    for one in measures:
        rows.append({**dict.fromkeys(COLUMNS), "picture": one.picture, VMAF: one.start})
        points = zip(
            one.qualities, one.bytes, *(one.scores[name] for name in MEASURED), strict=True
        )
        rows += [dict(zip(COLUMNS, (one.picture, *point), strict=True)) for point in points]
    write_csv(path, rows, COLUMNS)
    pixel_rows = [
        dict(zip(PIXEL_COLUMNS, (one.picture, model, mean), strict=True))
        for one in measures
        for model, mean in one.pixel_jnd.items()
    ]
    write_csv(pixel_path, pixel_rows, PIXEL_COLUMNS)


def read_measures(
    paths: Iterable[str | Path], pixel_paths: Iterable[str | Path]
) -> dict[str, Measures]:
    """All pictures of several files that :func:`write_measures` wrote, by name."""
    curves: dict[str, list[dict[str, str]]] = {}
    for path in paths:
        for row in read_csv(path):
            curves.setdefault(row["picture"], []).append(row)
    pixel: dict[str, dict[str, float]] = {}
    for path in pixel_paths:
        for row in read_csv(path):
            pixel.setdefault(row["picture"], {})[row["model"]] = float(row["mean_pixel_jnd"])
    found = {}
    for name in sorted(curves):
        start = [row for row in curves[name] if not row["quality"]]
        points = [row for row in curves[name] if row["quality"]]
        found[name] = Measures(
            name,
            tuple(int(row["quality"]) for row in points),
            tuple(int(row["bytes"]) for row in points),
            {metric: tuple(float(row[metric]) for row in points) for metric in MEASURED},
            float(start[0][VMAF]),
            pixel[name],
        )
    return found


def _checked(coded: Iterable[CodedStill], picture: np.ndarray, name: str) -> Iterator[CodedStill]:
    for one in coded:
        if one.picture.shape != picture.shape:
            raise UserError(
                "a coded picture has another size than its original.",
                where=f"{name} at quality {one.quality}",
                expected=f"{picture.shape[1]}x{picture.shape[0]}, "
                f"found {one.picture.shape[1]}x{one.picture.shape[0]}",
            )
        yield one
