"""Tables I, III and IV of the IQNet paper and its headline savings, ours beside the printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from jndlab.papers.iqnet.published import PRINTED, Row, load_published, pick, sequence_ids
from jndlab.quality.aggregate import same_qp_table, sequence_class
from jndlab.report.compare import compare_with_published, verdict_summary
from jndlab.report.tables import write_table

METHODS = {"anchor": "anchor", "CNN-JNQD": "cnn_jnqd", "IQNet": "iqnet"}
# Largest differences that count as reproduced: points of percent, VMAF points, dB.
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
}
SCENE = ["configuration", "sequence", "qp", "method"]
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


def table1(
    points: pd.DataFrame,
    *,
    folder: Path = PRINTED,
    tolerance: Mapping[str, float | str] = TOLERANCE,
) -> PaperTable:
    """Table I: the sequences of ``points`` with size, rate and length."""
    columns = ["sequence", "content", "width", "height", "fps", "frames", "bit_depth"]
    ours = points[columns].drop_duplicates().sort_values(columns, ignore_index=True)
    ours.insert(0, "class", [sequence_class(name) for name in ours["sequence"]])
    printed = [
        {**row, "sequence": f"{row['class']}_{row['sequence']}"}
        for row in load_published(folder)["table1_sequences"]
    ]
    comparison = compare_with_published(ours, printed, ["sequence"], ["width", "height"], tolerance)
    caption = "IQNet Table I: the sequences; fps and frames are those coded here, none is printed."
    return PaperTable("table1", caption, ours, comparison)


def table3(
    points: pd.DataFrame,
    codec: str,
    *,
    methods: Mapping[str, str] = METHODS,
    folder: Path = PRINTED,
    tolerance: Mapping[str, float | str] = TOLERANCE,
) -> PaperTable:
    """Table III: VMAF of prefiltered and reconstructed video, bitrate and saving.

    ``points`` (``report.tables.load_points``) may hold any methods and sequences: all of
    ``codec`` are shown. ``methods`` gives the configuration key of each printed method.
    """
    chosen = points[points["codec"] == codec]
    savings = same_qp_table(chosen, methods["anchor"])[[*SCENE, "saving_pct"]]
    names = {"prefilter_vmaf_mean": "vmaf_p", "vmaf_mean": "vmaf_r"}
    ours = chosen.rename(columns=names).merge(savings, on=SCENE, how="left")
    quantities = ["vmaf_p", "vmaf_r", "bitrate_kbps", "saving_pct"]
    ours = _sorted(ours[[*SCENE, "content", *quantities]])
    published = load_published(folder)
    rows = published["table3_vmaf_bitrate"]
    ids = sequence_ids(published["table1_sequences"], rows)
    printed = [
        {
            **_key(row, ids, methods),
            "vmaf_p": row["vmaf_p"],
            "vmaf_r": row["vmaf_r"],
            "bitrate_kbps": row["bitrate_anchor"] if row["method"] == "anchor" else "",
            "saving_pct": row["saving_pct"],
        }
        for row in rows
    ]
    comparison = compare_with_published(
        ours, printed, SCENE, quantities, tolerance, _comparable(codec)
    )
    caption = (
        f"IQNet Table III, codec {codec}: VMAF (mean over frames) of the prefiltered video "
        "(vmaf_p) and of the reconstruction (vmaf_r), both against the source; bitrate in kbit/s "
        "(the paper prints no unit, kbit/s is assumed); saving against the anchor at equal QP. "
        "The printed vmaf_p of CNN-JNQD is almost certainly in reverse QP order (see the audit)."
    )
    return PaperTable("table3", caption, ours, comparison)


def table4(
    points: pd.DataFrame,
    codec: str,
    *,
    methods: Mapping[str, str] = METHODS,
    folder: Path = PRINTED,
    tolerance: Mapping[str, float | str] = TOLERANCE,
) -> PaperTable:
    """Table IV: PSNR drop and saving per sequence and QP beside the printed PS and IQNet.

    Arguments as for :func:`table3`. The comparison ends with the averages over the printed
    rows, ours only where all of them were measured. PS is not part of the suite: its printed
    values stand beside ours, without a verdict.
    """
    savings = same_qp_table(points[points["codec"] == codec], methods["anchor"])
    quantities = ["psnr_drop_db", "saving_pct"]
    ours = _sorted(savings[[*SCENE, "content", *quantities]])
    published = load_published(folder)
    rows = published["table4_ps_comparison"]
    ids = sequence_ids(published["table1_sequences"], rows)
    for name in ("PS", "IQNet"):
        beside = [
            {
                "configuration": row["configuration"],
                "sequence": ids[row["sequence"]],
                "qp": int(row["qp"]),
                f"printed_{name.lower()}_psnr_drop_db": row["psnr_drop_db"],
                f"printed_{name.lower()}_saving_pct": row["bitrate_saving_pct"],
            }
            for row in pick(rows, method=name)
        ]
        ours = ours.merge(pd.DataFrame(beside), on=["configuration", "sequence", "qp"], how="left")
    printed = [
        {
            **_key(row, ids, methods),
            "psnr_drop_db": row["psnr_drop_db"],
            "saving_pct": row["bitrate_saving_pct"],
        }
        for row in pick(rows, method="IQNet")
    ]
    averages = _printed_averages(published["table4_printed_averages"], methods)
    means = _means_of_table4(ours, printed, methods["IQNet"])
    comparison = compare_with_published(
        pd.concat([ours.astype({"qp": object}), means], ignore_index=True),
        [*printed, *averages],
        SCENE,
        quantities,
        tolerance,
        _comparable(codec),
    )
    caption = (
        f"IQNet Table IV, codec {codec}: drop of PSNR Y (dB, mean over frames) and bitrate saving "
        "(%) against the anchor at equal QP. RaceHorses is taken to be the one of class C."
    )
    return PaperTable("table4", caption, ours, comparison)


def headline(
    points: pd.DataFrame,
    codec: str,
    *,
    methods: Mapping[str, str] = METHODS,
    folder: Path = PRINTED,
    tolerance: Mapping[str, float | str] = TOLERANCE,
) -> PaperTable:
    """Maximum, minimum and mean saving over sequences and QPs, per configuration and method."""
    published = load_published(folder)
    claims = {row["claim"]: row["printed"] for row in published["claims"]}
    savings = same_qp_table(points[points["codec"] == codec], methods["anchor"])
    savings = savings.dropna(subset=["saving_pct"])
    all_sequences = {f"{row['class']}_{row['sequence']}" for row in published["table1_sequences"]}
    rows = []
    for (configuration, method), group in savings.groupby(["configuration", "method"], sort=True):
        measured = set(group["sequence"])
        lacking = len(all_sequences - measured)
        rows.append(
            {
                "configuration": configuration,
                "method": method,
                "content": "published" if set(group["content"]) == {"published"} else "demo",
                "max_saving_pct": group["saving_pct"].max(),
                "min_saving_pct": group["saving_pct"].min(),
                "mean_saving_pct": group["saving_pct"].mean(),
                "sequences": len(measured),
                "points": len(group),
                "not_comparable": f"{lacking} of the 18 sequences missing" if lacking else "",
            }
        )
    quantities = ["max_saving_pct", "min_saving_pct", "mean_saving_pct"]
    names = [
        "configuration",
        "method",
        "content",
        *quantities,
        "sequences",
        "points",
        "not_comparable",
    ]
    ours = pd.DataFrame(rows, columns=names)
    printed = [
        {
            "configuration": configuration,
            "method": methods["IQNet"],
            **{name: claims[f"saving_{name.split('_')[0]}_{configuration}"] for name in quantities},
        }
        for configuration in ("AI", "LDP")
    ]
    comparison = compare_with_published(
        ours, printed, ["configuration", "method"], quantities, tolerance, _comparable(codec)
    )
    caption = (
        f"IQNet headline, codec {codec}: maximum, minimum and mean bitrate saving (%) at equal QP "
        "over all sequences and QPs. Savings at equal QP come with a loss of quality: see the "
        "drops in Table IV and the BD-rates."
    )
    return PaperTable("headline", caption, ours.drop(columns="not_comparable"), comparison)


def _comparable(codec: str) -> bool | str:
    """The paper used VTM-11.0; at equal QP other encoders have other rates."""
    return codec.lower().startswith("vtm") or f"codec {codec} instead of VTM-11.0"


def _key(row: Row, ids: Mapping[str, str], methods: Mapping[str, str]) -> Row:
    return {
        "configuration": row["configuration"],
        "sequence": ids[row["sequence"]],
        "qp": row["qp"],
        "method": methods[row["method"]],
    }


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(SCENE, ignore_index=True)


def _printed_averages(averages: Sequence[Row], methods: Mapping[str, str]) -> list[Row]:
    rows = []
    for configuration in ("AI", "LDP"):
        values = {
            row["quantity"]: row["printed_average"]
            for row in pick(averages, configuration=configuration, method="IQNet")
        }
        rows.append(
            {
                **{"configuration": configuration, "sequence": MEAN_OF_TABLE4, "qp": ""},
                "method": methods["IQNet"],
                "psnr_drop_db": values["psnr_drop_db"],
                "saving_pct": values["bitrate_saving_pct"],
            }
        )
    return rows


def _means_of_table4(ours: pd.DataFrame, printed: Sequence[Row], method: str) -> pd.DataFrame:
    """Our means over the printed rows of each configuration, where all of them were measured."""
    rows = []
    for configuration in ("AI", "LDP"):
        wanted = {
            (row["sequence"], int(row["qp"]))
            for row in printed
            if row["configuration"] == configuration
        }
        of_method = ours[(ours["method"] == method) & (ours["configuration"] == configuration)]
        keys = pd.MultiIndex.from_frame(of_method[["sequence", "qp"]])
        found = of_method[keys.isin(wanted)].dropna(subset=["psnr_drop_db", "saving_pct"])
        if len(found) == len(wanted):
            rows.append(
                {
                    **{
                        "configuration": configuration,
                        "sequence": MEAN_OF_TABLE4,
                        "qp": "",
                        "method": method,
                    },
                    "content": "published" if set(found["content"]) == {"published"} else "demo",
                    "psnr_drop_db": found["psnr_drop_db"].mean(),
                    "saving_pct": found["saving_pct"].mean(),
                }
            )
    return pd.DataFrame(rows, columns=[*SCENE, "content", "psnr_drop_db", "saving_pct"])
