"""What BL-JUNIPER costs: its stages by the frame, and encoding with a map over without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from jndlab.jnd.block.activity import block_tpi
from jndlab.jnd.block.jnd_mapping import candidate_qps
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.pictures import gray_of, rgb_of
from jndlab.jnd.block.qp_control import block_qps
from jndlab.jnd.saliency.visual_importance import SaliencyModel, block_importance
from jndlab.media.clip import ClipFormat, Frame
from jndlab.models.bl_juniper.onnx import BlockJndPredictor
from jndlab.models.onnx_costs import onnx_costs
from jndlab.papers.bl_juniper.mapping import block_jnd_of_key_frame
from jndlab.quality.intervals import mean_interval
from jndlab.quality.rd_point import POINT_KEY

RUNS, LONG = 3, 5.0  # the least of three runs; one that takes longer than 5 s is not repeated
SOBEL_TAPS, GAUSSIAN_TAPS = 18, 22  # per sample: two 3x3 filters; 11 along each direction
STAGE_CAPTION = (
    "What a key frame costs in each stage (CPU time, the least of three runs, mean over clips of "
    "one size), and a frame of the clip, where key frames are {every} apart. "
    "Stage 1 is without the codings that its JNDs need; its multiply-accumulates (gmac, 10^9) are "
    "those of its filters. Saliency models iterate: no number of gmac is theirs."
)
ENCODING_CAPTION = (
    "CPU time of encoding with a map over that of the anchor at the same target QP, by point; "
    "intervals over clips. A higher QP alone is faster. Stages 1 to 4 come on top."
)


class KeyFrame(NamedTuple):
    """A key frame (``pair[position]``) with its neighbour and the JND levels of its clip."""

    pair: Sequence[Frame]
    position: int
    video_jnd: Sequence[int]
    clip: ClipFormat


def stage_rows(
    frame: KeyFrame,
    models: Sequence[str | Path],
    saliency: Mapping[str, SaliencyModel],
    options: BlockMappingOptions,
) -> list[dict[str, Any]]:
    """A row per stage: stage, what, size, parameters, gmac, cpu_ms (of one key frame).

    ``models`` are the ONNX files of JND1 to 3 (none: stage 2 is left out).
    """
    clip, picture = frame.clip, frame.pair[frame.position]
    samples = clip.width * clip.height
    coded = dict.fromkeys(candidate_qps(frame.video_jnd, options), picture)
    # Mean and variance of the source; mean, variance and covariance of each coding.
    taps = SOBEL_TAPS + GAUSSIAN_TAPS * (2 + 3 * len(coded))

    def mapped() -> np.ndarray:
        given = frame.pair, frame.position, coded, frame.video_jnd, options
        return block_jnd_of_key_frame(*given)

    jnd = mapped().astype(float)
    found = [("1", "JND mapping", 0, taps * samples / 1e9, mapped)]
    if models:
        predictor = BlockJndPredictor(dict(enumerate(models, start=1)), threads=1)
        costs = [onnx_costs(path) for path in models]
        blocks = -(-clip.width // 64) * -(-clip.height // 64)
        parameters, work = (sum(column) for column in zip(*costs, strict=True))
        form = predictor.options

        def predicted() -> np.ndarray:
            grays = [gray_of(one, form, clip.bit_depth) for one in frame.pair]
            ti = block_tpi(grays[-1], grays[0] if len(grays) > 1 else None, form)
            return predictor.of_frame(rgb_of(picture, form.colour_matrix, clip.bit_depth), ti)

        found.append(("2", "three CNNs", parameters, work * blocks / 1e9, predicted))
    for name, model in saliency.items():

        def important(model: SaliencyModel = model) -> np.ndarray:
            rgb = rgb_of(picture, options.colour_matrix, clip.bit_depth)
            return block_importance(model.saliency(rgb))

        found.append(("3", f"importance, {name}", 0, np.nan, important))
    even = np.full(jnd.shape[:2], 2)
    found.append(("4", "decision table", 0, 0.0, lambda: block_qps(22, jnd, even)))
    return [
        {
            "stage": stage,
            "what": what,
            "size": f"{clip.width}x{clip.height}",
            "parameters": parameters,
            "gmac": gmac,
            "cpu_ms": 1000 * least_seconds(run),
        }
        for stage, what, parameters, gmac, run in found
    ]


def least_seconds(run: Callable[[], Any]) -> float:
    """CPU seconds of this process in the fastest of ``RUNS`` runs."""
    seconds: list[float] = []
    while len(seconds) < RUNS and sum(seconds) < LONG:
        start = process_time()
        run()
        seconds.append(process_time() - start)
    return min(seconds)


def stage_table(rows: Iterable[Mapping[str, Any]], every: int) -> pd.DataFrame:
    """Means of :func:`stage_rows` of all clips by stage and size, with the clips' number."""
    groups = pd.DataFrame(rows).groupby(["stage", "what", "size"], sort=True)
    table = groups.mean().reset_index()
    table["parameters"] = table["parameters"].astype(int)
    table["cpu_ms_per_frame"] = table["cpu_ms"] / every
    table["clips"] = groups.size().to_numpy()
    return table


def encoding_table(points: pd.DataFrame, anchor: str) -> pd.DataFrame:
    """CPU time of encoding by configuration, codec and method, over the anchor's at equal QP.

    ``points`` have ``POINT_KEY``, ``frames``, ``encode_cpu_s`` and, with several trainings,
    ``seed``; methods have the names of ``by_method``.
    """
    at = [name for name in POINT_KEY if name != "method"]
    plain = points[points["method"] == anchor].set_index(at)["encode_cpu_s"]
    coded = points[points["method"] != anchor].join(plain.rename("anchor_cpu_s"), on=at)
    rows = []
    for keys, group in coded.groupby(["configuration", "codec", "method"], sort=True):
        ratio = 100 * (group["encode_cpu_s"] / group["anchor_cpu_s"] - 1)
        over = mean_interval(ratio, group["sequence"], group.get("seed"))
        rows.append(
            {
                **dict(zip(["configuration", "codec", "method"], keys, strict=True)),
                "anchor_ms_per_frame": 1000 * (group["anchor_cpu_s"] / group["frames"]).mean(),
                "ms_per_frame": 1000 * (group["encode_cpu_s"] / group["frames"]).mean(),
                **over.columns("over_anchor_pct", "over_"),
                "clips": over.sources,
                "points": over.members,
            }
        )
    return pd.DataFrame(rows)
