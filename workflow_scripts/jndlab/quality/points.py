"""Rate-distortion points as one table, with their savings against the anchor at equal QP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from jndlab.errors import UserError
from jndlab.files import atomic_path, read_parquet
from jndlab.quality.metrics import optional_columns, pooled_columns
from jndlab.quality.rd_point import POINT_KEY, base_name, encoder_of, no_point, read_point

ON_DEMAND = optional_columns()
POOLED = [name for name in pooled_columns() if name not in ON_DEMAND] + ["lossless_frames"]
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
# Quantities whose deviation over training seeds tables give.
DEVIATING = [
    "bitrate_kbps", "psnr_y_framemean", "vmaf_mean", "prefilter_vmaf_mean", "saving_pct",
    "psnr_drop_db", "vmaf_drop",
]  # fmt: skip


def load_points(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read RD-point JSON files into one row per point, sorted by ``POINT_KEY``.

    The columns are ``POINT_COLUMNS`` and those ``ON_DEMAND`` that a point has: rates in kbit/s,
    PSNR and XPSNR in dB, VMAF 0..100,
    seconds of the encoder. ``encoder`` is its adapter and the version that it reported itself,
    ``models_sha256`` the hashes of the models that the method used, between spaces. A metric that
    a point lacks (no prefilter, only lossless frames) is NaN. No paths give an empty frame with all
    columns. Raises UserError on a file that is no RD point, on two files for the same point, and on
    points of one sequence that rest on different samples.
    """
    files = [Path(path) for path in paths]
    rows = [_point_row(path) for path in files]
    _require_one_source(files, rows)
    further = [name for name in ON_DEMAND if any(name in row for row in rows)]
    frame = pd.DataFrame(rows, columns=POINT_COLUMNS + further)
    twice = frame[frame.duplicated(POINT_KEY, keep=False)]
    if len(twice):
        first = twice.iloc[0]
        raise UserError(
            "two files hold the RD point " + "/".join(str(first[name]) for name in POINT_KEY) + ".",
            where=", ".join(str(files[index]) for index in twice.index[:2]),
            expected="one file for each sequence, configuration, codec, method and QP",
        )
    measured = [*POOLED, *further, "prefilter_vmaf_mean", "prefilter_psnr_y_framemean"]
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


def with_seeds(points: pd.DataFrame, seeds: Mapping[str, int]) -> pd.DataFrame:
    """The rows with the training ``seed`` of their method, missing where it has not several.

    ``seeds`` are by the name of the method, which ends in its seed. Without any there is no column.
    """
    if not seeds:
        return points
    return points.assign(seed=points["method"].map(dict(seeds)).astype("Int64"))


def seeds_of(points: pd.DataFrame) -> dict[str, int]:
    """The seeds of :func:`with_seeds` by the names of methods."""
    if "seed" not in points:
        return {}
    known = points.dropna(subset=["seed"]).drop_duplicates("method")
    return dict(zip(known["method"], known["seed"].astype(int), strict=True))


def by_method(points: pd.DataFrame) -> pd.DataFrame:
    """The points of all seeds of a method under its one name; ``seed`` tells them apart."""
    if "seed" not in points:
        return points
    seeds = [None if pd.isna(seed) else int(seed) for seed in points["seed"]]
    names = [base_name(*pair) for pair in zip(points["method"], seeds, strict=True)]
    return points.assign(method=names)


def over_seeds(points: pd.DataFrame) -> pd.DataFrame:
    """One row per ``POINT_KEY``: means over the training seeds of methods that have several.

    Then there are the columns ``seeds``, their number (0: not several), and ``*_deviation``, the
    standard deviation over them of the quantities ``DEVIATING``. Bits are rounded; hashes and
    conditions are those of all seeds. Points without seeds are given back as they are.
    """
    named = by_method(points)
    if named is points:
        return points
    groups = named.groupby(POINT_KEY, sort=False)
    first = named.drop_duplicates(POINT_KEY).set_index(POINT_KEY).drop(columns="seed")
    for name in first.select_dtypes("float"):
        first[name] = groups[name].mean()
    first["bits"] = groups["bits"].mean().round().astype(int)
    first["models_sha256"] = groups["models_sha256"].agg(
        lambda hashes: " ".join(dict.fromkeys(hashes))
    )
    for name in first:
        if isinstance(first[name].iloc[0], list):
            first[name] = groups[name].agg(lambda found: list(chain(*found)))
    for name in DEVIATING:
        if name in first:
            first[f"{name}_deviation"] = groups[name].std()
    first["seeds"] = groups["seed"].nunique()
    return first.reset_index()


def seed_columns(points: pd.DataFrame, *quantities: str) -> list[str]:
    """Columns of :func:`over_seeds` that belong to ``quantities``; none where there are none."""
    if "seeds" not in points:
        return []
    return [*(f"{name}_deviation" for name in quantities), "seeds"]


def same_qp_table(points: pd.DataFrame, anchor_method: str = "anchor") -> pd.DataFrame:
    """Saving and loss of quality of every point but the anchor's; columns: ``SAME_QP_COLUMNS``.

    ``points`` carry the columns of :func:`with_savings`; a point whose anchor is missing keeps
    its row. Of methods with several training seeds it gives the means of :func:`over_seeds`, with
    their deviations.
    """
    means = over_seeds(points)
    columns = SAME_QP_COLUMNS + seed_columns(means, "saving_pct", "psnr_drop_db", "vmaf_drop")
    table = means.loc[means["method"] != anchor_method, columns]
    return table.sort_values(POINT_KEY, ignore_index=True)


def rate_axis(points: pd.DataFrame) -> str:
    """What the column ``qp`` holds, in words: ``QP``, or ``CRF`` in a run at rate factors."""
    is_crf = "encoder" in points and points["encoder"].str.contains(" CRF").all()
    return "CRF" if is_crf and len(points) else "QP"


def write_points(points: pd.DataFrame, path: str | Path) -> None:
    """Write points as Parquet: every number at full precision, with its type."""
    with atomic_path(Path(path)) as part:
        points.to_parquet(part, index=False)


def read_points(path: str | Path) -> pd.DataFrame:
    """Points as :func:`write_points` was given them.

    Columns: ``POINT_COLUMNS``, those ``ON_DEMAND`` that were measured, those of
    :func:`with_savings`, of :func:`with_seeds`, and ``sheet_frames``, the length of the whole
    sequence of which ``frames`` were coded.
    """
    table: pd.DataFrame = read_parquet(path)
    return table


def _require_one_source(files: Sequence[Path], rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise UserError for points of one sequence of other samples, as of a source that changed."""
    names = ("width", "height", "bit_depth", "frames", "fps", "source_sha256")
    first: dict[str, int] = {}
    for place, row in enumerate(rows):
        other = rows[first.setdefault(row["sequence"], place)]
        if differ := [name for name in names if row[name] != other[name]]:
            raise UserError(
                f"points of sequence '{row['sequence']}' rest on different samples.",
                where=f"{files[first[row['sequence']]]}, {files[place]}",
                expected=f"the same {', '.join(differ)} in all",
                remedy="the source was changed or damaged between two runs: put the right one in "
                "its place, delete the points of the sequence, and run again.",
            )


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
            **{name: metrics[name] for name in ON_DEMAND if name in metrics},
            "prefilter_vmaf_mean": prefiltered.get("vmaf_mean"),
            "prefilter_psnr_y_framemean": prefiltered.get("psnr_y_framemean"),
            "encode_cpu_s": provenance["encode_cpu_s"],
            "encode_wall_s": provenance["encode_wall_s"],
            "encoder": encoder_of(point),
            "models_sha256": " ".join(point["recipe"]["models_sha256"]),
            "recipe_sha256": point["recipe_sha256"],
            "source_sha256": point["recipe"].get("source_sha256"),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise no_point(path, error) from error
