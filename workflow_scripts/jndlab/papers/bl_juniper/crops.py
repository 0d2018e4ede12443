"""VMAF NEG of crops, chosen and weighted by importance: a measure that knows nothing of JNDs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jndlab.jnd.block.qp import BLOCK_SIZE
from jndlab.media.clip import ClipFormat, Frame, bytes_of, evenly_spread
from jndlab.quality.motionless_vmaf import motionless_vmaf

SIDE = 3 * BLOCK_SIZE  # samples of a crop: VMAF's coarsest scale has 24 of them
MOST_CROPS, MOST_FRAMES = 6, 6


@dataclass(frozen=True)
class Crops:
    """Where a clip is judged: ``places`` (frame, line, sample of the top left corner), their mean
    importance ``weights``, and the format of a clip of all crops.

    At most ``MOST_FRAMES`` frames, spread evenly, are tiled by 192x192 crops (smaller pictures by
    their size). Of a frame's crops in the order of their importance ``MOST_CROPS`` are taken at
    even ranks: what a map takes from the unimportant ones counts as well.
    """

    places: tuple[tuple[int, int, int], ...]
    weights: np.ndarray
    clip: ClipFormat

    @classmethod
    def chosen(cls, clip: ClipFormat, importance: np.ndarray) -> Crops:
        """Crops of ``clip``; ``importance`` is frames x rows x columns of blocks, 1..3."""
        height, width = min(SIDE, clip.height), min(SIDE, clip.width)
        places, weights = [], []
        for frame in evenly_spread(clip.frames, MOST_FRAMES):
            samples = importance[frame].repeat(BLOCK_SIZE, axis=0).repeat(BLOCK_SIZE, axis=1)
            corners = [
                (line, sample)
                for line in range(0, clip.height - height + 1, height)
                for sample in range(0, clip.width - width + 1, width)
            ]
            means = [float(samples[y : y + height, x : x + width].mean()) for y, x in corners]
            ranked = np.argsort(means, kind="stable")
            for place in ranked[evenly_spread(len(corners), MOST_CROPS)]:
                places.append((frame, *corners[place]))
                weights.append(means[place])
        form = replace(clip, width=width, height=height, frames=len(places))
        return cls(tuple(places), np.array(weights), form)

    def cut(self, number: int, frame: Frame) -> bytes:
        """The crops of a frame, raw, in the order of ``places``."""
        height, width = self.clip.height, self.clip.width
        parts = []
        for _, y, x in (place for place in self.places if place[0] == number):
            chroma = slice(y // 2, (y + height) // 2), slice(x // 2, (x + width) // 2)
            luma = frame.y[y : y + height, x : x + width]
            parts.append(bytes_of(Frame(luma, frame.u[chroma], frame.v[chroma]), self.clip))
        return b"".join(parts)

    def scores(
        self, source: bytes, coded: Path, codings: int, work_dir: Path, threads: int = 1
    ) -> np.ndarray:
        """VMAF NEG without motion, 0..100, codings x crops.

        ``source`` are the crops of the source; ``coded`` is a headerless file (``.yuv``) of the
        crops of all codings, one after the other.
        """
        reference = work_dir / "crops_of_source.yuv"
        with open(reference, "wb") as stream:
            stream.writelines(source for _ in range(codings))
        form = replace(self.clip, frames=codings * len(self.places))
        found = motionless_vmaf(reference, coded, form, work_dir=work_dir, threads=threads)
        return np.array(found).reshape(codings, len(self.places))
