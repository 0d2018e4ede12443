"""BL-JUNIPER's tables: saving and loss at each target QP, the headline, BD-rates, block QPs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from jndlab.codecs.qp_map import read_qp_map
from jndlab.files import read_csv
from jndlab.media.clip import ClipFormat
from jndlab.paths import PUBLISHED
from jndlab.quality.aggregate import bd_rate_table
from jndlab.quality.intervals import mean_interval
from jndlab.quality.points import seed_columns
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.compare import FOUND, compare_with_published, content_of
from jndlab.report.conditions import printed_conditions
from jndlab.subjective.dmos_predicted import CAPTION as DMOS_CAPTION
from jndlab.subjective.dmos_predicted import dmos_predicted

PRINTED = PUBLISHED / "bl_juniper"

GROUP = ["configuration", "codec", "method"]
HEADLINE = ["mean_saving_pct", "bd_rate_gain_pct", "delta_mos_predicted"]
SAVINGS_CAPTION = (
    "Bitrate, PSNR Y and VMAF (v0.6.1; means over frames) of block-QP control at each target QP, "
    "against the same encoder without a map at that QP: saving = 100 (1 - rate / anchor rate), "
    "drops are losses. jnd3_video is JND3 of the clip by vmaf_steps (H.264 QP), an objective "
    "stand-in; below it the controlled stream must be smaller. " + DMOS_CAPTION
)
HEADLINE_CAPTION = (
    "Means over all sequences and target QPs next to those of the abstract. delta_mos_predicted is "
    'the loss against the anchor at equal target, the sense of the abstract\'s "DMOS close to 0" '
    "(compared to the baseline encoding); mean_dmos_predicted is against the source. Both are "
    "predicted from VMAF, never rated, and so is the MOS under the BD-rate, which for this linear "
    "mapping is the BD-rate under VMAF."
)
BD_RATE_CAPTION = (
    "BD-rate (%) against the anchor, which was coded at further, higher QPs as well: {plain}; "
    "anchor_qps has all, and a table over other QPs has other BD-rates. The "
    "controlled streams lie in a short stretch of its curve, hence low_overlap. mos_predicted = "
    "5 - dmos_predicted is linear in VMAF, so its BD-rate is that of vmaf_mean: its one row per "
    "method says so and adds nothing. wpsnr is weighted by the importance maps of the model "
    "named, `uniform` by none. Negative saves."
)
QPS_CAPTION = (
    "QPs of the blocks that were coded, over all frames. raised_pct: blocks above the target QP; "
    "spread: largest difference within a frame (kvazaar codes at most 25)."
)


def savings_table(
    points: pd.DataFrame, anchor_method: str, jnd3: Mapping[str, float]
) -> pd.DataFrame:
    """A row per point of each method at its target QP (``qp``).

    ``points`` may be those of every training seed, or means over seeds (``quality.points``).
    ``jnd3`` is the video-level JND3 of each sequence. ``smaller`` says whether the stream is
    smaller than the anchor's, ``below_jnd3`` whether it has to be.
    """
    table = points[points["method"] != anchor_method].copy()
    table["dmos_predicted"] = table["vmaf_mean"].map(dmos_predicted)
    table["anchor_dmos_predicted"] = table["anchor_vmaf_mean"].map(dmos_predicted)
    table["jnd3_video"] = table["sequence"].map(jnd3)
    table["below_jnd3"] = table["qp"] < table["jnd3_video"]
    table["smaller"] = table["bits"] < table["anchor_bits"]
    columns = [
        *POINT_KEY, "content", "bitrate_kbps", "saving_pct", "psnr_y_framemean", "psnr_drop_db",
        "vmaf_mean", "vmaf_drop", "dmos_predicted", "anchor_dmos_predicted", "jnd3_video",
        "below_jnd3", "smaller", *(["seed"] if "seed" in table else []),
        *seed_columns(table, "saving_pct", "psnr_drop_db", "vmaf_drop"),
    ]  # fmt: skip
    return table[columns].sort_values([*GROUP, "sequence", "qp"], ignore_index=True)


def bd_rates(
    points: pd.DataFrame,
    anchor_method: str,
    metrics: Sequence[str],
    interpolation: str,
) -> pd.DataFrame:
    """``quality.aggregate.bd_rate_table``, and the mean under predicted MOS as one more row."""
    none: dict[str, str] = {}  # no means of classes
    with_mos = points.assign(mos_predicted=5 - points["vmaf_mean"].map(dmos_predicted))
    trained = set(points["method"])  # all by block JNDs of networks
    shared = (interpolation, none, trained)
    table = bd_rate_table(with_mos, anchor_method, metrics, *shared)
    predicted = bd_rate_table(with_mos, anchor_method, ["mos_predicted"], *shared)
    return pd.concat([table, predicted[predicted["level"] == "all"]], ignore_index=True)


def headline_table(savings: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Mean saving, losses and BD-rate gain per configuration, codec and method.

    ``savings`` are those of every training seed, where there are several.
    """
    overall = rates[(rates["level"] == "all") & (rates["metric"] == "mos_predicted")]
    gains = overall.set_index(GROUP)
    rows = []
    for keys, group in savings.groupby(GROUP, sort=True):
        below = group[group["below_jnd3"]]
        seeds = group.get("seed")
        rows.append(
            {
                **dict(zip(GROUP, keys, strict=True)),
                "content": content_of(group["content"]),
                **mean_interval(group["saving_pct"], group["sequence"], seeds).columns(
                    "mean_saving_pct", "saving_"
                ),
                **_over_seeds(group),
                "mean_psnr_drop_db": group["psnr_drop_db"].mean(),
                "mean_vmaf_drop": group["vmaf_drop"].mean(),
                "mean_dmos_predicted": group["dmos_predicted"].mean(),
                "mean_anchor_dmos_predicted": group["anchor_dmos_predicted"].mean(),
                **mean_interval(
                    group["dmos_predicted"] - group["anchor_dmos_predicted"],
                    group["sequence"],
                    seeds,
                ).columns("delta_mos_predicted", "delta_mos_"),
                "bd_rate_gain_pct": -gains.loc[keys, "bd_rate_pct"],
                "bd_rate_sequences": gains.loc[keys, "sequences"],
                "smaller_below_jnd3": f"{int(below['smaller'].sum())} of {len(below)}",
                "points": len(group),
            }
        )
    return pd.DataFrame(rows)


def _over_seeds(group: pd.DataFrame) -> dict[str, float]:
    """Deviation of the mean saving over training seeds, and their number, where there are some."""
    if "seed" not in group:
        return {}
    of_seeds = group.groupby("seed")["saving_pct"].mean()
    return {"saving_deviation": of_seeds.std(), "seeds": len(of_seeds)}


def headline_comparison(headline: pd.DataFrame, folder: Path = PRINTED) -> pd.DataFrame:
    """Our means next to the two of the abstract, which belong to the method ``bl_juniper``."""
    claims = {row["claim"]: row["printed"] for row in read_csv(folder / "headline.csv")}
    claims["delta_mos_predicted"] = claims["delta_mos"]
    places = headline.loc[headline["method"] == "bl_juniper", GROUP].to_dict("records")
    printed = [
        {**place, **{name: claims[name] for name in HEADLINE}}
        for place in places or [dict.fromkeys(GROUP, "") | {"method": "bl_juniper"}]
    ]
    ours = headline.assign(**{FOUND: [()] * len(headline)})
    required = printed_conditions("bl_juniper")  # a protocol not known: no tolerance, no verdict
    return compare_with_published(ours, printed, GROUP, HEADLINE, {}, required)


def block_qp_table(
    maps: Mapping[tuple[str, str, int], Path], clips: Mapping[str, ClipFormat]
) -> pd.DataFrame:
    """Statistics of the QP maps, by (sequence, method, target QP)."""
    rows = []
    for (sequence, method, target), path in maps.items():
        qp = read_qp_map(path, clips[sequence]).astype(int)
        per_frame = qp.reshape(len(qp), -1)
        rows.append(
            {
                "sequence": sequence,
                "method": method,
                "target_qp": target,
                "mean_qp": qp.mean(),
                "mean_delta_qp": qp.mean() - target,
                "lowest_qp": int(qp.min()),
                "highest_qp": int(qp.max()),
                "raised_pct": 100 * float(np.mean(qp > target)),
                "spread": int(np.ptp(per_frame, axis=1).max()),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values(["method", "sequence", "target_qp"], ignore_index=True)
