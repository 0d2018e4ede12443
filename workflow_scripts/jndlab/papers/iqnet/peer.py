"""BD-rates of a run next to those that a peer published of IQNet's architecture and other filters.

FJNDF (github viplab-fudan/FJNDF-Pytorch): first frames, low delay, QP 27, 32, 37, 42, 8 bit. The
peer trained IQNet (`ojcas_sun_2024`) again, with a recipe of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from jndlab.papers.iqnet.published import Row

OURS, STREAMS, PEER = "this run", "this run, decoded streams", "FJNDF"
# The peer's sets: classes of the sheet, and whose numbers theirs are.
CLASSES = {"hevc_b": {"B": OURS, "S": STREAMS}, "mcl_jcv": {"MCL-JCV": OURS}}
METRICS = {
    "psnr": "psnr_y_mse",
    "psnr_hvsm": "psnr_hvs_y",
    "ssim": "ssim_y",
    "ms_ssim": "ms_ssim_y",
    "vmaf": "vmaf_mean",
    "vmaf_neg": "vmaf_neg_mean",
}


def peer_table(bd_rates: pd.DataFrame, printed: Sequence[Row]) -> pd.DataFrame:
    """A row per set of sequences and method, ours first: BD-rate (%) by each of :data:`METRICS`.

    ``bd_rates`` is the run's table of BD-rates against the anchor; of it the means of a class are
    taken, with the number of ``sequences``. Sets that the run has none of hold the peer's alone.
    Sequences of class S are pictures of class B that streams decode to.
    """
    rows = []
    of_classes = bd_rates[bd_rates["level"] == "class"]
    for dataset, classes in CLASSES.items():
        mean = of_classes[of_classes["class"].isin(classes)]
        for (name, method), found in mean.groupby(["class", "method"]):
            values = found.set_index("metric")["bd_rate_pct"]
            row = {"set": dataset, "method": method, "by": classes[name]}
            row |= {"sequences": int(found["sequences"].max())}
            rows.append(row | {ours: values.get(key) for ours, key in METRICS.items()})
        rows += [
            {"set": dataset, "method": row["method"], "by": PEER, "sequences": None}
            | {name: float(row[name]) for name in METRICS}
            for row in printed
            if row["dataset"] == dataset
        ]
    return pd.DataFrame(rows).astype({"sequences": "Int64"} | dict.fromkeys(METRICS, float))
