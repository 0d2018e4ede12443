"""Load the held-out evaluation of a VP-JND run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jndlab.codecs.stills.base import get_still_codec
from jndlab.datasets.jnd_labels import JndLabels, read_labels
from jndlab.datasets.pictures.picture_list import Picture, read_list
from jndlab.datasets.splits import read_splits
from jndlab.files import read_json
from jndlab.papers.vp_jnd.config import PUBLISHED, PictureChoice
from jndlab.papers.vp_jnd.labels import pw_jnds
from jndlab.papers.vp_jnd.measures import read_measures
from jndlab.papers.vp_jnd.tables import HeldOut
from jndlab.quality.vmaf_steps import LABEL_KIND

PAPER_PARAMETERS = 101_974_366
PAPER_PICTURES = {"mcl_jci": 50, "konjnd1k": 504}  # for each codec


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
    methods: Sequence[str],
    models: str | Path,
) -> HeldOut:
    """A data set below ``folder`` (``<results>/vp_jnd``) with the choices of ``methods``.

    ``models`` is the folder of trained networks (``<results>/models/vp_jnd``); it need not exist.
    """
    here = Path(folder) / name
    labels = load_labels(here)
    records = read_list(here / "pictures.csv")
    splits = read_splits(here / "splits.csv")
    measures = [here / "measures" / f"{job:04d}" for job in range(entry["jobs"])]
    choices = {
        split.name: [read_json(here / "choices" / m / f"{split.name}.json") for m in methods]
        for split in splits
    }
    networks = [Path(models) / f"vp_jnd_{name}_{split.name}" for split in splits]
    return HeldOut(
        name=name,
        data_set=entry["source"],
        codec=entry["codec"],
        content="published" if entry["source"] in PUBLISHED else "demo",
        label_kind=labels.kind,
        obstacle=_obstacle(entry, labels, records, networks),
        labels=pw_jnds(labels, get_still_codec(entry["codec"])),
        sources={record.name: record.source for record in records},
        measures=read_measures(
            [f"{stem}.csv" for stem in measures], [f"{stem}.pixel_jnd.csv" for stem in measures]
        ),
        splits=splits,
        fitted=read_json(here / "fitted.json"),
        choices=choices,
    )


def _obstacle(
    entry: Mapping[str, Any],
    labels: JndLabels,
    records: Sequence[Picture],
    networks: Sequence[Path],
) -> str:
    """Why the numbers of a published data set are not those of the paper; empty if they may be."""
    reasons = []
    wanted = PAPER_PICTURES.get(entry["source"])
    if labels.kind == LABEL_KIND:
        reasons.append(f"labels by {LABEL_KIND}")
    if wanted and len(records) != wanted:
        reasons.append(f"{len(records)} of {wanted} pictures")
    if entry["source"] == "mcl_jci" and entry["split"]["kind"] != "authors":
        reasons.append("another split")
    summaries = (network / "summary.json" for network in networks)
    for summary in [path for path in summaries if path.is_file()][:1]:
        parameters = read_json(summary)["parameters"]
        if parameters != PAPER_PARAMETERS:
            reasons.append(f"a network of {parameters:,} parameters instead of 101,974,366")
    return "; ".join(reasons)
