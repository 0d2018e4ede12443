"""Conditions of a comparison with a printed number, and the first of them that fails.

What a paper's numbers were made under is data (``config/published/<paper>/conditions.csv``); what
ours were made under is read from points, predictions and the records that trainings leave in
``summary.json``. This module compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from jndlab.errors import UserError
from jndlab.files import read_csv, read_json
from jndlab.paths import PUBLISHED

Found = Mapping[str, Any]  # value of each condition by name
# The printed value by name: alternatives are separated by " | ", numbers may be a range "a..b".
Required = Mapping[str, str]
ALTERNATIVE, RANGE = " | ", ".."
WHOLE, TRAINED = "all", "trained by the suite"
ON_RECORD = "conditions"  # key of a training's summary


class Condition(NamedTuple):
    """A condition: its name in the data, what it asks for, and the reason where it fails.

    ``reason`` may name ``{found}`` and ``{printed}``.
    """

    name: str
    meaning: str
    reason: str


def _instead(name: str, meaning: str) -> Condition:
    return Condition(name, meaning, name.replace("_", " ") + ": {found} instead of {printed}")


# Tested in this order: first what is true of every method, then what is true of a trained one.
CONDITIONS = (
    Condition("content", "the paper's own sequences or pictures", "stand-in content"),
    Condition("printed", "the paper prints a number here", "nothing printed for it"),
    Condition("protocol", "the paper says how its number was made",
              "protocol not known ({printed})"),
    Condition("frames", "whole sequences: the frames of the sheet", "{found} frames"),
    Condition("sequences", "every sequence that a mean is over", "{found} sequences"),
    _instead("pictures", "number of pictures of the data set"),
    _instead("configuration", "coding configuration, AI or LDP"),
    _instead("qps", "QPs that a mean is over"),
    _instead("codec", "encoder and the version that it reported"),
    _instead("labels", "kind of the JND labels: people's, or computed"),
    _instead("label_statistic", "statistic that makes one label of all subjects"),
    _instead("resolution", "size of the labelled frames"),
    _instead("split", "which pictures are tested"),
    Condition("variant", "the paper's own form of the network", "variant {found}"),
    Condition("weights", "weights from a training whose record names this very file",
              "{found} weights may have been trained on these clips"),
    _instead("network", "architecture"),
    _instead("parameters", "number of its parameters"),
    _instead("width", "scale of its channels"),
    _instead("input_size", "size that frames are resized to, height x width"),
    _instead("training_source", "where the training pictures are from"),
    _instead("training_pictures", "how many training pictures there were"),
    _instead("scorer", "metric that chose the training targets"),
    _instead("training_codec", "encoder of the training data and its version"),
    _instead("training_qp", "QP of the training data"),
    _instead("epochs", "passes over the training data"),
    _instead("batch_size", "samples a step"),
    _instead("recipe", "switches of networks and trainings of JNDs that the authors' code has not"),
    _instead("learning_rate", "first learning rate"),
    _instead("lr_step_epochs", "epochs after which the rate is halved"),
    _instead("optimizer", "optimizer"),
    _instead("crop", "side of the random crops"),
)  # fmt: skip
NAMES = tuple(condition.name for condition in CONDITIONS)


def first_failure(required: Required, found: Iterable[Found]) -> str:
    """The reason of the first condition, in the order of ``CONDITIONS``, that does not hold.

    Each of ``found`` (a number may rest on several points or models) must have every value that
    is ``required``; none at all is as good as one without values. Empty where all hold. Raises
    ValueError for a condition that there is not.
    """
    unknown = set(required) - set(NAMES)
    if unknown:
        raise ValueError(f"no such condition: {', '.join(sorted(unknown))}")
    founds = list(found) or [{}]
    for condition in CONDITIONS:
        if condition.name not in required:
            continue
        printed = required[condition.name]
        for one in founds:
            value = one.get(condition.name)
            if not _holds(value, printed):
                wanted = printed.replace(ALTERNATIVE, " or ").replace(RANGE, " to ")
                return condition.reason.format(found=_words(value), printed=wanted)
    return ""


def printed_conditions(paper: str, *of: str, folder: Path = PUBLISHED) -> dict[str, str]:
    """What a paper prints of how its numbers were made, from its ``conditions.csv``.

    Rows without ``of`` hold for all its numbers, the others for a method, a data set or a table
    that is named in ``of``. Raises UserError for a condition that the suite does not know.
    """
    path = folder / paper / "conditions.csv"
    rows = [row for row in read_csv(path) if row["of"] in ("", *of)]
    for row in rows:
        if row["condition"] not in NAMES:
            raise UserError(
                f"there is no condition '{row['condition']}'.",
                where=str(path),
                expected=", ".join(NAMES),
            )
    return {row["condition"]: row["value"] for row in rows}


def training_records(summaries: Iterable[str | Path]) -> dict[str, dict[str, Any]]:
    """Conditions of each training by the SHA-256 of every model file that it wrote.

    ``summaries`` are files ``summary.json``; one of a training without a record has none.
    """
    found: dict[str, dict[str, Any]] = {}
    for summary in map(read_json, summaries):
        if ON_RECORD in summary:
            record = {**summary[ON_RECORD], "weights": TRAINED}
            found |= dict.fromkeys(summary["models_sha256"].values(), record)
    return found


def found_in_models(
    hashes: Iterable[str], records: Mapping[str, Found], shared: Found | None = None
) -> list[dict[str, Any]]:
    """Conditions of a number that rests on the models of these hashes: one mapping a model.

    A model without a record (imported, or a file put in the place of a trained one) has nothing
    but ``shared``, what is true of the number whatever its models are. Where record and ``shared``
    differ (trained on one kind of labels, tested on another) there is a mapping for each.
    """
    of_all = dict(shared or {})
    known = []
    for record in (records.get(sha256, {}) for sha256 in hashes):
        known.append({**record, **of_all})
        if any(of_all.get(name, value) != value for name, value in record.items()):
            known.append({**of_all, **record})
    return known or [of_all]


def found_in_points(
    points: pd.DataFrame, records: Mapping[str, Found]
) -> list[list[dict[str, Any]]]:
    """Conditions of each point (``quality.points.read_points``), in the order of its rows.

    ``records`` are of :func:`training_records`.
    """
    rows = []
    for point in points.to_dict("records"):
        whole = point["sheet_frames"]
        shared = {
            "content": point["content"],
            "frames": WHOLE if point["frames"] == whole else f"{point['frames']} of {whole}",
            "configuration": point["configuration"],
            "codec": point["encoder"],
        }
        rows.append(found_in_models(point["models_sha256"].split(), records, shared))
    return rows


def joined(values: Sequence[Any]) -> str:
    """Distinct values in order, as a condition states them: ``22, 27, 32, 37``."""
    return ", ".join(str(value) for value in sorted(set(values)))


def _holds(value: Any, printed: str) -> bool:
    return value is not None and any(_same(value, one) for one in printed.split(ALTERNATIVE))


def _same(value: Any, printed: str) -> bool:
    try:
        low, _, high = printed.partition(RANGE)
        return float(low) <= float(value) <= float(high or low)
    except (TypeError, ValueError):
        return str(value).casefold() == printed.casefold()


def _words(value: Any) -> str:
    return "unrecorded" if value is None else f"{value}"
