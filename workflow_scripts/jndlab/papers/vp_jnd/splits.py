"""The splits of VP-JND's pictures: names known from the configuration alone, and the splits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jndlab.datasets.splits import Split, split_by_fractions, split_into_folds, vp_jnd_split
from jndlab.errors import UserError


def split_names(split: Mapping[str, Any]) -> list[str]:
    """Names of the splits that a run uses; ``split`` is that of a data set's configuration.

    Raises UserError for the number of a fold that there is not.
    """
    if split["kind"] != "grouped_folds":
        return [split["kind"]]
    numbers = split["runs"] or range(1, split["folds"] + 1)
    for number in numbers:
        if number > split["folds"]:
            raise UserError(
                f"there is no fold {number}.",
                where="the configuration, `split.runs` below `vp_jnd.data`",
                expected=f"1 to {split['folds']}",
            )
    return [f"fold{number:02d}" for number in numbers]


def make_splits(split: Mapping[str, Any], sources: Mapping[str, str]) -> list[Split]:
    """The splits that :func:`split_names` names; ``sources`` is the source of each picture.

    Pictures of one source are never parted. Raises UserError for too few sources, and with the
    authors' split for pictures that MCL-JCI does not have.
    """
    known = sorted(set(sources.values()))
    if split["kind"] == "authors":
        whole = [vp_jnd_split()]
    elif split["kind"] == "fractions":
        whole = [split_by_fractions(known, split["seed"], split["fractions"])]
    else:
        whole = split_into_folds(
            known, split["seed"], split["folds"], key="vp_jnd.data: split.folds"
        )
    named = dict(zip(split_names({**split, "runs": None}), whole, strict=True))
    return [
        Split(name, {key: tuple(items) for key, items in named[name].of_items(sources).items()})
        for name in split_names(split)
    ]
