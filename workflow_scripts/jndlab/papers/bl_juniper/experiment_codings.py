"""Codings of the experiment: an anchor at every QP, and the maps of each target, of one clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.files import atomic_path, read_arrays
from jndlab.jnd.block.grid import BlockGrid
from jndlab.jnd.block.masking import xpsnr_weights
from jndlab.jnd.block.qp import BLOCK_SIZE
from jndlab.media.clip import ClipFormat, read_clip
from jndlab.papers.bl_juniper.experiment_maps import CEILING, ceiling_map, table_maps

ANCHOR = "anchor"
UNIFORM, IMPORTANCE, MASKING, BOTH = "uniform", "importance", "xpsnr", "importance x xpsnr"
WEIGHTINGS = (UNIFORM, IMPORTANCE, MASKING, BOTH)


@dataclass(frozen=True)
class Codings:
    """What one clip's codings cost and lose.

    ``names`` and ``qps`` of each coding (the anchor's QP, a map's target QP), ``bits``,
    ``seconds``; ``errors`` codings x frames x rows x columns: summed squared error of the luma on
    the scale 0..255; ``maps`` the same shape: QPs; ``weights`` by weighting, frames x rows x
    columns; ``counts`` rows x columns: samples.
    """

    names: tuple[str, ...]
    qps: np.ndarray
    bits: np.ndarray
    seconds: np.ndarray
    errors: np.ndarray
    maps: np.ndarray
    weights: Mapping[str, np.ndarray]
    counts: np.ndarray

    def write(self, path: str | Path) -> None:
        """Write an .npz file, whole or not at all."""
        arrays: dict[str, Any] = {
            name: np.asarray(value) for name, value in vars(self).items() if name != "weights"
        }
        arrays |= {f"weights {name}": values for name, values in self.weights.items()}
        with atomic_path(path) as part, open(part, "wb") as stream:
            np.savez_compressed(stream, **arrays)

    @classmethod
    def read(cls, path: str | Path) -> Codings:
        """Read a file that :meth:`write` made."""
        arrays = read_arrays(path)
        weights = {
            name.removeprefix("weights "): arrays.pop(name)
            for name in list(arrays)
            if name.startswith("weights ")
        }
        names = tuple(map(str, arrays.pop("names")))
        return cls(names, weights=weights, **arrays)


def encode_experiment(
    source: Path,
    clip: ClipFormat,
    configuration: str,
    codec: Codec,
    competitors: Mapping[str, Codec],
    jnd_of: Mapping[str, np.ndarray],
    importance: np.ndarray,
    anchor_qps: Sequence[int],
    targets: Sequence[int],
    work_dir: Path,
    threads: int = 1,
) -> Codings:
    """Code a clip without a map at all ``anchor_qps``, and with every map of each target.

    ``jnd_of`` and ``importance`` are as in ``table_maps``. The ceilings of a target have the mean
    QP of the method's own map (of the first origin), and so has the QP at which ``competitors``
    (encoders with their own adaptation) code.
    """
    grid = BlockGrid(clip.height, clip.width, BLOCK_SIZE)
    scale = np.float32(1 << (clip.bit_depth - 8))
    lumas = [frame.y / scale for frame in read_clip(source, clip)]
    weights = _weights(importance, xpsnr_weights(lumas, grid, float(clip.fps)))
    shape = (clip.frames, *grid.shape)
    jobs: list[tuple[str, int, np.ndarray, Codec, int | None]] = [
        (ANCHOR, qp, np.full(shape, qp), codec, qp) for qp in anchor_qps
    ]
    for target in targets:
        maps = table_maps(jnd_of, importance, target)
        mean = float(np.mean(next(iter(maps.values()))))
        for name in WEIGHTINGS[1:]:
            maps[f"{CEILING}: {name}"] = ceiling_map(weights[name], mean)
        jobs += [(name, target, qps, codec, None) for name, qps in maps.items()]
        plain = round(mean)
        jobs += [
            (name, target, np.full(shape, plain), other, plain)
            for name, other in competitors.items()
        ]
    bits, seconds, errors = [], [], []
    work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work_dir) as scratch:
        stream, path = Path(scratch) / f"coded.{codec.suffix}", Path(scratch) / "map.npz"
        for _, target, qps, encoder, plain_qp in jobs:
            if plain_qp is None:
                np.savez(path, qp=qps.astype(np.int16), block_size=BLOCK_SIZE)
            job = EncodeJob(
                source, clip, configuration, plain_qp or target, stream, Path(scratch), threads,
                qp_map=path if plain_qp is None else None,
            )  # fmt: skip
            result = encoder.encode(job)
            bits.append(sum(result.bits_per_frame))
            seconds.append(result.cpu_seconds)
            decoded = read_clip(stream, clip)
            pairs = zip(decoded, lumas, strict=True)
            errors.append([grid.sums(np.square(d.y / scale - luma)) for d, luma in pairs])
    return Codings(
        tuple(name for name, *_ in jobs),
        np.array([qp for _, qp, *_ in jobs]),
        np.array(bits),
        np.array(seconds),
        np.array(errors, np.float32),
        np.array([qps for _, _, qps, *_ in jobs], np.int16),
        weights,
        grid.counts,
    )


def _weights(importance: np.ndarray, masking: np.ndarray) -> dict[str, np.ndarray]:
    important = importance.astype(float)
    return {
        UNIFORM: np.ones_like(important),
        IMPORTANCE: important,
        MASKING: masking,
        BOTH: important * masking,
    }
