"""IQNet's pattern on other content: Table IV and the printed one, and what each reading does.

A reading is one way to take the paper's rules (scorer, ties, smooth patches, loss, ...), a training
of its own from the same candidates. Content that is not the paper's cannot reproduce its numbers,
but the pattern over sequences and QPs can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.codecs import Codec, EncodeJob
from jndlab.datasets.pictures.picture_list import Picture
from jndlab.media.clip import ClipFormat, read_clip, write_clip
from jndlab.models.network_prefilter import NetworkPrefilter
from jndlab.papers.iqnet.candidates import Candidates
from jndlab.papers.iqnet.config import SelectionOptions
from jndlab.papers.iqnet.published import load_published, pick
from jndlab.papers.iqnet.training_data import REFERENCE, choose_alphas, training_pairs, write_pair
from jndlab.quality.full_reference import Measurement, measure
from jndlab.quality.intervals import correlation_interval, mean_interval
from jndlab.quality.points import same_qp_table
from jndlab.report.compare import DECODED_STREAMS, NOT_COMPARABLE

# What the suite asks of a network that claims the paper's pattern all intra: %, dB, VMAF, Pearson.
BAR = {"saving_pct": 15.0, "psnr_drop_db": 2.5, "vmaf_p": 92.0, "r": 0.6}
CELL = ["configuration", "name", "qp"]
VERDICT = f"{NOT_COMPARABLE}: {DECODED_STREAMS}"


def write_reading_pairs(
    candidates: Iterable[Candidates],
    scores: pd.DataFrame,
    data: Mapping[str, Any],
    grid: list[float],
    pictures: Mapping[str, Picture],
    folder: Path,
) -> dict[str, Any]:
    """Choose alphas by a reading and write its training pairs; returns what they are.

    ``data`` is the reading's ``training_data``, ``grid`` the alphas of the candidates, ``scores``
    the table of ``training_data.score_patches`` for all of them.
    """
    names = list(pictures)[: data["pictures"]]
    wanted = scores["picture"].isin(names) & scores["alpha"].isin([REFERENCE, *data["alphas"]])
    choices = choose_alphas(scores[wanted], SelectionOptions(**data["selection"]))
    used = (made for made in candidates if made.picture in names)
    rows = [
        write_pair(pair, pictures[pair.picture], folder)
        for pair in training_pairs(used, choices, grid, data["patch"])
    ]
    return {
        "pictures": len(rows),
        "mean_alpha": round(float(choices["alpha"].mean()), 4),
        "mean_mae": round(float(np.mean([row["mae"] for row in rows])), 4),
    }


def cells(points: pd.DataFrame, names: Mapping[str, str], codec: str, anchor: str) -> pd.DataFrame:
    """Table IV of a run on other content: a row per method, configuration, sequence and QP.

    ``names`` are those that the paper prints, by sequence; sequences without one are left out of
    the comparison but not of the table. Columns ``saving_pct``, ``psnr_drop_db``, ``vmaf_p``
    (prefiltered video), ``printed_*`` of the paper's IQNet, and the ``verdict``.
    """
    ours = same_qp_table(points[points["codec"] == codec], anchor)
    keys = ["configuration", "sequence", "qp", "method"]
    filtered = points[points["codec"] == codec].set_index(keys)["prefilter_vmaf_mean"]
    ours["vmaf_p"] = filtered.reindex(pd.MultiIndex.from_frame(ours[keys])).to_numpy()
    ours["name"] = ours["sequence"].map(names)
    shown = [*keys[:2], "name", "content", "qp", "method", "saving_pct", "psnr_drop_db", "vmaf_p"]
    table = _with_printed(ours[shown])
    return table.sort_values(["method", "configuration", "name", "qp"], ignore_index=True)


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """How well the pattern of :func:`cells` agrees with the printed one, by method and coding.

    Over the cells with a printed value: Pearson's r and Spearman's rho of the savings, the mean
    difference of savings (percentage points) and PSNR drops (dB), with intervals over sequences.
    ``printed`` is the mean printed saving of these cells.
    """
    rows = []
    compared = table.dropna(subset=["printed_saving_pct", "saving_pct"])
    for (method, configuration), of_method in compared.groupby(["method", "configuration"]):
        ours, printed = of_method["saving_pct"], of_method["printed_saving_pct"]
        difference = mean_interval(ours - printed, of_method["name"])
        drop = mean_interval(
            of_method["psnr_drop_db"] - of_method["printed_psnr_drop_db"], of_method["name"]
        )
        row = {"method": method, "configuration": configuration}
        row |= {"sequences": of_method["name"].nunique(), "cells": len(of_method)}
        row |= {name: of_method[name].mean() for name in ("saving_pct", "psnr_drop_db", "vmaf_p")}
        row |= {"printed": printed.mean()}
        row |= difference.columns("saving_difference", "saving_difference_")
        row |= drop.columns("drop_difference_db", "drop_difference_")
        rows.append(row | _correlations(of_method) | {"verdict": VERDICT})
    return pd.DataFrame(rows)


def readings_table(table: pd.DataFrame, readings: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Each reading's levers, what it chose, and what its network does, all intra.

    ``table`` is that of :func:`agreement` with readings as methods, ``readings`` the levers and
    statistics of each by name. ``lacks`` names what is missing of :data:`BAR`.
    """
    found = table.set_index("method")
    rows = []
    for name, reading in readings.items():
        values = found.loc[name]
        met = {
            "saving": values["saving_pct"] >= BAR["saving_pct"],
            "PSNR drop": values["psnr_drop_db"] <= BAR["psnr_drop_db"],
            "VMAF": values["vmaf_p"] >= BAR["vmaf_p"],
            "r": values["r"] >= BAR["r"],
        }
        shown = ("saving_pct", "psnr_drop_db", "vmaf_p", "r", "r_low", "r_high", "rho")
        row = {"reading": name, **reading, **{key: values[key] for key in shown}}
        row["saving_per_db"] = values["saving_pct"] / values["psnr_drop_db"]
        rows.append(row | {"lacks": ", ".join(key for key, is_met in met.items() if not is_met)})
    return pd.DataFrame(rows)


def measure_network(
    model: Path | None,
    clips: Mapping[str, tuple[Path, ClipFormat]],
    codec: Codec,
    qps: Iterable[int],
    work_dir: Path,
) -> list[dict[str, Any]]:
    """Filter clips by a network (None: not at all), code them all intra and measure them.

    A row per sequence and QP: bits, psnr_y and vmaf of the reconstruction (means over frames), and
    ``vmaf_p`` of the filtered clip, all against the source.
    """
    prefilter = NetworkPrefilter(model=model, network="iqnet", threads=1) if model else None
    rows = []
    for sequence, (source, clip) in clips.items():
        coded = source
        if prefilter:
            coded = work_dir / f"{sequence}.mkv"
            frames = read_clip(source, clip)
            depth = clip.bit_depth
            write_clip(
                coded, (f._replace(y=prefilter.filter_luma(f.y, depth)) for f in frames), clip
            )
        of_filter = pooled(measure(source, coded, clip, work_dir=work_dir), "vmaf")
        for qp in qps:
            stream = work_dir / f"{sequence}.{codec.suffix}"
            encoded = codec.encode(EncodeJob(coded, clip, "AI", qp, stream, work_dir, threads=1))
            measured = measure(source, stream, clip, work_dir=work_dir)
            rows.append(
                {"sequence": sequence, "qp": qp, "bits": sum(encoded.bits_per_frame)}
                | {name: pooled(measured, name) for name in ("psnr_y", "vmaf")}
                | {"vmaf_p": of_filter}
            )
    return rows


def pooled(measured: Measurement, column: str) -> float:
    """Mean over frames of a column that is finite on all of them."""
    return float(np.mean([frame[column] for frame in measured.frames]))


def cells_of_readings(
    measured: pd.DataFrame, names: Mapping[str, str], contents: Mapping[str, str]
) -> pd.DataFrame:
    """As :func:`cells`, from the rows of :func:`measure_network` of all readings.

    ``measured`` has their names as ``method``, of which ``anchor`` is unfiltered; ``contents`` is
    what each sequence shows.
    """
    keys = ["sequence", "qp"]
    anchor = measured[measured["method"] == "anchor"].set_index(keys)
    table = measured[measured["method"] != "anchor"].copy()
    of_anchor = anchor.reindex(pd.MultiIndex.from_frame(table[keys]))
    table["saving_pct"] = 100 * (1 - table["bits"] / of_anchor["bits"].to_numpy())
    table["psnr_drop_db"] = of_anchor["psnr_y"].to_numpy() - table["psnr_y"]
    places = {
        key: table["sequence"].map(of) for key, of in (("name", names), ("content", contents))
    }
    table = _with_printed(table.assign(configuration="AI", **places))
    return table.drop(columns=["bits", "psnr_y", "vmaf"], errors="ignore")


def _correlations(cells_of_method: pd.DataFrame) -> dict[str, float]:
    """Pearson's r and Spearman's rho, which is that of ranks."""
    names = cells_of_method["name"].tolist()
    ours, printed = cells_of_method["saving_pct"], cells_of_method["printed_saving_pct"]
    values = {"r": (ours, printed), "rho": (ours.rank(), printed.rank())}
    found = {name: correlation_interval(*both, names) for name, both in values.items()}
    return {k: v for name, one in found.items() for k, v in one.columns(name, f"{name}_").items()}


def _with_printed(table: pd.DataFrame) -> pd.DataFrame:
    printed = pd.DataFrame(pick(load_published()["table4_ps_comparison"], method="IQNet"))
    columns = {"psnr_drop_db": "printed_psnr_drop_db", "bitrate_saving_pct": "printed_saving_pct"}
    printed = printed.drop(columns="method").rename(columns={"sequence": "name", **columns})
    types = {"qp": int} | dict.fromkeys(columns.values(), float)
    return table.merge(printed.astype(types), on=CELL, how="left").assign(verdict=VERDICT)
