"""The anchor at the rate of another coding, for pairs at equal rate: whole QPs and parts of one.

A whole QP changes the rate by about an eighth, so that the nearest one may be 6 % off. Parts of a
QP are rate factors where the points have those. Else they are maps of QPs that mix two of them over
the picture, the same blocks in all frames so that nothing flickers. Codecs without either keep the
nearest whole QP.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.codecs.qp_map import BLOCK_SIZE
from jndlab.media.clip import ClipFormat

PARTS = 8  # of a QP: steps of about 1.5 % of the rate
# Shares of a plane that spread any part of its blocks evenly (R2 sequence, M. Roberts 2018).
SPREAD = (0.7548776662466927, 0.5698402909980532)


def nearest_rate(
    rate_of: Callable[[float], float],
    wanted: float,
    known: Mapping[float, float],
    ends: tuple[int, int],
    step: float = 1.0,
) -> tuple[float, dict[float, float]]:
    """The QP whose rate is nearest to ``wanted`` (as a ratio), and all rates by QP.

    Bisection over the whole QPs between ``ends``, then over steps of ``step``; ``known`` rates are
    not asked for again. Rates must fall with the QP for the nearest of all to be found; of those
    that were tried it always is.
    """
    rates = dict(known)

    def is_finer(qp: float) -> bool:
        if qp not in rates:
            rates[qp] = rate_of(qp)
        return rates[qp] >= wanted

    fine = max((qp for qp, rate in rates.items() if rate >= wanted), default=ends[0])
    coarser = (qp for qp, rate in rates.items() if rate < wanted and qp > fine)
    coarse = min(coarser, default=ends[1])
    for part in dict.fromkeys((1.0, step)):
        while coarse - fine > part:
            middle = fine + part * ((coarse - fine) // (2 * part))
            fine, coarse = (middle, coarse) if is_finer(middle) else (fine, middle)
        is_finer(fine), is_finer(coarse)
    return min(rates, key=lambda qp: abs(math.log(rates[qp] / wanted))), rates


def encode_at_rate(
    codec: Codec, job: EncodeJob, bits: float, known: Mapping[float, float]
) -> tuple[float, int]:
    """Code ``job.source`` without a map, as near to ``bits`` as the codec can: QP and size in bits.

    ``job.qp`` has no meaning; ``known`` are sizes (bits) of the same coding by QP. Raises as
    ``Codec.encode``.
    """
    job.work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=job.work_dir) as scratch:
        trial, maps = Path(scratch) / f"trial.{codec.suffix}", Path(scratch) / "map.npz"

        def coded(qp: float, stream: Path = trial) -> int:
            at = replace(job, qp=int(qp) if qp == int(qp) else qp, stream=stream)
            if at.qp != int(at.qp) and not _has_rate_factor(codec):
                np.savez(maps, qp=mixed_qps(job.clip, qp, codec.map_step), block_size=BLOCK_SIZE)
                at = replace(at, qp=int(qp), qp_map=maps)
            return sum(codec.encode(at).bits_per_frame)

        finer = codec.fractional_crf if _has_rate_factor(codec) else codec.takes_qp_map
        ends = codec.min_qp, codec.max_qp
        qp, _ = nearest_rate(coded, bits, known, ends, 1 / PARTS if finer else 1.0)
        return qp, coded(qp, job.stream)


def mixed_qps(clip: ClipFormat, qp: float, step: int = 1) -> np.ndarray:
    """QPs (int16, frames x rows x columns) of two values, ``step`` apart, with the mean ``qp``."""
    rows, columns = -(-clip.height // BLOCK_SIZE), -(-clip.width // BLOCK_SIZE)
    row, column = np.mgrid[:rows, :columns]
    order = (SPREAD[0] * column + SPREAD[1] * row) % 1
    raised = np.zeros(rows * columns, np.int16)
    count = round((qp - int(qp)) / step * raised.size)
    raised[np.argsort(order, axis=None, kind="stable")[:count]] = step
    return np.tile(int(qp) + raised.reshape(1, rows, columns), (clip.frames, 1, 1))


def _has_rate_factor(codec: Codec) -> bool:
    return getattr(codec, "rate", "qp") == "crf"
