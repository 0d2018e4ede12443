"""QP maps of the experiment that asks what block JNDs add to importance, and their arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jndlab.jnd.block.qp_control import block_qps

CEILING = "ceiling"  # the best possible map, by the weighting named behind it
CONSTANT, JND_ONLY = "_constant", "_jnd_only"  # parts of the method, behind the origin of its JNDs
QP_PER_OCTAVE = 3.0  # of weight: squared error is about proportional to 2^(QP / 3)
MAX_SPREAD = 25  # that kvazaar codes within a picture


def table_maps(
    jnd_of: Mapping[str, np.ndarray], importance: np.ndarray, target_qp: int
) -> dict[str, np.ndarray]:
    """Maps (frames x rows x columns, QP) of the method's decision table and of parts of it.

    ``jnd_of`` has block JNDs (frames x rows x columns x 3) by their origin, ``importance`` is 1..3.
    For each origin ``<origin>`` is the method; ``<origin>_constant`` has every block the mean JNDs
    of the clip, so that importance alone acts; ``<origin>_jnd_only`` takes all blocks for equally
    important (2).
    """
    maps = {}
    for origin, jnd in jnd_of.items():
        constant = np.broadcast_to(jnd.mean(axis=(0, 1, 2)), jnd.shape)
        maps[origin] = block_qps(target_qp, jnd, importance, max_delta=MAX_SPREAD)
        maps[f"{origin}{CONSTANT}"] = block_qps(
            target_qp, constant, importance, max_delta=MAX_SPREAD
        )
        alike = np.full_like(importance, 2)
        maps[f"{origin}{JND_ONLY}"] = block_qps(target_qp, jnd, alike, max_delta=MAX_SPREAD)
    return maps


def ceiling_map(weights: np.ndarray, mean_qp: float) -> np.ndarray:
    """QPs (whole numbers) that minimise the weighted squared error at a mean of ``mean_qp``.

    At the optimum the weighted error is the same everywhere: QP = constant - 3 log2(weight). For
    weights of importance it is what "importance only" should do.
    """
    qps = -QP_PER_OCTAVE * np.log2(weights)
    qps = np.clip(qps - qps.mean(), -MAX_SPREAD / 2, MAX_SPREAD / 2)
    return np.clip(np.floor(qps - qps.mean() + mean_qp + 0.5), 0, 51).astype(np.int16)


def model_gain(qps: np.ndarray, weights: np.ndarray, counts: np.ndarray | float = 1.0) -> float:
    """Gain in dB of weighted PSNR over one QP for all at the same rate, without free parameters.

    The squared error of a block is proportional to 2^(QP / 3), and two maps have the same rate
    where their mean QP (by ``counts``, samples of each block) is the same:
    -10 log10(sum w 2^((QP - mean QP) / 3) / sum w).
    """
    samples = np.broadcast_to(counts, qps.shape)
    excess = qps - np.average(qps, weights=samples)
    return float(-10 * np.log10(np.average(2 ** (excess / 3), weights=weights * samples)))
