"""How good a trained network was on pictures that it did not learn from, from its run's tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import read_csv, read_json
from jndlab.papers.jnd_networks.baselines import MEDIAN

FILTERS = ("iqnet", "cnn_jnqd")
UNKNOWN = "nothing is recorded next to its file"


def held_out(model: Path, method: str = "") -> list[str]:
    """Lines on a model file of a run, ``RESULTS/models/PAPER/NETWORK/model.onnx``.

    Each is an error on held-out data next to that of a constant answer, where the run has both.
    ``method`` is the choice of VP-JND that uses it. Of a file from elsewhere, such as a network
    that comes with the suite, only what its training wrote next to it is known.
    """
    if len(model.parts) < 4 or model.parts[-4] != "models":
        record = model.with_name("summary.json")
        trained = read_json(record).get("conditions", {}) if record.is_file() else {}
        return _loss(record) if trained.get("network") in FILTERS else [UNKNOWN]
    results, paper, network = model.parents[3], model.parts[-3], model.parts[-2]
    try:
        if paper in ("laser_jnd", "mtjnd"):
            return _jnd_levels(results / paper / "tables/errors.csv", network)
        if paper == "vp_jnd":
            return _qualities(results / "vp_jnd/tables/prediction.csv", method)
        if paper == "bl_juniper":
            return _block_jnds(results / "bl_juniper/tables/block_jnd_error.csv", network)
        return _loss(model.with_name("summary.json"))
    except (OSError, UserError, KeyError, StopIteration):
        return [f"the run in {results} has no table of it; complete that run"]


def _jnd_levels(table: Path, network: str) -> list[str]:
    rows = [row for row in read_csv(table) if row["subset"] == "test"]
    of_network = {row["name"] for row in rows if f"{network}_".startswith(f"{row['name']}_")}
    name = max(of_network, key=len, default="")
    lines = []
    for row in rows:
        if row["name"] != name:
            continue
        level = row["level"]
        constant = next(r for r in rows if r["name"] == MEDIAN and r["level"] == level)
        lines.append(
            f"predicted JND{level} is {_number(row['error'])} QP off on mean, "
            f"the median of the training labels {_number(constant['error'])} QP "
            f"({row['sources']} sources; {table})"
        )
    return lines or [UNKNOWN]


def _block_jnds(table: Path, network: str) -> list[str]:
    """Errors of a network ``jnd1_seed0`` next to those of the mean of the training labels."""
    level = network.removeprefix("jnd").partition("_")[0]
    # Its test pictures come first, the coded sequences last.
    rows = {row["predictor"]: row for row in read_csv(table)[::-1] if row["level"] == level}
    ours, constant = rows["cnn"], rows["mean"]
    return [
        f"predicted JND{level} of a block is {_number(ours['mae_qp'])} QP off on mean, the mean of "
        f"the training labels {_number(constant['mae_qp'])} QP ({ours['sources']} sources; {table})"
    ]


def _qualities(table: Path, method: str) -> list[str]:
    rows = read_csv(table)
    row = next(row for row in rows if row["method"] == method)
    fixed = next(r for r in rows if r["method"] == "fixed" and r["data"] == row["data"])
    return [
        f"the recommended quality is {_number(row['mean_abs_dqf'])} off on mean, "
        f"one fixed quality {_number(fixed['mean_abs_dqf'])} ({row['pictures']} pictures; {table})"
    ]


def _loss(path: Path) -> list[str]:
    summary: Mapping[str, Any] = read_json(path)
    if summary["best_by"] != "val_loss" or summary["best_value"] is None:
        return ["none was kept apart in its training"]
    loss = summary["recipe"]["losses"][0]["kind"]
    value = summary["best_value"]
    steps = 255 * (math.sqrt(value) if loss == "mse" else value)
    what = "root mean squared" if loss == "mse" else "mean absolute"
    return [
        f"{steps:.2f} of 255 grey levels ({what}) from the filtered pictures that "
        f"it imitates ({path})"
    ]


def _number(text: str) -> str:
    return f"{float(text):.1f}"
