"""The experiment that settles whether block JNDs gain more than importance alone: its tables."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from jndlab.papers.bl_juniper.experiment_codings import ANCHOR, Codings
from jndlab.papers.bl_juniper.experiment_maps import CEILING, model_gain
from jndlab.quality.intervals import NOT_SHOWN, Comparison, adjusted, mean_interval

KEYS = ["configuration", "target_qp", "weighting", "map"]
GAIN_CAPTION = (
    "Gain in weighted PSNR over one QP for all blocks at the same rate: the anchor was coded at "
    "every QP and is interpolated by pchip over log rate. weighting: `importance` 1 to 3 of the "
    "saliency map; `xpsnr`, XPSNR's block weights, which hold masking and know neither JND nor "
    "importance; their product; `uniform`. `ceiling: w` is the best possible map under w (QP = c - "
    "3 log2 w), share_pct a gain as a share of the ceiling's under the same weighting. "
    "`..._constant`: every block the mean JNDs of its clip; `..._jnd_only`: all equally important. "
    "model_gain is arithmetic without free parameters: squared error ~ 2^(QP/3), rate by mean QP."
)
ANSWER_CAPTION = (
    "What the experiment shows: all target QPs below the clips' JND3 together, intervals over "
    "clips{seeds}, p adjusted over the table, computed. {trainings}."
)
_OF_SEED = re.compile(r"^cnn_seed(\d+)")  # maps by the networks of a seed


def gains_of(sequence: str, configuration: str, codings: Codings) -> pd.DataFrame:
    """A row per coding with a map (or an encoder's own adaptation) and weighting.

    Columns: sequence, configuration, map, seed (of the networks that made it, None: none),
    target_qp, weighting, gain (dB, NaN where the anchor has no such rate), model_gain (dB, NaN for
    adaptations of which no map is known), mean_qp, cpu_seconds.
    """
    names, rows = np.array(codings.names), []
    anchor = np.flatnonzero(names == ANCHOR)
    anchor = anchor[np.argsort(codings.bits[anchor])]
    for weighting, weights in codings.weights.items():
        quality = 10 * np.log10(
            255**2
            * np.sum(weights * codings.counts)
            / np.einsum("cfij,fij->c", codings.errors.astype(float), weights)
        )
        curve = PchipInterpolator(np.log(codings.bits[anchor]), quality[anchor], extrapolate=False)
        for place in np.flatnonzero(names != ANCHOR):
            qps = codings.maps[place].astype(float)
            known = np.ptp(qps) > 0
            samples = np.broadcast_to(codings.counts, qps.shape)
            of_seed = _OF_SEED.match(codings.names[place])
            rows.append(
                {
                    "sequence": sequence,
                    "configuration": configuration,
                    "map": _OF_SEED.sub("cnn", codings.names[place]),
                    "seed": int(of_seed[1]) if of_seed else None,
                    "target_qp": int(codings.qps[place]),
                    "weighting": weighting,
                    "gain": quality[place] - float(curve(np.log(codings.bits[place]))),
                    "model_gain": model_gain(qps, weights, codings.counts) if known else np.nan,
                    "mean_qp": float(np.average(qps, weights=samples)),
                    "cpu_seconds": float(codings.seconds[place]),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def gain_table(gains: pd.DataFrame) -> pd.DataFrame:
    """Mean gains with intervals over clips, by configuration, target, weighting and map."""
    rows = []
    for keys, group in gains.groupby(KEYS, sort=True):
        known = group.dropna(subset=["gain"])
        place = dict(zip(KEYS, keys, strict=True))
        gain = mean_interval(known["gain"], known["sequence"], _seeds(known))
        ceiling = _ceiling(gains, known, place)
        rows.append(
            {
                **place,
                **gain.columns("gain_db", "gain_"),
                "share_pct": 100 * gain.value / ceiling,
                "model_gain_db": known["model_gain"].mean(),
                "mean_qp": known["mean_qp"].mean(),
                **_deviation(known, "gain"),
                "clips": gain.sources,
                "left_out": len(group) - len(known),
            }
        )
    return pd.DataFrame(rows)


def answer_caption(gains: pd.DataFrame) -> str:
    """Caption of :func:`answers`, with the number of trainings."""
    seeds = sorted(set(gains["seed"].dropna().astype(int)))
    if len(seeds) > 1:
        return ANSWER_CAPTION.format(
            seeds=" and seeds", trainings=f"The networks were trained from {len(seeds)} seeds"
        )
    one = f"The networks were trained once (seed {seeds[0]})" if seeds else "No network is used"
    return ANSWER_CAPTION.format(seeds="", trainings=one)


def _seeds(rows: pd.DataFrame) -> pd.Series | None:
    """Training seed of each row of a map; None where no network made it."""
    return rows["seed"] if rows["seed"].notna().any() else None


def _deviation(rows: pd.DataFrame, name: str) -> dict[str, float]:
    """Deviation over training seeds and their number, where there are several."""
    of_seeds = rows.groupby("seed")[name].mean()
    return {"deviation": of_seeds.std(), "seeds": len(of_seeds)} if len(of_seeds) > 1 else {}


def answers(gains: pd.DataFrame, jnd3: Mapping[str, float], method: str) -> pd.DataFrame:
    """Computed sentences: the method, and its parts, against the plain QP, by weighting.

    ``jnd3`` is the JND3 of each clip: at higher targets the method asks for nothing. ``method``
    is the map that is the method itself; one of stage 1 has no training behind it.
    """
    below = gains[gains["target_qp"] < gains["sequence"].map(jnd3)].dropna(subset=["gain"])
    groups, comparisons = [], []
    for (configuration, weighting), group in below.groupby(
        ["configuration", "weighting"], sort=True
    ):
        for name in _compared(group, weighting, method):
            own = group[group["map"] == name]
            gain = mean_interval(own["gain"], own["sequence"], _seeds(own))
            groups.append((configuration, weighting, name, group))
            what = f"PSNR weighted by {weighting} at equal rate"
            comparisons.append(Comparison(name, "one QP for all blocks", what, gain, False, "dB"))
    rows = []
    for (configuration, weighting, name, group), one in zip(
        groups, adjusted(comparisons), strict=True
    ):
        place = {"configuration": configuration, "weighting": weighting}
        ceiling = _ceiling(below, group[group["map"] == name], place)
        share = 100 * one.difference.value / ceiling
        answer = {None: NOT_SHOWN, name: "yes"}.get(one.better, "no")
        of_ceiling = "" if np.isnan(share) else f" That is {share:.0f} % of the best possible gain."
        rows.append(
            {
                **place,
                "map": name,
                "above one QP": answer,
                **one.difference.columns("gain_db", "gain_"),
                "p_holm": one.p_holm,
                "share_pct": share,
                "clips": one.difference.sources,
                "statement": one.sentence(2) + of_ceiling,
            }
        )
    return pd.DataFrame(rows)


def model_agreement(gains: pd.DataFrame) -> tuple[float, float]:
    """Correlation of measured gains with the model's, and root mean square difference in dB."""
    both = gains.dropna(subset=["gain", "model_gain"])
    if len(both) < 3:
        return np.nan, np.nan
    difference = both["gain"] - both["model_gain"]
    return float(both["gain"].corr(both["model_gain"])), float(np.sqrt((difference**2).mean()))


def gain_caption(gains: pd.DataFrame) -> str:
    """Caption of :func:`gain_table`, with how well the arithmetic predicts what was measured."""
    r, rmse = model_agreement(gains)
    return f"{GAIN_CAPTION} It predicts the measured gains with r = {r:.2f}, rms {rmse:.2f} dB."


def _compared(group: pd.DataFrame, weighting: str, method: str) -> list[str]:
    """The ceiling of the weighting, the method, its parts, then all others that are no ceiling."""
    present = set(group["map"])
    first = [f"{CEILING}: {weighting}", method, f"{method}_constant", f"{method}_jnd_only"]
    others = sorted(name for name in present - set(first) if not name.startswith(CEILING))
    return [name for name in [*first, *others] if name in present]


def _ceiling(gains: pd.DataFrame, compared: pd.DataFrame, place: Mapping[str, object]) -> float:
    """Mean gain of the best possible map over the clips and targets of ``compared``.

    NaN where there is none, or nothing to gain: a share of it would be of no meaning.
    """
    chosen = gains[gains["map"] == f"{CEILING}: {place['weighting']}"]
    for name, value in place.items():
        if name != "map":
            chosen = chosen[chosen[name] == value]
    chosen = chosen.merge(compared[["sequence", "target_qp"]].drop_duplicates())
    chosen = chosen.dropna(subset=["gain"])
    gain = mean_interval(chosen["gain"], chosen["sequence"]).value if len(chosen) else np.nan
    return gain if gain > 0 else np.nan
