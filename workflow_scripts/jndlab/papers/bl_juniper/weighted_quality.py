"""Quality weighted by visual importance, and the same rate by a plain increase of QP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from jndlab.errors import UserError
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.maps import held_maps, read_block_maps
from jndlab.jnd.block.ssim import BlockSsim
from jndlab.media.clip import ClipFormat, read_clip
from jndlab.quality.intervals import mean_interval
from jndlab.quality.rd_point import POINT_KEY

UNIFORM = "uniform"  # the weighting in which all blocks are alike
QUALITIES = ("wpsnr", "wssim")
EQUAL_RATE_COLUMNS = [
    *POINT_KEY, "content", "judge", "quality", "bitrate_kbps", "value", "plain_value", "gain",
    "plain_qp", "status",
]  # fmt: skip
CAPTION = (
    "Importance-weighted quality of the luma against that of the anchor coded at a higher QP with "
    "the same rate (interpolated by pchip over log rate, never extrapolated): gain = method - "
    "plain increase, positive is better. wpsnr = 10 log10(255^2 / weighted MSE) in dB, wssim = "
    "weighted mean of block SSIM; the weight of a block is its importance, 1 to 3, by the model "
    "named (`uniform`: 1). The weighting that drives a method favours it: see the others too."
)


def weights_of(paths: Mapping[str, Path], clip: ClipFormat) -> dict[str, np.ndarray]:
    """Weight of every block (frames x rows x columns) by each weighting, ``uniform`` the first."""
    size = {"width": clip.width, "height": clip.height}
    weights = {
        name: held_maps(read_block_maps(path, "importance", **size), clip.frames).astype(float)
        for name, path in paths.items()
    }
    return {UNIFORM: np.ones_like(next(iter(weights.values()))), **weights}


def weighted_quality(
    source: Path,
    streams: Sequence[Path],
    clip: ClipFormat,
    weights: Mapping[str, np.ndarray],
    every: int = 1,
) -> list[list[dict[str, float | str | None]]]:
    """For each stream rows ``judge`` (the weighting), ``wpsnr`` (dB), ``wssim`` of its luma.

    Of each ``every``-th frame; wpsnr is of the weighted MSE over all these frames, None where it
    is 0. All streams are decoded side by side, so that the source is filtered once for SSIM.
    """
    # Weighted sums over blocks and frames: squared errors, SSIM, samples.
    sums = [{name: np.zeros(3) for name in weights} for _ in streams]
    decoders = [read_clip(stream, clip) for stream in streams]
    scale = np.float32(1 << (clip.bit_depth - 8))
    for index, (reference, *decoded) in enumerate(
        zip(read_clip(source, clip), *decoders, strict=True)
    ):
        if index % every:
            continue
        plain = reference.y / scale
        ssim = BlockSsim(plain, BlockMappingOptions())
        for frame, of_stream in zip(decoded, sums, strict=True):
            coded = frame.y / scale
            squares = ssim.grid.sums(np.square(coded - plain))
            blocks = (squares, ssim.blocks(coded) * ssim.grid.counts, ssim.grid.counts)
            for name, maps in weights.items():
                of_stream[name] += [(maps[index] * values).sum() for values in blocks]
    return [[_row(name, *values.tolist()) for name, values in of.items()] for of in sums]


def equal_rate_table(
    points: pd.DataFrame, weighted: pd.DataFrame, anchor_method: str
) -> pd.DataFrame:
    """Every point of every method next to the anchor at its rate; columns: ``EQUAL_RATE_COLUMNS``.

    ``points`` as of ``quality.points.read_points``, ``weighted`` with the columns ``POINT_KEY``,
    ``judge`` and ``QUALITIES``. ``plain_qp`` is the (fractional) QP at which the anchor has that
    rate. ``status`` is ``ok``, or ``out_of_range`` where the anchor was not coded at such a rate.
    """
    merged = points[[*POINT_KEY, "content", "bitrate_kbps"]].merge(weighted, on=POINT_KEY)
    rows = []
    keys = ["sequence", "configuration", "codec", "judge"]
    for _, group in merged.groupby(keys, sort=True):
        anchor = group[group["method"] == anchor_method].sort_values("bitrate_kbps")
        others = group[group["method"] != anchor_method].sort_values(["method", "qp"])
        for row in others.to_dict("records"):
            for quality in QUALITIES:
                plain, qp = (
                    _at_rate(anchor, row["bitrate_kbps"], name) for name in (quality, "qp")
                )
                gain = None if plain is None else row[quality] - plain
                rows.append(
                    [*(row[name] for name in POINT_KEY), row["content"], row["judge"], quality,
                     row["bitrate_kbps"], row[quality], plain, gain, qp,
                     "out_of_range" if plain is None else "ok"]
                )  # fmt: skip
    table = pd.DataFrame(rows, columns=EQUAL_RATE_COLUMNS)
    numbers = ["value", "plain_value", "gain", "plain_qp"]
    return table.astype(dict.fromkeys(numbers, float))


def equal_rate_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean gains over sequences with intervals, and wins over points, of equal rate.

    A row per method, weighting and quality.
    """
    keys = ["configuration", "codec", "method", "judge", "quality"]
    rows = []
    for names, group in table.groupby(keys, sort=True):
        compared = group[group["status"] == "ok"]
        gain = mean_interval(compared["gain"], compared["sequence"], compared.get("seed"))
        rows.append(
            {
                **dict(zip(keys, names, strict=True)),
                "content": ", ".join(sorted(set(group["content"]))),
                **gain.columns("mean_gain"),
                "sequences": gain.sources,
                "points_better": int((compared["gain"] > 0).sum()),
                "points": len(compared),
                "left_out": len(group) - len(compared),
            }
        )
    return pd.DataFrame(rows)


def with_weighted(points: pd.DataFrame, weighted: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The points with columns ``wpsnr_NAME`` and ``wssim_NAME`` by weighting; their names."""
    wide = weighted.pivot(index=POINT_KEY, columns="judge", values=list(QUALITIES))
    wide.columns = [f"{quality}_{judge}" for quality, judge in wide.columns]
    return points.merge(wide.reset_index(), on=POINT_KEY, how="inner"), list(wide.columns)


def read_weighted(paths: Sequence[str | Path]) -> pd.DataFrame:
    """The tables of all weighted qualities as one frame. Raises UserError where there is none."""
    if not paths:
        raise UserError("no point has a weighted quality.")
    return pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)


def _row(
    weighting: str, squares: float, similar: float, samples: float
) -> dict[str, float | str | None]:
    wpsnr = 10 * math.log10(255**2 * samples / squares) if squares else None
    return {"judge": weighting, "wpsnr": wpsnr, "wssim": similar / samples}


def _at_rate(anchor: pd.DataFrame, rate: float, column: str) -> float | None:
    from scipy.interpolate import PchipInterpolator

    known = anchor.dropna(subset=[column])
    rates = np.log(known["bitrate_kbps"].to_numpy(float))
    if len(rates) < 2 or not rates[0] <= math.log(rate) <= rates[-1] or (np.diff(rates) <= 0).any():
        return None
    return float(PchipInterpolator(rates, known[column].to_numpy(float))(math.log(rate)))
