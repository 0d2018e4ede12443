"""Pictures made by formulas: content that fills the range of labels where photographs are few.

Always called ``generated``: they are no photographs, and only learned from.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jndlab.datasets.pictures.picture_list import FoundPicture

GENERATED = "generated"
LEAVES = 1500  # of a dead-leaves picture
WORDS = "the quick brown fox jumps over a lazy dog 0123456789 JND QP VMAF".split()
Random = np.random.Generator


def find_generated(count: int, size: Sequence[int]) -> Iterator[FoundPicture]:
    """``count`` pictures of ``size`` (width, height), kind after kind; each a source of its own.

    The n-th of a kind is the same on every machine, whatever ``count`` is. All are of the subset
    ``train``.
    """
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        name = f"{GENERATED}_{kind}_{number // len(KINDS):02d}"
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        values = KINDS[kind](rng, size[1], size[0])
        rgb = np.clip(np.rint(values), 0, 255).astype(np.uint8)
        yield FoundPicture(name, name, f"{GENERATED}:{kind}", rgb, subset="train")


def dead_leaves(rng: Random, height: int, width: int) -> np.ndarray:
    """Discs of one colour and a little grain that hide each other, areas by a power law.

    The model of Lee, Mumford & Huang (IJCV 41, 2001): radii with density ~ r^-3.
    """
    rows, columns = np.mgrid[:height, :width]
    picture = np.full((height, width, 3), 128.0)
    smallest, largest = 4.0, min(height, width) / 3
    share = rng.random(LEAVES)
    radii = (smallest**-2 - share * (smallest**-2 - largest**-2)) ** -0.5
    for radius in radii:
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        disc = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        picture[disc] = rng.uniform(20, 235, 3) + rng.normal(0, rng.uniform(0, 12), (disc.sum(), 1))
    return picture


def noise(rng: Random, height: int, width: int) -> np.ndarray:
    """Noise whose amplitude falls as 1/f^a, a from 0.6 to 1.6, of random contrast."""
    down, across = np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)
    frequency = np.maximum(np.hypot(down, across), 1 / max(height, width))
    spectrum = np.fft.rfft2(rng.normal(size=(height, width))) * frequency ** -rng.uniform(0.6, 1.6)
    plane = np.fft.irfft2(spectrum, s=(height, width))
    plane *= rng.uniform(10, 50) / plane.std()
    return rng.uniform(70, 180) + plane[..., np.newaxis] * rng.uniform(0.7, 1, 3)


def grating(rng: Random, height: int, width: int) -> np.ndarray:
    """Two sine gratings of random direction, period 3 to 40 pixels, and contrast."""
    rows, columns = np.mgrid[:height, :width]
    picture = np.full((height, width), 128.0)
    for _ in range(2):
        angle, period = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(3), np.log(40)))
        along = columns * np.cos(angle) + rows * np.sin(angle)
        picture += rng.uniform(5, 55) * np.sin(2 * np.pi * along / period + rng.uniform(0, 6))
    return picture[..., np.newaxis] * rng.uniform(0.8, 1, 3)


def gradient(rng: Random, height: int, width: int) -> np.ndarray:
    """A ramp between two colours with grain of random strength, as film has."""
    rows, columns = np.mgrid[:height, :width]
    angle = rng.uniform(0, 2 * np.pi)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    along = ((along - along.min()) / np.ptp(along))[..., np.newaxis]
    ends = rng.uniform(20, 235, (2, 3))
    grain = rng.normal(0, np.exp(rng.uniform(0, np.log(20))), (height, width, 1))
    return ends[0] * (1 - along) + ends[1] * along + grain


def text(rng: Random, height: int, width: int) -> np.ndarray:
    """Lines of words of random size, dark on light or light on dark."""
    paper, ink = ([245, 25] if rng.random() < 0.5 else [25, 235]) + rng.uniform(-15, 15, 2)
    picture = Image.new("L", (width, height), int(paper))
    pen, points = ImageDraw.Draw(picture), int(rng.integers(8, 22))
    for top in range(2, height, points + 4):
        words = " ".join(rng.choice(WORDS, width // (2 * points)))
        pen.text((3, top), words, int(ink), ImageFont.load_default(points))
    return np.repeat(np.asarray(picture, float)[..., np.newaxis], 3, axis=2)


KINDS: dict[str, Callable[[Random, int, int], np.ndarray]] = {
    "dead_leaves": dead_leaves,
    "noise": noise,
    "grating": grating,
    "gradient": gradient,
    "text": text,
}
