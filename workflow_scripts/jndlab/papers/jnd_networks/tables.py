"""Tables of LASeR-JND and MTJND: errors with intervals, beside what is printed; checks; use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.files import read_csv
from jndlab.paths import PUBLISHED
from jndlab.quality.jnd_statistics import RANGES
from jndlab.quality.points import same_qp_table
from jndlab.report.compare import compare_with_published
from jndlab.subsets import SUBSETS

RESAMPLES = 2000
CONFIDENCE = 0.95
DEAD_BELOW = 0.01  # deviation of predictions over the test frames, in the labels' unit
PASSED, FAILED = "passed", "failed"
# Largest differences that count as reproduced: QP, dB.
TOLERANCE: dict[str, float | str] = {"error": 0.3, "psnr_error_db": 0.2}
WHO = ["name", "network", "variant", "kind"]


def load_predictions(path: str | Path) -> pd.DataFrame:
    """Predictions with ``error`` and ``psnr_error_db``, the absolute differences of each row.

    A frame coded without loss has no PSNR and is left out of the means of PSNR errors.
    """
    rows = pd.read_csv(path, keep_default_na=False)
    rows["error"] = (rows["predicted"] - rows["label"]).abs()
    differences = rows["psnr_predicted"] - rows["psnr_label"]
    rows["psnr_error_db"] = differences.abs().replace(np.inf, np.nan)
    return rows


def errors(predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean errors per network, level and part, with 95 % bootstrap intervals over sources.

    ``gain_on_mean`` is by how much the error of the mean training label is above the network's.
    """
    rows = []
    for (*who, level, part), group in predictions.groupby([*WHO, "level", "part"], sort=False):
        rows.append(
            {
                **dict(zip(WHO, who, strict=True)),
                "level": level,
                "part": part,
                "sources": group["source"].nunique(),
                "frames": len(group),
                **_mean_with_interval(group, "error"),
                **_mean_with_interval(group, "psnr_error_db"),
                "bias": (group["predicted"] - group["label"]).mean(),
                "deviation": group["predicted"].std(ddof=0),
            }
        )
    table = pd.DataFrame(rows)
    of_mean = table.loc[table["name"] == "training_mean", ["level", "part", "error"]]
    of_mean = of_mean.rename(columns={"error": "error_of_mean"})
    table = table.merge(of_mean, on=["level", "part"], how="left")
    table["gain_on_mean"] = table.pop("error_of_mean") - table["error"]
    table["part"] = pd.Categorical(table["part"], SUBSETS, ordered=True)
    table = table.sort_values(["part", "level"], kind="stable", ignore_index=True)
    return table.astype({"part": str})


def judged_part(rows: pd.DataFrame) -> str:
    """The part that tells most of use: ``test``, or without labels of it ``val``, ``train``."""
    return next(part for part in reversed(SUBSETS) if (rows["part"] == part).any())


def baselines_beaten(errors: pd.DataFrame) -> str:
    """In words: how many outputs of trained networks beat the mean label, and all baselines.

    On the judged part of a table of :func:`errors`; variants and imported weights do not count.
    """
    part = judged_part(errors)
    judged = errors[errors["part"] == part]
    networks = judged[(judged["kind"] == "network") & (judged["variant"] == "")]
    baselines = judged[judged["kind"] == "baseline"].groupby("level")["error"].min()
    of_mean = int((networks["gain_on_mean"] > 0).sum())
    of_all = int((networks["error"] < networks["level"].map(baselines)).sum())
    return (
        f"On {part} frames {of_mean} of {len(networks)} outputs of the networks (without variants) "
        f"have a smaller error than the mean training label, {of_all} a smaller one than every "
        "baseline"
    )


def checks(predictions: pd.DataFrame) -> pd.DataFrame:
    """What must hold of every network: a verdict, ``passed`` or ``failed``, per level and check.

    ``alive``: predictions of the judged part (``judged_part``, of test frames where they have
    labels) differ, while a dead output is the same for all;
    ``in_range``: all lie in the range of their unit (QP 0..51); ``in_order``: no level lies below
    the one before (row without level, of networks of several levels); ``learnt``: the error on
    training frames is below that of the mean training label.
    """
    rows = []
    part = judged_part(predictions)
    networks = predictions[predictions["kind"] != "baseline"]
    mean = predictions[predictions["name"] == "training_mean"]
    for (name, kind, level), group in networks.groupby(["name", "kind", "level"], sort=False):
        tested = group[group["part"] == part]["predicted"]
        trained = group[group["part"] == "train"]["error"].mean()
        of_level = mean[(mean["level"] == level) & (mean["part"] == "train")]
        low, high = group["predicted"].min(), group["predicted"].max()
        smallest, largest = RANGES[group["unit"].iloc[0]]
        found: dict[str, tuple[float, str, bool]] = {
            "alive": (
                tested.std(ddof=0),
                f"deviation over {part} frames above {DEAD_BELOW}",
                bool(tested.std(ddof=0) > DEAD_BELOW),
            ),
            "in_range": (
                low if low < smallest else high,
                f"all predictions in {smallest}..{largest}",
                bool(low >= smallest and high <= largest),
            ),
        }
        if kind == "network":
            limit = of_level["error"].mean()
            found["learnt"] = (
                trained,
                f"error on training frames below that of their mean label, {limit:.3f}",
                bool(trained < limit),
            )
        rows += [
            {"name": name, "level": level, "check": check, "found": value, "expected": expected,
             "verdict": PASSED if holds else FAILED}
            for check, (value, expected, holds) in found.items()
        ]  # fmt: skip
    table = pd.DataFrame([*rows, *_order_checks(networks)])
    return table.astype({"level": "Int64", "found": float})


def with_dead(table: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """``table`` with a column ``output``: dead where the check ``alive`` failed."""
    failed = verdicts[(verdicts["check"] == "alive") & (verdicts["verdict"] == FAILED)]
    dead = set(zip(failed["name"], failed["level"], strict=True))
    places = zip(table["name"], table["level"], strict=True)
    return table.assign(output=["dead" if place in dead else "" for place in places])


def single_against_multi(predictions: pd.DataFrame) -> pd.DataFrame:
    """Each one-level network against each network of all levels (no variants), same frames.

    ``difference`` is the mean of |error of the single| - |error of the multi| over the frames of
    the judged part, so positive favours the multi-task network; interval over sources.
    """
    part = judged_part(predictions)
    plain = (predictions["kind"] == "network") & (predictions["variant"] == "")
    chosen = predictions[(predictions["part"] == part) & plain]
    levels = chosen.groupby("name")["level"].nunique()
    multi = [name for name in levels.index if levels[name] > 1]
    rows = []
    for (name, level), single in chosen[~chosen["name"].isin(multi)].groupby(
        ["name", "level"], sort=False
    ):
        for other in multi:
            rival = chosen[(chosen["name"] == other) & (chosen["level"] == level)]
            pairs = single.merge(rival, on=["frame", "source"], suffixes=("", "_multi"))
            pairs["difference"] = pairs["error"] - pairs["error_multi"]
            rows.append(
                {
                    "level": level,
                    "single": name,
                    "multi": other,
                    "error_single": pairs["error"].mean(),
                    "error_multi": pairs["error_multi"].mean(),
                    **_mean_with_interval(pairs, "difference"),
                }
            )
    names = ["level", "single", "multi", "error_single", "error_multi", "difference",
             "difference_low", "difference_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=names).sort_values(["level", "single"], ignore_index=True)


def variants(table: pd.DataFrame) -> pd.DataFrame:
    """Networks with variants beside the same network without, from :func:`errors`."""
    shown = table[table["kind"] == "network"]
    base = shown.assign(base=[name.partition("-")[0] for name in shown["name"]])
    varied = set(base.loc[base["variant"] != "", "base"])
    chosen = base[base["base"].isin(varied)].sort_values(
        ["base", "level", "part", "variant"], kind="stable", ignore_index=True
    )
    names = ["name", "variant", "level", "part", "error", "error_low", "error_high",
             "psnr_error_db", "deviation", "gain_on_mean"]  # fmt: skip
    return chosen[names]


def comparison(
    table: pd.DataFrame, paper: str, *, published: bool, folder: Path = PUBLISHED
) -> pd.DataFrame:
    """Test errors beside the printed ones; ``published``: data and labels are the paper's."""
    ours = table[(table["part"] == "test") & (table["kind"] != "baseline")]
    ours = ours.assign(content="published" if published else "demo")
    printed = []
    for row in read_csv(folder / paper / "headline.csv"):
        networks = row["networks"].split()
        printed += [
            {"name": name, "level": row["level"], row["quantity"]: row["printed"]}
            for name in dict.fromkeys([*networks, *ours["name"]])
            if name.partition("-")[0] in networks
        ]
    merged: dict[tuple[str, str], dict[str, str]] = {}
    for item in printed:
        merged.setdefault((item["name"], item["level"]), {}).update(item)
    return compare_with_published(
        ours, list(merged.values()), ["name", "level"], list(TOLERANCE), TOLERANCE
    )


def coding_table(
    points: pd.DataFrame, predicted: Mapping[tuple[str, str], Mapping[str, Any]], anchor: str
) -> pd.DataFrame:
    """What coding no finer than the predicted JND1 saves and loses, against the anchor's points.

    ``predicted`` holds the predictions by (sequence, method).
    """
    table = same_qp_table(points, anchor)
    keys = list(zip(table["sequence"], table["method"], strict=True))
    table = table[[key in predicted for key in keys]].copy()
    jnd = [predicted[key]["jnd"][0] for key in keys if key in predicted]
    table.insert(5, "predicted_jnd1", jnd)
    coded = [max(qp, int(np.floor(j + 0.5))) for qp, j in zip(table["qp"], jnd, strict=True)]
    table.insert(6, "coded_qp", coded)
    return table.drop(columns="prefilter_vmaf_mean").reset_index(drop=True)


def bootstrap_interval(
    values: np.ndarray,
    sources: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval (95 %) of the mean of ``values``, whole sources drawn with replacement.

    Frames of one source are not independent, so sources are what is drawn. One source gives no
    interval (NaN).
    """
    frame = pd.DataFrame({"source": list(sources), "value": values})
    of_source = frame.groupby("source")["value"].agg(["sum", "count"]).to_numpy()
    if len(of_source) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = of_source[rng.integers(0, len(of_source), (resamples, len(of_source)))].sum(axis=1)
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [tail, 100 - tail])
    return float(low), float(high)


def _order_checks(networks: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for name, group in networks.groupby("name", sort=False):
        if group["level"].nunique() > 1:
            levels = group.pivot(index="frame", columns="level", values="predicted").to_numpy()
            wrong = int((np.diff(levels, axis=1) < 0).any(axis=1).sum())
            rows.append(
                {"name": name, "level": None, "check": "in_order", "found": wrong,
                 "expected": "no frame with JND2 below JND1 or JND3 below JND2",
                 "verdict": FAILED if wrong else PASSED}
            )  # fmt: skip
    return rows


def _mean_with_interval(group: pd.DataFrame, column: str) -> dict[str, float]:
    known = group.dropna(subset=[column])
    low, high = bootstrap_interval(known[column].to_numpy(), known["source"].tolist())
    return {column: known[column].mean(), f"{column}_low": low, f"{column}_high": high}
