"""Codings of the experiment: an anchor at every QP, and the maps of each target, of one clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.codecs.qp_map import MAX_QP
from jndlab.files import atomic_path, read_arrays
from jndlab.jnd.block.grid import BlockGrid
from jndlab.jnd.block.masking import xpsnr_weights
from jndlab.jnd.block.qp import BLOCK_SIZE
from jndlab.media.clip import ClipFormat, Frame, read_clip
from jndlab.papers.bl_juniper.crops import Crops
from jndlab.papers.bl_juniper.experiment_maps import CEILING, ceiling_map, table_maps

ANCHOR = "anchor"
UNIFORM, IMPORTANCE, MASKING, BOTH = "uniform", "importance", "xpsnr", "importance x xpsnr"
WEIGHTINGS = (UNIFORM, IMPORTANCE, MASKING, BOTH)
# QPs of a competitor's own anchor, from the QP at which it codes: adaptation to variance costs up
# to half of the rate, about 4 QP.
OWN_STEPS = range(-5, 3)


@dataclass(frozen=True)
class Codings:
    """What one clip's codings cost and lose.

    ``names`` and ``qps`` of each coding (the anchor's QP, a map's target QP), ``anchors``: the name
    of the codings of one QP that it is held against (its own name for these), ``bits``,
    ``seconds``; ``errors`` codings x frames x rows x columns: summed squared error of the luma on
    the scale 0..255; ``maps`` the same shape: QPs; ``weights`` by weighting, frames x rows x
    columns; ``counts`` rows x columns: samples; ``crop_scores`` codings x crops: VMAF NEG, 0..100,
    and ``crop_weights``, see ``crops.Crops``. ``pictures`` are planes y, u, v (4 x H x W) of frame
    ``frame``: the source and the codings ``shown``.
    """

    names: tuple[str, ...]
    anchors: tuple[str, ...]
    qps: np.ndarray
    bits: np.ndarray
    seconds: np.ndarray
    errors: np.ndarray
    maps: np.ndarray
    weights: Mapping[str, np.ndarray]
    counts: np.ndarray
    crop_scores: np.ndarray
    crop_weights: np.ndarray
    pictures: Mapping[str, np.ndarray]
    frame: int
    shown: np.ndarray

    def write(self, path: str | Path) -> None:
        """Write an .npz file, whole or not at all."""
        arrays: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, Mapping):
                arrays |= {f"{name} {key}": values for key, values in value.items()}
            else:
                arrays[name] = np.asarray(value)
        with atomic_path(path) as part, open(part, "wb") as stream:
            np.savez_compressed(stream, **arrays)

    @classmethod
    def read(cls, path: str | Path) -> Codings:
        """Read a file that :meth:`write` made."""
        values: dict[str, Any] = {"weights": {}, "pictures": {}}
        for name, array in read_arrays(path).items():
            group, _, key = name.partition(" ")
            if key:
                values[group][key] = array
            else:
                values[name] = array
        for name in ("names", "anchors"):
            values[name] = tuple(map(str, values[name]))
        return cls(**{**values, "frame": int(values["frame"])})


class Competitor(NamedTuple):
    """An encoder with its own adaptation, and the same without (None: the experiment's)."""

    codec: Codec
    anchor: Codec | None


class _Job(NamedTuple):
    name: str
    anchor: str
    qp: int  # the anchor's, or the target
    maps: np.ndarray  # frames x rows x columns
    codec: Codec
    plain_qp: int | None  # None: coded with the maps


def encode_experiment(
    source: Path,
    clip: ClipFormat,
    configuration: str,
    codec: Codec,
    competitors: Mapping[str, Competitor],
    jnd_of: Mapping[str, np.ndarray],
    importance: np.ndarray,
    anchor_qps: Sequence[int],
    targets: Sequence[int],
    work_dir: Path,
    frame: int = 0,
    threads: int = 1,
) -> Codings:
    """Code a clip without a map at all ``anchor_qps``, and with every map of each target.

    ``jnd_of`` and ``importance`` are as in ``table_maps``. The ceilings of a target have the mean
    QP of the method's own map (of the first origin), and so has the QP at which ``competitors``
    code. Pictures of ``frame`` (or the last) are kept of the source, the method at the first
    target, and the anchors at that QP and nearest in rate.
    """
    grid = BlockGrid(clip.height, clip.width, BLOCK_SIZE)
    scale = np.float32(1 << (clip.bit_depth - 8))
    crops, frame = Crops.chosen(clip, importance), min(frame, clip.frames - 1)
    lumas, uncoded = [], b""
    for number, picture in enumerate(read_clip(source, clip)):
        lumas.append(picture.y / scale)
        uncoded += crops.cut(number, picture)
        if number == frame:
            pictures = [picture]
    weights = _weights(importance, xpsnr_weights(lumas, grid, float(clip.fps)))
    jobs = _jobs(codec, competitors, jnd_of, importance, weights, anchor_qps, targets)
    method = next(iter(jnd_of))
    bits, seconds, errors = [], [], np.empty((len(jobs), *weights[UNIFORM].shape), np.float32)
    kept: dict[int, Frame] = {}
    work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work_dir) as scratch:
        folder = Path(scratch)
        path, cut = folder / "map.npz", folder / "crops.yuv"
        with open(cut, "wb") as crops_of_all:
            for place, job in enumerate(jobs):
                stream = folder / f"coded.{job.codec.suffix}"
                if job.plain_qp is None:
                    np.savez(path, qp=job.maps.astype(np.int16), block_size=BLOCK_SIZE)
                result = job.codec.encode(EncodeJob(
                    source, clip, configuration, job.plain_qp or job.qp, stream, folder, threads,
                    qp_map=path if job.plain_qp is None else None,
                ))  # fmt: skip
                bits.append(sum(result.bits_per_frame))
                seconds.append(result.cpu_seconds)
                for number, picture in enumerate(read_clip(stream, clip)):
                    error = np.square(picture.y / scale - lumas[number])
                    errors[place, number] = grid.sums(error)
                    crops_of_all.write(crops.cut(number, picture))
                    if number == frame and job.name in (ANCHOR, method):
                        kept[place] = picture
        scores = crops.scores(uncoded, cut, len(jobs), folder, threads)
    shown = _shown(jobs, bits, method)
    pictures += [kept[place] for place in shown]
    return Codings(
        names=tuple(job.name for job in jobs),
        anchors=tuple(job.anchor for job in jobs),
        qps=np.array([job.qp for job in jobs]),
        bits=np.array(bits),
        seconds=np.array(seconds),
        errors=errors,
        maps=np.array([job.maps for job in jobs], np.int16),
        weights=weights,
        counts=grid.counts,
        crop_scores=scores,
        crop_weights=crops.weights,
        pictures={
            name: np.stack([getattr(picture, name) for picture in pictures]) for name in "yuv"
        },
        frame=frame,
        shown=np.array(shown),
    )


def _jobs(
    codec: Codec,
    competitors: Mapping[str, Competitor],
    jnd_of: Mapping[str, np.ndarray],
    importance: np.ndarray,
    weights: Mapping[str, np.ndarray],
    anchor_qps: Sequence[int],
    targets: Sequence[int],
) -> list[_Job]:
    flat = np.ones_like(importance, dtype=np.int16)
    jobs = [_Job(ANCHOR, ANCHOR, qp, qp * flat, codec, qp) for qp in anchor_qps]
    own_qps = set()  # of competitors' anchors
    for target in targets:
        maps = table_maps(jnd_of, importance, target)
        mean = float(np.mean(next(iter(maps.values()))))
        for name in WEIGHTINGS[1:]:
            maps[f"{CEILING}: {name}"] = ceiling_map(weights[name], mean)
        jobs += [_Job(name, ANCHOR, target, qps, codec, None) for name, qps in maps.items()]
        qp = round(mean)
        own_qps |= {qp + step for step in OWN_STEPS} & set(range(MAX_QP + 1))
        for name, (other, without) in competitors.items():
            against = f"{ANCHOR} of {name}" if without else ANCHOR
            jobs.append(_Job(name, against, target, qp * flat, other, qp))
    for name, (_, without) in competitors.items():
        if without:
            against = f"{ANCHOR} of {name}"
            jobs += [_Job(against, against, qp, qp * flat, without, qp) for qp in sorted(own_qps)]
    return jobs


def _shown(jobs: Sequence[_Job], bits: Sequence[int], method: str) -> list[int]:
    """Numbers of the codings to look at: the anchor at the target QP, the method at it, and the
    anchor nearest in rate to that."""
    names = [job.name for job in jobs]
    controlled = names.index(method)
    anchors = [number for number, name in enumerate(names) if name == ANCHOR]
    target, rate = jobs[controlled].qp, np.log(bits[controlled])
    return [
        min(anchors, key=lambda number: abs(jobs[number].qp - target)),
        controlled,
        min(anchors, key=lambda number: abs(np.log(bits[number]) - rate)),
    ]


def _weights(importance: np.ndarray, masking: np.ndarray) -> dict[str, np.ndarray]:
    important = importance.astype(float)
    return {
        UNIFORM: np.ones_like(important),
        IMPORTANCE: important,
        MASKING: masking,
        BOTH: important * masking,
    }
