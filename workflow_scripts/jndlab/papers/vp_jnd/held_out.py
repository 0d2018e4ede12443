"""Load the held-out evaluation of a VP-JND run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from jndlab.codecs.stills.base import get_still_codec
from jndlab.datasets.jnd_labels import JndLabels, read_labels
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.datasets.splits import read_splits
from jndlab.errors import UserError
from jndlab.files import read_json
from jndlab.papers.vp_jnd.config import PUBLISHED, PictureChoice
from jndlab.papers.vp_jnd.labels import pw_jnds
from jndlab.papers.vp_jnd.measures import read_measures
from jndlab.papers.vp_jnd.tables import HeldOut
from jndlab.report.conditions import found_in_models, training_records


def picture_choice(entry: Mapping[str, Any], folder: str | None) -> PictureChoice:
    """The choice of pictures of an entry of the configuration (``vp_jnd.data``)."""
    given = {key: entry[key] for key in PictureChoice.model_fields if key != "folder"}
    return PictureChoice(folder=folder, **given)


def load_labels(folder: Path) -> JndLabels:
    """Labels of a data set."""
    return read_labels(folder / "labels.csv", levels=1)


def load_held_out(
    folder: str | Path,
    name: str,
    entry: Mapping[str, Any],
    methods: Mapping[str, Sequence[int]],
    trainings: Iterable[str | Path] = (),
) -> HeldOut:
    """A data set below ``folder`` (``<results>/vp_jnd``) with the choices of ``methods``.

    ``methods`` are the seeds of each method (one where nothing is trained).
    ``trainings`` are the summaries of trainings, without which no number can have a verdict.
    Raises UserError for a ``base_quality`` that the codec does not have.
    """
    here = Path(folder) / name
    codec, base = get_still_codec(entry["codec"]), entry["base_quality"]
    if base is not None and base not in codec.qualities:
        raise UserError(
            f"savings cannot be against quality {base} of {codec.name}.",
            where=f"the configuration, `vp_jnd.data.{name}.base_quality`",
            expected=f"{min(codec.qualities)} to {max(codec.qualities)}, or null for its best",
            remedy="correct the number; data and trainings are kept.",
        )
    labels = load_labels(here)
    pictures = read_list(here / "pictures.csv")
    splits = read_splits(here / "splits.csv")
    measures = [here / "measures" / f"{job:04d}" for job in range(entry["jobs"])]
    choices = {
        split.name: [
            read_json(here / "choices" / method / f"{split.name}_seed{seed}.json")
            for method, seeds in methods.items()
            for seed in seeds
        ]
        for split in splits
    }
    records = training_records(trainings)
    shared = {
        "labels": labels.kind,
        "label_statistic": labels.statistic,
        "pictures": len(pictures),
        "split": entry["split"]["kind"],
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for choice in chain(*choices.values()):
        of_choice = found_in_models(choice["models_sha256"], records, shared)
        found.setdefault(choice["method"], []).extend(of_choice)
    return HeldOut(
        name=name,
        data_set=entry["source"],
        codec=entry["codec"],
        content="published" if entry["source"] in PUBLISHED else "demo",
        label_kind=labels.kind,
        found=found,
        labels=pw_jnds(labels, codec),
        sources={picture.name: picture.source for picture in pictures},
        measures=read_measures(
            [f"{stem}.csv" for stem in measures], [f"{stem}.pixel_jnd.csv" for stem in measures]
        ),
        splits=splits,
        fitted=read_json(here / "fitted.json"),
        choices=choices,
        base_quality=entry["base_quality"],
    )
