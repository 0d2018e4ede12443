"""The experiment that settles whether block JNDs gain more than importance alone: its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from jndlab.papers.bl_juniper.experiment_codings import ANCHOR, IMPORTANCE, UNIFORM, Codings
from jndlab.papers.bl_juniper.experiment_maps import CEILING, CONSTANT, JND_ONLY, model_gain
from jndlab.quality.intervals import (
    NOT_SHOWN,
    Comparison,
    Interval,
    adjusted,
    mean_interval,
    statistic_interval,
)

PSNR, VMAF = "weighted PSNR", "VMAF NEG of crops"
UNITS = {PSNR: "dB", VMAF: "VMAF"}
KEYS = ["configuration", "target_qp", "quality", "weighting", "map"]
GAIN_CAPTION = (
    "Gain over one QP for all blocks at the same rate: the anchor was coded at every QP and is "
    "interpolated by pchip over log rate. quality: weighted PSNR; VMAF NEG (without motion) of "
    "192x192 crops, chosen over all ranks of importance. weighting: `importance` 1 to 3 of the "
    "saliency map; `xpsnr`, XPSNR's block weights, which hold masking and know neither JND nor "
    "importance; their product; `uniform`. `ceiling: w` is the best possible map under w (QP = c - "
    "3 log2 w), share_pct a gain as a share of the ceiling's (interval over clips, jackknife; "
    "empty for a loss). acts: what raises or lowers QPs; with importance alone every block has the "
    "mean JNDs of its clip, with JND alone all are equally important. over: one QP of the "
    "experiment's encoder, or of the competitor's own. model_gain is arithmetic without free "
    "parameters: squared error ~ 2^(QP/3), rate by mean QP."
)
ANSWER_CAPTION = (
    "What the experiment shows: all target QPs below the clips' JND3 together, intervals over "
    "clips{seeds}, p adjusted over the table, computed. {trainings}."
)
_OF_SEED = re.compile(r"^cnn_seed(\d+)")  # maps by the networks of a seed


def gains_of(sequence: str, configuration: str, codings: Codings) -> pd.DataFrame:
    """A row per coding with a map (or an encoder's own adaptation) and weighting.

    Columns: sequence, configuration, map, seed (of the networks that made it, None: none), over
    (name of its anchor), target_qp, quality, weighting, gain (dB or VMAF, NaN where the anchor has
    no such rate), model_gain (dB, NaN for adaptations of which no map is known, and for VMAF),
    mean_qp, cpu_seconds.
    """
    names, anchors, rows = np.array(codings.names), np.array(codings.anchors), []
    for measure, weighting, quality in _qualities(codings):
        for place in np.flatnonzero(names != anchors):
            anchor = np.flatnonzero(names == anchors[place])
            anchor = anchor[np.argsort(codings.bits[anchor])]
            rates = np.log(codings.bits)
            curve = PchipInterpolator(rates[anchor], quality[anchor], extrapolate=False)
            qps = codings.maps[place].astype(float)
            known = np.ptp(qps) > 0 and measure == PSNR
            weights = codings.weights[weighting]
            samples = np.broadcast_to(codings.counts, qps.shape)
            of_seed = _OF_SEED.match(codings.names[place])
            rows.append(
                {
                    "sequence": sequence,
                    "configuration": configuration,
                    "map": _OF_SEED.sub("cnn", codings.names[place]),
                    "seed": int(of_seed[1]) if of_seed else None,
                    "over": codings.anchors[place],
                    "target_qp": int(codings.qps[place]),
                    "quality": measure,
                    "weighting": weighting,
                    "gain": quality[place] - float(curve(rates[place])),
                    "model_gain": model_gain(qps, weights, codings.counts) if known else np.nan,
                    "mean_qp": float(np.average(qps, weights=samples)),
                    "cpu_seconds": float(codings.seconds[place]),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _qualities(codings: Codings) -> Iterator[tuple[str, str, np.ndarray]]:
    """Quality of each coding by measure and weighting."""
    for weighting, weights in codings.weights.items():
        error = np.einsum("cfij,fij->c", codings.errors.astype(float), weights)
        yield PSNR, weighting, 10 * np.log10(255**2 * np.sum(weights * codings.counts) / error)
    yield VMAF, UNIFORM, codings.crop_scores.mean(axis=1)
    yield VMAF, IMPORTANCE, np.average(codings.crop_scores, axis=1, weights=codings.crop_weights)


def acts(name: str) -> str:
    """What raises and lowers the QPs of a map, by its name in the tables."""
    if name.startswith(CEILING):
        return "the weighting"
    if name.endswith(CONSTANT):
        return "importance alone"
    if name.endswith(JND_ONLY):
        return "JND alone"
    return "JND and importance" if name in ("cnn", "mapped") else "the encoder itself"


def gain_table(gains: pd.DataFrame) -> pd.DataFrame:
    """Mean gains with intervals over clips, by configuration, target, weighting and map."""
    rows = []
    for keys, group in gains.groupby(KEYS, sort=True):
        known = group.dropna(subset=["gain"])
        place = dict(zip(KEYS, keys, strict=True))
        gain = mean_interval(known["gain"], known["sequence"], _seeds(known))
        rows.append(
            {
                **place,
                "acts": acts(place["map"]),
                "over": ", ".join(sorted(set(group["over"]))),
                **gain.columns("gain", "gain_"),
                "unit": UNITS[place["quality"]],
                **_share(gains, known, place).columns("share_pct", "share_"),
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
    """Computed sentences: the method, its parts and competitors against the plain QP, by quality.

    ``jnd3`` is the JND3 of each clip: at higher targets the method asks for nothing. ``method``
    is the map that is the method itself; one of stage 1 has no training behind it.
    """
    below = gains[gains["target_qp"] < gains["sequence"].map(jnd3)].dropna(subset=["gain"])
    groups, comparisons = [], []
    by = ["configuration", "quality", "weighting"]
    for keys, group in below.groupby(by, sort=True):
        place = dict(zip(by, keys, strict=True))
        for name in _compared(group, place["weighting"], method):
            own = group[group["map"] == name]
            gain = mean_interval(own["gain"], own["sequence"], _seeds(own))
            groups.append((place, name, own))
            what = f"{place['quality']} by {place['weighting']} at equal rate"
            other = "one QP for all blocks"
            if ANCHOR not in set(own["over"]):
                other += " by the same encoder"
            unit = UNITS[place["quality"]]
            comparisons.append(Comparison(name, other, what, gain, False, unit))
    rows = []
    for (place, name, own), one in zip(groups, adjusted(comparisons), strict=True):
        share = _share(below, own, place)
        answer = {None: NOT_SHOWN, name: "yes"}.get(one.better, "no")
        of_ceiling = (
            f" That is {share.value:.0f} % of the best possible gain." if share.value > 0 else ""
        )
        rows.append(
            {
                **place,
                "map": name,
                "acts": acts(name),
                "above one QP": answer,
                **one.difference.columns("gain", "gain_"),
                "unit": one.unit,
                "p_holm": one.p_holm,
                **share.columns("share_pct", "share_"),
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
    first = [f"{CEILING}: {weighting}", method, method + CONSTANT, method + JND_ONLY]
    others = sorted(name for name in present - set(first) if not name.startswith(CEILING))
    return [name for name in [*first, *others] if name in present]


def _share(gains: pd.DataFrame, own: pd.DataFrame, place: Mapping[str, object]) -> Interval:
    """Gain of ``own`` in percent of the best possible map's, over the same clips and targets.

    NaN where there is none (it is for weighted PSNR and the experiment's encoder), or nothing to
    gain, or where ``own`` loses: a share would be of no meaning.
    """
    best = f"{CEILING}: {place['weighting']}"
    chosen = gains[(gains["map"] == best) & (place["quality"] == PSNR)]
    for name, value in place.items():
        if name != "map":
            chosen = chosen[chosen[name] == value]
    chosen = chosen.merge(own[["sequence", "target_qp", "over"]].drop_duplicates())
    both = pd.DataFrame(
        {
            of: rows.groupby("sequence")["gain"].mean()
            for of, rows in (("own", own), ("best", chosen))
        }
    ).dropna()
    if both.empty or both.mean().min() <= 0:
        return mean_interval([])
    return statistic_interval(
        lambda mine, most: 100 * mine.mean() / most.mean(), (both["own"], both["best"]), both.index
    )
