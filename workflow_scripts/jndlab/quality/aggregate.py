"""BD-rates of methods against their anchor, per sequence, with means of classes and of all."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from jndlab.quality.bd_rate import BdRate, Curve, bd_rate, mean_bd_rate
from jndlab.quality.intervals import Comparison, adjusted, mean_interval, standing
from jndlab.quality.metrics import default_bd_rates, pooled_columns

BD_COLUMNS = [
    "level",
    "class",
    "sequence",
    "configuration",
    "codec",
    "metric",
    "method",
    "bd_rate_pct",
    "low",
    "high",
    "p_holm",
    "better",
    "status",
    "overlap",
    "interpolation",
    "anchor_qps",
    "points",
    "sequences",
    "low_overlap",
    "left_out",
]


def bd_rate_table(
    points: pd.DataFrame,
    anchor_method: str = "anchor",
    metrics: Sequence[str] | None = None,
    interpolation: str = "pchip",
    classes: Mapping[str, str] | None = None,
    trained: Collection[str] = (),
) -> pd.DataFrame:
    """BD-rate of every method against the anchor, per sequence, then class and overall means.

    ``points`` is the frame of ``quality.points.read_points``; ``classes`` names the class of
    each sequence (default: the letter before an underscore, ``C_RaceHorses`` -> ``C``). Rows of
    ``level`` ``sequence`` carry status, overlap and number of points of one pair of curves. The
    means (``class``, ``all``) are of the per-sequence values, never the BD-rate of averaged
    curves: ``sequences`` counts the values averaged, ``low_overlap`` those of them that rest on
    curves with little quality in common, ``left_out`` the sequences without a value. A mean over
    nothing is missing. Negative percentages are savings. ``low`` and ``high`` are a mean's 95 %
    interval over sequences; of the overall means ``p_holm`` is adjusted for all of the table, and
    ``better`` names method or anchor where one is shown to save bits. ``trained`` names the
    methods with a network, of which there is one training. ``anchor_qps`` are the QPs of the
    anchor's curve, on which the overlap and so the number rests. Columns: ``BD_COLUMNS``.
    """
    rows = []
    for (configuration, codec), group in points.groupby(["configuration", "codec"], sort=True):
        methods = sorted(set(group["method"]) - {anchor_method})
        anchor_qps = sorted(set(group.loc[group["method"] == anchor_method, "qp"]))
        for metric in metrics or default_bd_rates():
            for method in methods:
                shared = {
                    "configuration": configuration,
                    "codec": codec,
                    "metric": metric,
                    "method": method,
                }
                shared["interpolation"] = interpolation
                shared["anchor_qps"] = " ".join(map(str, anchor_qps))
                rows += _curve_rows(group, anchor_method, classes, shared)
    table = pd.DataFrame(rows, columns=BD_COLUMNS)
    compared = comparisons(table, anchor_method, trained)
    shown = [standing(compared.get(place)) for place in table.index]
    for name in ("p_holm", "better"):
        table[name] = [row[name] for row in shown]
    for name in ("points", "sequences", "low_overlap", "left_out"):
        table[name] = table[name].astype("Int64")
    for name in ("bd_rate_pct", "low", "high", "p_holm", "overlap"):
        table[name] = table[name].astype(float)
    return table


def comparisons(
    table: pd.DataFrame, anchor_method: str, trained: Collection[str] = ()
) -> dict[int, Comparison]:
    """Every overall mean of a table of BD-rates as a comparison with the anchor, by its row."""
    keys = ["configuration", "codec", "metric", "method"]
    single = table[table["level"] == "sequence"].groupby(keys)
    found = {}
    for place, row in table[table["level"] == "all"].iterrows():
        of_method = single.get_group(tuple(row[keys]))
        seeds = [0] * len(of_method) if row["method"] in trained else None
        difference = mean_interval(of_method["bd_rate_pct"], of_method["sequence"], seeds)
        what = f"BD-rate by {row['metric']}, {row['configuration']}, {row['codec']}"
        found[place] = Comparison(row["method"], anchor_method, what, difference, True, "%")
    return dict(zip(found, adjusted(found.values()), strict=True))


def bd_rate_between(
    points: pd.DataFrame,
    pairs: Sequence[Sequence[str]],
    metrics: Sequence[str] | None = None,
    interpolation: str = "pchip",
    classes: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """BD-rates of pairs (reference, tested), over the sequences that both were run with.

    Rows and columns of :func:`bd_rate_table`, with ``reference`` first.
    """
    tables = []
    for reference, tested in pairs:
        places = [
            points.loc[points["method"] == name, ["configuration", "codec", "sequence"]]
            for name in (reference, tested)
        ]
        shared = places[0].merge(places[1]).drop_duplicates()
        of_both = points[points["method"].isin([reference, tested])].merge(shared)
        table = bd_rate_table(of_both, reference, metrics, interpolation, classes)
        tables.append(table.assign(reference=reference)[["reference", *BD_COLUMNS]])
    return pd.concat(tables, ignore_index=True)


def sequence_class(sequence: str) -> str:
    """Class letter that a sequence id carries (``B_Cactus`` -> ``B``), else an empty string."""
    found = re.match(r"([A-Z]\d?)_", sequence)
    return found.group(1) if found else ""


def _curve_rows(
    group: pd.DataFrame,
    anchor_method: str,
    classes: Mapping[str, str] | None,
    shared: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Rows of one method under one metric: its sequences, their classes, all of them."""
    rates: dict[str, BdRate] = {}
    tested = group[group["method"] == shared["method"]]
    for sequence in sorted(set(tested["sequence"])):
        of_sequence = group[group["sequence"] == sequence]
        anchor, test = (
            _curve(of_sequence[of_sequence["method"] == method], shared["metric"])
            for method in (anchor_method, shared["method"])
        )
        rates[sequence] = bd_rate(anchor, test, shared["interpolation"])
    class_of = {
        sequence: sequence_class(sequence) if classes is None else classes.get(sequence, "")
        for sequence in rates
    }
    rows = [
        {
            **shared,
            "level": "sequence",
            "class": class_of[sequence],
            "sequence": sequence,
            "bd_rate_pct": rate.percent,
            "status": rate.status,
            "overlap": rate.overlap,
            "points": rate.points,
        }
        for sequence, rate in rates.items()
    ]
    for name in sorted(set(class_of.values()) - {""}):
        members = [rate for sequence, rate in rates.items() if class_of[sequence] == name]
        rows.append({**shared, **_mean(members), "level": "class", "class": name})
    return [*rows, {**shared, **_mean(list(rates.values())), "level": "all", "class": ""}]


def _curve(points: pd.DataFrame, metric: str) -> Curve:
    """Rate (bits) and quality, rising with it, of the points that have the metric."""
    points = points.dropna(subset=[metric])
    column = pooled_columns().get(metric)
    sign = 1 if column is None or column.higher_is_better else -1
    return Curve(points["bits"].astype(float).tolist(), (sign * points[metric]).tolist())


def _mean(rates: Sequence[BdRate]) -> dict[str, Any]:
    mean = mean_bd_rate(rates)
    interval = mean_interval([rate.percent for rate in rates if rate.percent is not None])
    return {
        "sequence": "",
        "bd_rate_pct": mean.percent,
        "low": interval.low,
        "high": interval.high,
        "status": "",
        "sequences": mean.used,
        "low_overlap": mean.low_overlap,
        "left_out": mean.left_out,
    }
