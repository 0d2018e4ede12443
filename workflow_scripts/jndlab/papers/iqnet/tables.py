"""Tables I, III and IV of the IQNet paper and its headline savings, ours next to the printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from jndlab.papers.iqnet.published import Row, load_published, pick, sequence_ids
from jndlab.quality.aggregate import bd_rate_between, sequence_class
from jndlab.quality.intervals import mean_interval
from jndlab.quality.points import by_method, over_seeds, same_qp_table, seed_columns
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.compare import FOUND, compare_with_published, content_of, verdict_summary
from jndlab.report.conditions import WHOLE, Found, found_in_points, joined, printed_conditions
from jndlab.report.tables import write_table

METHODS = {"anchor": "anchor", "CNN-JNQD": "cnn_jnqd", "IQNet": "iqnet"}
# Largest differences that count as reproduced: percentage points, VMAF points, dB. The suite's own
# choice, for what the paper leaves open (VMAF's version and pooling, the filter's weights, the seed
# of a training); a mean over 72 scenes gets a third of a scene's.
TOLERANCE: dict[str, float | str] = {
    "width": 0,
    "height": 0,
    "vmaf_p": 1.0,
    "vmaf_r": 1.0,
    "bitrate_kbps": "5 %",
    "saving_pct": 3.0,
    "psnr_drop_db": 0.3,
    "max_saving_pct": 3.0,
    "min_saving_pct": 3.0,
    "mean_saving_pct": 1.0,
    "bd_saving_pct": 6.0,  # what another interpolation of the printed points makes of the claims
}
SCENE = ["configuration", "sequence", "qp", "method"]
CONFIGURATIONS = ("AI", "LDP")
TABLE4 = {"psnr_drop_db": "psnr_drop_db", "saving_pct": "bitrate_saving_pct"}  # ours: printed
MEAN_OF_TABLE4 = "mean of Table IV"


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper: our rows, and the comparison with what is printed."""

    name: str
    caption: str
    ours: pd.DataFrame
    comparison: pd.DataFrame


def write_paper_table(table: PaperTable, stems: Mapping[str, Path]) -> list[Path]:
    """Write ``<name>`` and ``<name>_comparison`` in all formats; ``stems`` by these names."""
    caption = f"{table.caption} Verdicts: {verdict_summary(table.comparison)}."
    return [
        *write_table(table.ours, stems[table.name], caption=caption),
        *write_table(table.comparison, stems[f"{table.name}_comparison"], caption=caption),
    ]


def table1(points: pd.DataFrame) -> PaperTable:
    """Table I: the sequences of ``points`` with size, rate and length."""
    columns = ["sequence", "content", "width", "height", "fps", "frames", "bit_depth"]
    ours = points[columns].drop_duplicates().sort_values(columns, ignore_index=True)
    ours.insert(0, "class", [sequence_class(name) for name in ours["sequence"]])
    printed = [
        {**row, "sequence": f"{row['class']}_{row['sequence']}"}
        for row in load_published()["table1_sequences"]
    ]
    given = ours.assign(**{FOUND: [()] * len(ours)})  # a size needs no condition but the sequence
    comparison = compare_with_published(
        given, printed, ["sequence"], ["width", "height"], TOLERANCE, {}
    )
    caption = "IQNet Table I: the sequences; fps and frames are those coded here, none is printed."
    return PaperTable("table1", caption, ours, comparison)


def with_conditions(points: pd.DataFrame, records: Mapping[str, Found]) -> pd.DataFrame:
    """``points`` (``quality.points.read_points``) with the conditions of each, for the tables.

    ``records`` are those of the trainings (``report.conditions.training_records``).
    """
    return points.assign(**{FOUND: found_in_points(points, records)})


def table3(points: pd.DataFrame, codec: str, anchor: str = METHODS["anchor"]) -> PaperTable:
    """Table III: VMAF of prefiltered and reconstructed video, bitrate and saving.

    ``points`` (of :func:`with_conditions`) may hold any methods and sequences: all of ``codec``
    are shown, of several training seeds their means. ``anchor`` is the method that savings are
    against.
    """
    chosen = over_seeds(points[points["codec"] == codec])
    names = {"prefilter_vmaf_mean": "vmaf_p", "vmaf_mean": "vmaf_r"}
    names |= {f"{name}_deviation": f"{ours}_deviation" for name, ours in names.items()}
    ours = chosen.rename(columns=names)
    quantities = ["vmaf_p", "vmaf_r", "bitrate_kbps", "saving_pct"]
    columns_of_seeds = seed_columns(ours, *quantities)
    ours = ours[[*SCENE, "codec", "content", *quantities, *columns_of_seeds, FOUND]].sort_values(
        SCENE, ignore_index=True
    )
    columns = {name: name for name in quantities} | {"bitrate_kbps": "bitrate_anchor"}
    printed = _printed_rows("table3_vmaf_bitrate", anchor, columns)
    for row in printed:
        if row["method"] != anchor:  # the paper repeats the anchor's in the rows of the others
            row["bitrate_kbps"] = ""
    comparison = compare_with_published(ours, printed, SCENE, quantities, TOLERANCE, required())
    caption = (
        f"IQNet Table III, codec {codec}: VMAF (mean over frames) of the prefiltered video "
        "(vmaf_p) and of the reconstruction (vmaf_r), both against the source; bitrate in kbit/s "
        "(the paper prints no unit, kbit/s is assumed); saving against the anchor at equal QP. "
        f"{of_seeds(chosen)}The printed vmaf_p of CNN-JNQD is almost certainly in reverse QP order "
        "(see the audit)."
    )
    return PaperTable("table3", caption, ours.drop(columns=FOUND), comparison)


def table4(points: pd.DataFrame, codec: str, anchor: str = METHODS["anchor"]) -> PaperTable:
    """Table IV: PSNR drop and saving per sequence and QP next to the printed PS and IQNet.

    Arguments as for :func:`table3`. The comparison ends with the averages over the printed
    rows, ours only where all of them were measured. PS is not part of the suite: its printed
    values stand next to ours, without a verdict.
    """
    savings = savings_with_conditions(points, codec, anchor)
    quantities = list(TABLE4)
    columns_of_seeds = seed_columns(savings, *quantities)
    ours = savings[[*SCENE, "codec", "content", *quantities, *columns_of_seeds, FOUND]].sort_values(
        SCENE, ignore_index=True
    )
    rows = pd.DataFrame(_printed_rows("table4_ps_comparison", anchor, TABLE4))
    printed = rows[rows["method"] == METHODS["IQNet"]]
    means = _means_of_table4(ours, printed)
    for name, of_method in (("ps", rows[rows["method"] == "PS"]), ("iqnet", printed)):
        columns = {quantity: f"printed_{name}_{quantity}" for quantity in quantities}
        of_method = of_method.rename(columns=columns).drop(columns="method").astype({"qp": int})
        ours = ours.merge(of_method, on=SCENE[:3], how="left")
    comparison = compare_with_published(
        pd.concat([ours.astype({"qp": object}), means], ignore_index=True),
        [*printed.to_dict("records"), *_printed_averages()],
        SCENE,
        quantities,
        TOLERANCE,
        required(),
    )
    caption = (
        f"IQNet Table IV, codec {codec}: drop of PSNR Y (dB, mean over frames) and bitrate saving "
        f"(%) against the anchor at equal QP. {of_seeds(savings)}RaceHorses is taken to be the one "
        "of class C."
    )
    return PaperTable("table4", caption, ours.drop(columns=FOUND), comparison)


def headline(points: pd.DataFrame, codec: str, anchor: str = METHODS["anchor"]) -> PaperTable:
    """Maximum, minimum and mean saving over sequences and QPs, per configuration and method."""
    published = load_published()
    claims = {row["claim"]: row["printed"] for row in published["claims"]}
    every = {f"{row['class']}_{row['sequence']}" for row in published["table1_sequences"]}

    savings = savings_with_conditions(points, codec, anchor).dropna(subset=["saving_pct"])
    keys = ["configuration", "method"]
    ours = savings.groupby(keys, as_index=False).agg(
        content=("content", content_of),
        max_saving_pct=("saving_pct", "max"),
        min_saving_pct=("saving_pct", "min"),
        mean_saving_pct=("saving_pct", "mean"),
        sequences=("sequence", "nunique"),
        points=("sequence", "size"),
    )
    ours = _with_seeds_of_means(ours, points[points["codec"] == codec], keys)
    ours[FOUND] = [_of_mean(group, every) for _, group in savings.groupby(keys)]
    quantities = ["max_saving_pct", "min_saving_pct", "mean_saving_pct"]
    printed = [
        {"configuration": configuration, "method": METHODS["IQNet"]}
        | {name: claims[f"saving_{name.split('_')[0]}_{configuration}"] for name in quantities}
        for configuration in CONFIGURATIONS
    ]
    comparison = compare_with_published(
        ours, printed, keys, quantities, TOLERANCE, required("headline")
    )
    caption = (
        f"IQNet headline, codec {codec}: maximum, minimum and mean bitrate saving (%) at equal QP "
        f"over all sequences and QPs. {of_seeds(savings)}Savings at equal QP come with a loss of "
        "quality: see the drops in Table IV and the BD-rates."
    )
    return PaperTable("headline", caption, ours.drop(columns=FOUND), comparison)


def bd_saving(points: pd.DataFrame, codec: str, interpolation: str) -> PaperTable:
    """Section V-D: what IQNet saves over CNN-JNQD at equal VMAF of the reconstruction.

    ``points`` as for :func:`table3`. A row per configuration and sequence that both methods were
    run with; ``bd_saving_pct`` is minus the BD-rate, as the paper states it.
    """
    chosen = by_method(points[points["codec"] == codec])
    reference, tested = METHODS["CNN-JNQD"], METHODS["IQNet"]
    rates = bd_rate_between(chosen, [(reference, tested)], ["vmaf_mean"], interpolation)
    rates = rates[rates["level"] == "sequence"]
    keys = ["configuration", "sequence", "method"]
    curves = chosen[chosen["method"] == tested].groupby(keys, as_index=False)
    conditions = curves.agg(content=("content", content_of), **{FOUND: (FOUND, _together)})
    ours = rates.assign(bd_saving_pct=-rates["bd_rate_pct"]).merge(conditions, on=keys)
    columns_of_seeds = [name for name in ("deviation", "seeds") if name in ours]
    ours = ours[
        [*keys, "content", "bd_saving_pct", *columns_of_seeds, "overlap", "status", "points", FOUND]
    ]
    published = load_published()
    claims = [row for row in published["claims"] if row["claim"].startswith("bd_saving_")]
    ids = sequence_ids(published["table1_sequences"], claims)
    printed = [
        {"configuration": row["configuration"], "sequence": ids[row["sequence"]]}
        | {"method": tested, "bd_saving_pct": row["printed"]}
        for row in claims
    ]
    comparison = compare_with_published(
        ours, printed, keys, ["bd_saving_pct"], TOLERANCE, required("bd_saving")
    )
    caption = (
        f"IQNet over CNN-JNQD (section V-D), codec {codec}: bits saved (%) at equal VMAF of the "
        f"reconstruction, {interpolation} interpolation. The printed claims do not follow from the "
        "printed points for PartyScene (see the audit); Table III's networks of CNN-JNQD are not "
        "known, ours are trained by the suite."
    )
    return PaperTable("bd_saving", caption, ours.drop(columns=FOUND), comparison)


def required(table: str = "") -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """The printed conditions of a row by its method, with those of a table."""
    return lambda row: printed_conditions("iqnet", row["method"], table)


def savings_with_conditions(points: pd.DataFrame, codec: str, anchor: str) -> pd.DataFrame:
    """``quality.points.same_qp_table`` of a codec, with the conditions of each method's point.

    ``points`` are of :func:`with_conditions`.
    """
    chosen = over_seeds(points[points["codec"] == codec])
    found = {tuple(row[name] for name in POINT_KEY): row[FOUND]
             for row in chosen[[*POINT_KEY, FOUND]].to_dict("records")}  # fmt: skip
    savings = same_qp_table(chosen, anchor)
    rows = savings[POINT_KEY].to_dict("records")
    return savings.assign(**{FOUND: [found[tuple(row.values())] for row in rows]})


def of_seeds(points: pd.DataFrame) -> str:
    """The sentence of a caption where methods have several training seeds, else nothing."""
    if "seeds" not in points:
        return ""
    return f"Means over {points['seeds'].max()} training seeds, with deviations over them. "


def _with_seeds_of_means(
    ours: pd.DataFrame, points: pd.DataFrame, keys: Sequence[str]
) -> pd.DataFrame:
    """Mean savings with interval over sequences and seeds, deviation and number of seeds."""
    named = by_method(points)
    if named is points:
        return ours
    rows = []
    for place, group in named.dropna(subset=["saving_pct"]).groupby(list(keys)):
        trained = group["seed"].notna().all()
        seeds = group["seed"] if trained else None
        interval = mean_interval(group["saving_pct"], group["sequence"], seeds)
        of_seed = group.groupby("seed")["saving_pct"].mean()
        rows.append(
            dict(zip(keys, place, strict=True))
            | {"mean_saving_low": interval.low, "mean_saving_high": interval.high}
            | {"mean_saving_deviation": of_seed.std(), "seeds": len(of_seed)}
        )
    return ours.merge(pd.DataFrame(rows), on=list(keys))


def _of_mean(savings: pd.DataFrame, every: set[str]) -> list[dict[str, Any]]:
    """Conditions of a mean over ``savings``: each of its points', which QPs, how many sequences."""
    measured = set(savings["sequence"])
    lacking = len(every - measured)
    shared = {
        "qps": joined(savings["qp"].tolist()),
        "sequences": f"{len(every) - lacking} of the {len(every)}" if lacking else WHOLE,
    }
    return [{**one, **shared} for found in savings[FOUND] for one in found]


def _together(found: pd.Series) -> list[dict[str, Any]]:
    return list(chain(*found))


def _printed_rows(name: str, anchor: str, columns: Mapping[str, str]) -> list[Row]:
    """Rows of a printed table with our names of sequences, methods and ``columns`` (ours: its)."""
    published = load_published()
    ids = sequence_ids(published["table1_sequences"], published[name])
    methods = METHODS | {"anchor": anchor}
    return [
        {
            "configuration": row["configuration"],
            "sequence": ids[row["sequence"]],
            "qp": row["qp"],
            "method": methods.get(row["method"], row["method"]),
        }
        | {ours: row[theirs] for ours, theirs in columns.items()}
        for row in published[name]
    ]


def _mean_row(configuration: str) -> dict[str, Any]:
    names = (configuration, MEAN_OF_TABLE4, "", METHODS["IQNet"])
    return dict(zip(SCENE, names, strict=True))


def _printed_averages() -> list[Row]:
    averages = load_published()["table4_printed_averages"]
    rows = []
    for configuration in CONFIGURATIONS:
        chosen = pick(averages, configuration=configuration, method="IQNet")
        values = {row["quantity"]: row["printed_average"] for row in chosen}
        rows.append(
            _mean_row(configuration) | {ours: values[theirs] for ours, theirs in TABLE4.items()}
        )
    return rows


def _means_of_table4(ours: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Our means over the printed rows of each configuration, where all of them were measured."""
    wanted = printed[SCENE].astype({"qp": int}).merge(ours, on=SCENE, how="left")
    rows = [
        _mean_row(configuration)
        | {"content": content_of(group["content"]), FOUND: list(chain(*group[FOUND]))}
        | group[[*TABLE4]].mean().to_dict()
        for configuration, group in wanted.groupby("configuration")
        if group[[*TABLE4]].notna().all(axis=None)
    ]
    return pd.DataFrame(rows, columns=[*SCENE, "content", *TABLE4, FOUND])
