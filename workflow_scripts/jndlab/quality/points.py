"""Rate-distortion points as one table, with their savings against the anchor at equal QP."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.quality.metrics import pooled_columns
from jndlab.quality.rd_point import POINT_KEY, encoder_of, no_point, read_point

POOLED = [*pooled_columns(), "lossless_frames"]
POINT_COLUMNS = [
    *POINT_KEY,
    "content",
    "width",
    "height",
    "bit_depth",
    "frames",
    "fps",
    "bits",
    "bitrate_kbps",
    *POOLED,
    "prefilter_vmaf_mean",
    "prefilter_psnr_y_framemean",
    "encode_cpu_s",
    "encode_wall_s",
    "encoder",
    "models_sha256",
    "recipe_sha256",
]
SAME_QP_COLUMNS = [
    *POINT_KEY,
    "content",
    "bits",
    "anchor_bits",
    "saving_pct",
    "psnr_drop_db",
    "vmaf_drop",
    "vmaf_neg_drop",
    "prefilter_vmaf_mean",
]


def load_points(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read RD-point JSON files into one row per point, sorted by ``POINT_KEY``.

    The columns are ``POINT_COLUMNS``: rates in kbit/s, PSNR and XPSNR in dB, VMAF 0..100,
    seconds of the encoder. ``encoder`` is its adapter and the version that it reported itself,
    ``models_sha256`` the hashes of the models that the method used, between spaces. A metric that
    a point lacks (no prefilter, only lossless frames) is NaN. No paths give an empty frame with all
    columns. Raises UserError on a file that is no RD point and on two files for the same point.
    """
    files = [Path(path) for path in paths]
    rows = [_point_row(path) for path in files]
    frame = pd.DataFrame(rows, columns=POINT_COLUMNS)
    twice = frame[frame.duplicated(POINT_KEY, keep=False)]
    if len(twice):
        first = twice.iloc[0]
        raise UserError(
            "two files hold the RD point " + "/".join(str(first[name]) for name in POINT_KEY) + ".",
            where=", ".join(str(files[index]) for index in twice.index[:2]),
            expected="one file for each sequence, configuration, codec, method and QP",
        )
    measured = [*POOLED, "prefilter_vmaf_mean", "prefilter_psnr_y_framemean"]
    frame[measured] = frame[measured].astype(float)
    frame["lossless_frames"] = frame["lossless_frames"].astype("Int64")
    return frame.sort_values(POINT_KEY, kind="stable", ignore_index=True)


def with_savings(points: pd.DataFrame, anchor_method: str = "anchor") -> pd.DataFrame:
    """The points with their saving and loss of quality against the anchor's point at the same QP.

    saving_pct = 100 * (1 - bits / anchor_bits); psnr_drop_db (luma, mean over frames),
    vmaf_drop and vmaf_neg_drop = anchor - method, so positive is a loss. ``anchor_*`` are the
    anchor's own values. All are missing for the anchor itself and where its point is missing.
    """
    keys = [name for name in POINT_KEY if name != "method"]
    drops = {"psnr_drop_db": "psnr_y_framemean", "vmaf_drop": "vmaf_mean"}
    drops["vmaf_neg_drop"] = "vmaf_neg_mean"
    names = {name: f"anchor_{name}" for name in ("bits", *drops.values())}
    anchor = points.loc[points["method"] == anchor_method, [*keys, *names]].rename(columns=names)
    table = points.merge(anchor, on=keys, how="left")
    table["anchor_bits"] = table["anchor_bits"].astype("Int64")
    table.loc[table["method"] == anchor_method, list(names.values())] = None
    table["saving_pct"] = 100 * (1 - (table["bits"] / table["anchor_bits"]).astype(float))
    for drop, quality in drops.items():
        table[drop] = table[f"anchor_{quality}"] - table[quality]
    return table


def same_qp_table(points: pd.DataFrame, anchor_method: str = "anchor") -> pd.DataFrame:
    """Saving and loss of quality of every point but the anchor's; columns: ``SAME_QP_COLUMNS``.

    ``points`` carry the columns of :func:`with_savings`; a point whose anchor is missing keeps
    its row.
    """
    table = points.loc[points["method"] != anchor_method, SAME_QP_COLUMNS]
    return table.sort_values(POINT_KEY, ignore_index=True)


def write_points(points: pd.DataFrame, path: str | Path) -> None:
    """Write points as Parquet: every number at full precision, with its type."""
    with atomic_path(Path(path)) as part:
        points.to_parquet(part, index=False)


def read_points(path: str | Path) -> pd.DataFrame:
    """Points as :func:`write_points` was given them.

    Columns: ``POINT_COLUMNS``, then those of :func:`with_savings`, then ``sheet_frames``, the
    length of the whole sequence of which ``frames`` were coded.
    """
    return pd.read_parquet(path)


def _point_row(path: Path) -> dict[str, Any]:
    point = read_point(path)
    try:
        clip, provenance = point["clip"], point["provenance"]
        prefiltered = point["prefilter_metrics"] or {}
        metrics = point["metrics"]
        return {
            **{name: point["key"][name] for name in POINT_KEY},
            "content": point["content"],
            **{name: clip[name] for name in ("width", "height", "bit_depth", "frames")},
            "fps": float(Fraction(clip["fps"])),
            "bits": point["bits"],
            "bitrate_kbps": point["bitrate_kbps"],
            **{name: metrics.get(name) for name in POOLED},
            "prefilter_vmaf_mean": prefiltered.get("vmaf_mean"),
            "prefilter_psnr_y_framemean": prefiltered.get("psnr_y_framemean"),
            "encode_cpu_s": provenance["encode_cpu_s"],
            "encode_wall_s": provenance["encode_wall_s"],
            "encoder": encoder_of(point),
            "models_sha256": " ".join(point["recipe"]["models_sha256"]),
            "recipe_sha256": point["recipe_sha256"],
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise no_point(path, error) from error
