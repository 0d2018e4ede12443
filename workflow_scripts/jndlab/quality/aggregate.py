"""BD-rates of methods against their anchor, per sequence, with means of classes and of all."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from statistics import stdev
from typing import Any

import pandas as pd

from jndlab.quality.bd_rate import BdRate, Curve, bd_rate, mean_bd_rate
from jndlab.quality.intervals import Comparison, adjusted, mean_interval, standing
from jndlab.quality.metrics import default_bd_rates, pooled_columns
from jndlab.quality.points import by_method

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
SEED_COLUMNS = ["deviation", "seeds", "seed"]  # only where a method has several trainings


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

    Where points have a training ``seed``, a sequence's value is the mean over the seeds, the
    intervals are over sequences and seeds, and there are the columns ``deviation`` (over seeds),
    ``seeds`` and ``seed``, with a row of ``level`` ``seed`` for each sequence and seed.
    """
    points, rows = by_method(points), []
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
    several = [name for name in SEED_COLUMNS if any(name in row for row in rows)]
    table = pd.DataFrame(rows, columns=BD_COLUMNS + several)
    compared = comparisons(table, anchor_method, trained)
    shown = [standing(compared.get(place)) for place in table.index]
    for name in ("p_holm", "better"):
        table[name] = [row[name] for row in shown]
    for name in ("points", "sequences", "low_overlap", "left_out", *several[1:]):
        table[name] = table[name].astype("Int64")
    for name in ("bd_rate_pct", "low", "high", "p_holm", "overlap", *several[:1]):
        table[name] = table[name].astype(float)
    return table


def comparisons(
    table: pd.DataFrame, anchor_method: str, trained: Collection[str] = ()
) -> dict[int, Comparison]:
    """Every overall mean of a table of BD-rates as a comparison with the anchor, by its row."""
    keys = ["configuration", "codec", "metric", "method"]
    single = {level: dict(list(of.groupby(keys))) for level, of in table.groupby("level")}
    found = {}
    for place, row in table[table["level"] == "all"].iterrows():
        of_method = single["sequence"][tuple(row[keys])]
        seeds = [0] * len(of_method) if row["method"] in trained else None
        of_seeds = single.get("seed", {}).get(tuple(row[keys]))
        if of_seeds is not None:
            known = of_method.dropna(subset=["bd_rate_pct"])["sequence"]
            of_method = of_seeds[of_seeds["sequence"].isin(known)]
            seeds = of_method["seed"]
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
    trained: Collection[str] = (),
) -> pd.DataFrame:
    """BD-rates of pairs (reference, tested), over the sequences that both were run with.

    Rows and columns of :func:`bd_rate_table`, with ``reference`` first. Two methods with training
    seeds are compared seed by seed. A pair with a network in it counts as trained.
    """
    points, tables = by_method(points), []
    for reference, tested in pairs:
        places = [
            points.loc[points["method"] == name, ["configuration", "codec", "sequence"]]
            for name in (reference, tested)
        ]
        shared = places[0].merge(places[1]).drop_duplicates()
        of_both = points[points["method"].isin([reference, tested])].merge(shared)
        of_networks = [tested] if {reference, tested} & set(trained) else []
        table = bd_rate_table(of_both, reference, metrics, interpolation, classes, of_networks)
        table.insert(0, "reference", reference)
        tables.append(table)
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
    of_seeds: dict[str, dict[int, BdRate]] = {}
    tested = group[group["method"] == shared["method"]]
    for sequence in sorted(set(tested["sequence"])):
        of_sequence = group[group["sequence"] == sequence]
        pair = [of_sequence[of_sequence["method"] == m] for m in (anchor_method, shared["method"])]
        found = {}
        for seed in _seeds(pair):
            anchor, test = (_curve(_of_seed(curve, seed), shared["metric"]) for curve in pair)
            found[seed] = bd_rate(anchor, test, shared["interpolation"])
        rates[sequence] = _one_rate(list(found.values()))
        of_seeds[sequence] = {seed: rate for seed, rate in found.items() if seed is not None}
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
            **_columns(rate),
            **_spread([one.percent for one in of_seeds[sequence].values()]),
        }
        for sequence, rate in rates.items()
    ]
    for name in sorted(set(class_of.values()) - {""}):
        members = [sequence for sequence in rates if class_of[sequence] == name]
        mean = _mean(rates, of_seeds, members)
        rows.append({**shared, **mean, "level": "class", "class": name})
    rows.append({**shared, **_mean(rates, of_seeds, list(rates)), "level": "all", "class": ""})
    return rows + [
        {
            **shared,
            "level": "seed",
            "class": class_of[sequence],
            "sequence": sequence,
            "seed": seed,
            **_columns(rate),
        }
        for sequence, found in of_seeds.items()
        for seed, rate in found.items()
    ]


def _columns(rate: BdRate) -> dict[str, Any]:
    return {
        "bd_rate_pct": rate.percent,
        "status": rate.status,
        "overlap": rate.overlap,
        "points": rate.points,
    }


def _seeds(pair: Sequence[pd.DataFrame]) -> list[int | None]:
    """Seeds that two curves have in common, or those of the one that has any; else None."""
    anchor, tested = ({*c["seed"].dropna()} if "seed" in c else set() for c in pair)
    found: list[int | None] = [int(seed) for seed in sorted(anchor & tested or tested or anchor)]
    return found or [None]


def _of_seed(curve: pd.DataFrame, seed: int | None) -> pd.DataFrame:
    """The points of a seed, of the first where the method has others, or all where it has none."""
    if seed is None or curve["seed"].isna().all():
        return curve
    has_it = (curve["seed"] == seed).any()
    return curve[curve["seed"] == (seed if has_it else curve["seed"].min())]


def _one_rate(rates: Sequence[BdRate]) -> BdRate:
    """The mean over seeds, with the doubts of the seed that has most."""
    worst = min(rates, key=lambda rate: (rate.percent is not None, rate.overlap))
    known = [rate.percent for rate in rates if rate.percent is not None]
    if worst.percent is None or len(rates) == 1:
        return worst
    return replace(worst, percent=sum(known) / len(known))


def _spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Deviation over seeds and their number, where there are several."""
    known = [value for value in values if value is not None]
    if not values:
        return {}
    return {"deviation": stdev(known) if len(known) > 1 else None, "seeds": len(values)}


def _curve(points: pd.DataFrame, metric: str) -> Curve:
    """Rate (bits) and quality, rising with it, of the points that have the metric."""
    points = points.dropna(subset=[metric])
    column = pooled_columns().get(metric)
    sign = 1 if column is None or column.higher_is_better else -1
    return Curve(points["bits"].astype(float).tolist(), (sign * points[metric]).tolist())


def _mean(
    rates: Mapping[str, BdRate],
    of_seeds: Mapping[str, Mapping[int, BdRate]],
    sequences: Sequence[str],
) -> dict[str, Any]:
    mean = mean_bd_rate([rates[sequence] for sequence in sequences])
    # A sequence without a value at one seed has none at all, as in its own row.
    used = [sequence for sequence in sequences if rates[sequence].percent is not None]
    trained = [(name, seed, rate.percent) for name in used for seed, rate in of_seeds[name].items()]
    spread: dict[str, Any] = {}
    if trained:
        names, seeds, values = zip(*trained, strict=True)
        interval = mean_interval(values, names, seeds)
        of_seed = pd.Series(values, dtype=float).groupby(list(seeds)).mean()
        spread = _spread(of_seed.tolist())
    else:
        known = [rate for sequence in used if (rate := rates[sequence].percent) is not None]
        interval = mean_interval(known)
    return {
        **spread,
        "sequence": "",
        "bd_rate_pct": mean.percent,
        "low": interval.low,
        "high": interval.high,
        "status": "",
        "sequences": mean.used,
        "low_overlap": mean.low_overlap,
        "left_out": mean.left_out,
    }
