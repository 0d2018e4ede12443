"""Tiny JND data sets in the layouts of the public releases, built by the tests that read them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

VIDEOSET_ROWS = 220


def picture(width: int = 32, height: int = 16, seed: int = 0) -> Image.Image:
    """A smooth ramp with some noise, so that JPEG sizes differ by quality."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(20, 220, width)[np.newaxis, :, np.newaxis]
    noise = rng.normal(0, 12, (height, width, 3))
    return Image.fromarray(np.clip(ramp + noise, 0, 255).astype(np.uint8))


def videoset_rows(level: int) -> list[dict[str, object]]:
    """Rows of one table: samples about QP 27, 32, 36 that rise by source a little."""
    rng = np.random.default_rng(level)
    rows = []
    for index in range(1, VIDEOSET_ROWS + 1):
        count = 28 + index % 8
        samples = np.clip(rng.normal(22 + 5 * level, 2, count).round(), 1, 51).astype(int)
        ordered = np.sort(samples)
        rows.append(
            {
                "anchor": 0,
                "jnd": int(ordered[round(0.25 * (count - 1))]),
                "mean": round(float(samples.mean()), 8),
                "normality": 1,
                "samples": json.dumps(samples.tolist()),
                "samples_no": count,
                "sequence_index": index,
                "standard_deviation": round(float(samples.std(ddof=1)), 9),
            }
        )
    return rows


def write_table(path: Path, rows: Sequence[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_workbook(path: Path, rows: Sequence[Sequence[object]]) -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def videoset(root: Path, sources: Sequence[int] = (1, 7)) -> Path:
    """Label tables of 220 sources; streams (empty files) of a few at 640x360."""
    for level, name in enumerate(("1st", "2nd", "3rd"), start=1):
        write_table(root / "database_csv" / f"640x360_{name}.csv", videoset_rows(level))
    for number in sources:
        stem = f"videoSRC{number:03d}_640x360_{24 if number == 7 else 30}"
        for qp in range(52):
            touch(root / "640x360_part_1" / stem / f"{stem}_qp_{qp:02d}.264")
    return root


def mcl_jci(root: Path, sources: Sequence[int] = (1, 2)) -> Path:
    """Bitmaps, JPEGs at QF 1 to 100, sample texts of 30 subjects."""
    rng = np.random.default_rng(5)
    for number in sources:
        original, stem = picture(seed=number), f"ImageJND_SRC{number:02d}"
        bitmap = root / "MCL-JCI" / "source_images" / "[BMP]" / f"{stem}.bmp"
        bitmap.parent.mkdir(parents=True, exist_ok=True)
        original.save(bitmap)
        folder = root / "MCL-JCI" / "distorted_image" / stem
        folder.mkdir(parents=True)
        for quality in range(1, 101):
            original.save(folder / f"{stem}_{quality:03d}.jpg", quality=quality)
        lines = []
        for subject in range(30):
            count = 2 if subject == 4 else 4
            fall = np.sort(rng.choice(np.arange(5, 60), count, replace=False))[::-1]
            lines.append(" ".join(map(str, fall)))
        text = root / "MCL-JCI" / "JND_samples" / f"JND_image_{number:02d}.txt"
        text.parent.mkdir(exist_ok=True)
        text.write_text("\n".join(lines) + "\n")
    return root


JCV_QPS = (28, 27, 30, 26, 29), (33, 31, 35, 30, 34), (38, 39, 37, 40)  # of subjects, by level


def mcl_jcv(root: Path, sources: Sequence[int] = (1, 30)) -> Path:
    """Raw files, streams (empty) and samples in 1080p and 720p, in the release's counts: 51 streams
    and three sample texts (one per level, five subjects) a clip of each resolution."""
    for number in sources:
        touch(
            root / "1080P" / "YUV_source" / f"videoSRC{number:02d}_1920x1080_{24 + number % 2}.yuv"
        )
        for size in ("1080P", "720P"):
            folder = root / size / "videos" / f"{size}AVCFQPvideoSRC{number:02d}"
            for qp in range(1, 52):
                touch(folder / f"videoSRC{number:02d}_{qp:02d}.mp4")
            samples = root / size / "JND_raw_samples"
            samples.mkdir(parents=True, exist_ok=True)
            lower = 2 * (size == "720P")
            for level, qps in enumerate(JCV_QPS, start=1):
                text = " ".join(str(qp - lower) for qp in qps)
                (samples / f"videoSRC{number:02d}_JND{level}.txt").write_text(f"{text}\n")
    return root


def konjnd1k(root: Path, *, numbered_by: str = "distortion") -> Path:
    """One source with all JPEG levels, one with all BPG levels, and their ratings."""
    for name, coder, levels in (("SRC0001", "JPEG", 100), ("SRC0505", "BPG", 51)):
        original = picture(seed=levels)
        source = root / "KonJND-1k" / "source_image" / f"{name}.png"
        source.parent.mkdir(parents=True, exist_ok=True)
        original.save(source)
        folder = root / "KonJND-1k" / coder.lower()
        folder.mkdir()
        for level in range(1, levels + 1):
            end = "jpg" if coder == "JPEG" else "png"
            quality = 101 - level if numbered_by == "distortion" else level
            options = {"quality": quality} if coder == "JPEG" else {}
            original.save(folder / f"{name}_{coder}_{level:03d}.{end}", **options)
    rows = [
        rating_row("SRC0001.png", "JPEG", [55, 60, 62, 48, 71, 66]),
        rating_row("SRC0505.png", "BPG", [28, 31, 30, 27, 33]),
    ]
    write_table(root / "KonJND-1k" / "subjective_ratings.csv", rows)
    return root


def rating_row(image: str, coder: str, ratings: Sequence[int]) -> dict[str, object]:
    return {
        "image_id": image,
        "Compression type": coder,
        "No. of ratings": len(ratings),
        "mean": round(float(np.mean(ratings)), 2),
        "std": round(float(np.std(ratings)), 2),
        "ratings": json.dumps(list(ratings)),
    }


def authors_folder(root: Path, counts: dict[str, int], levels: Sequence[int] = (1, 2, 3)) -> Path:
    """Frames, labels (none for test) and JND frames; rows are 20+i 30+i 40."""
    for split, count in counts.items():
        names = [f"frame{number:03d}.png" for number in range(count)]
        kinds = [split, *(f"jnd{level}{split}" for level in levels if split != "test")]
        for kind in kinds:
            (root / kind).mkdir(parents=True)
            for number, name in enumerate(names):
                picture(seed=number).save(root / kind / name)
        if split != "test":
            rows = "".join(f"{20 + number}\t{30 + number} 40\n" for number in range(count))
            (root / split / "JND-Levels.txt").write_text(rows)
    return root


def bl_juniper(root: Path, sources: Sequence[int] = (1, 2)) -> Path:
    """Label and TI texts in the authors' names and format (2,400 lines, CRLF)."""
    for number in sources:
        for level in (1, 2, 3):
            name = f"RJND{level if level > 1 else ''}LV{number:02d}.txt"
            values = 25 + 5 * level + np.arange(2400) % 6
            write_crlf(root / "GeneratedJNDLabels" / f"JND{level}" / name, map(str, values))
        ti = (f"{value:.5g}" for value in np.arange(2400) * 0.01)
        write_crlf(root / "GeneratedTI" / f"RTIV{number:02d}.txt", ti)
    return root


def write_crlf(path: Path, lines) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
