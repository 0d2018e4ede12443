"""The PW-JND of VP-JND's pictures: from subjects, from a table, or where VMAF has lost one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.codecs.stills.base import StillCodec
from jndlab.datasets import konjnd1k, mcl_jci
from jndlab.datasets.jnd_labels import (
    JndLabels,
    labels_from_samples,
    labels_from_values,
    read_labels,
)
from jndlab.datasets.pictures.picture_list import Picture
from jndlab.errors import UserError
from jndlab.jnd.quality_choice import nearest_quality
from jndlab.papers.vp_jnd.config import PictureChoice
from jndlab.papers.vp_jnd.measures import VMAF, Measures
from jndlab.quality.jnd_statistics import JndSamples, Unit
from jndlab.quality.quality_sweeps import labels_of
from jndlab.quality.vmaf_steps import LABEL_KIND, StepRule

RATINGS = "subjective_ratings.csv"


def label_pictures(
    choice: PictureChoice,
    records: Sequence[Picture],
    rule: Mapping[str, Any],
    measures: Mapping[str, Measures] | None,
) -> JndLabels:
    """The first JND of each picture; ``rule`` is ``labels`` of the configuration.

    ``measures`` are needed for ``vmaf_steps`` only. Raises UserError for pictures without a label,
    labels out of the unit's range, and a data set that has no labels by people.
    """
    names = [record.name for record in records]
    if rule["kind"] == LABEL_KIND:
        assert measures is not None, "labels by steps are read off measured curves"
        steps = StepRule(VMAF, rule["step"], levels=1)
        levels = labels_of((measures[name].sweep() for name in names), steps)
        unit: Unit = "QF" if choice.codec == "jpeg" else "QP"
        return labels_from_values(levels, unit, LABEL_KIND, "steps", "labels by VMAF steps")
    if choice.source == "folder" and rule["file"]:
        found, where = read_labels(rule["file"], levels=None).first(), rule["file"]
    else:
        samples, where = _samples(choice, names)
        found = labels_from_samples(samples, rule["statistic"], where)
    missing = sorted(set(names) - set(found.sources))
    if missing:
        raise UserError(
            f"{len(missing)} of {len(names)} pictures have no label: {', '.join(missing[:8])}"
            f"{' ...' * (len(missing) > 8)}.",
            where=where,
            remedy="add their labels, or leave them out of `sources`.",
        )
    return found.only(names)


def pw_jnds(labels: JndLabels, codec: StillCodec) -> dict[str, int]:
    """Label of each picture as a quality of the codec: the nearest, the better of two as near.

    Raises UserError where the labels are in the unit of other codecs (QF is JPEG's).
    """
    unit = "QF" if codec.worse_to_better else "QP"
    if labels.unit != unit:
        raise UserError(
            f"labels in {labels.unit} do not belong to {codec.name}.",
            expected=f"labels in {unit}",
            remedy="give the labels that were made with this codec, or choose the other codec.",
        )
    return {
        source: nearest_quality(codec.qualities, float(value))
        for source, value in zip(labels.sources, labels.values()[:, 0], strict=True)
    }


def read_mcl_jci_samples(folder: str | Path) -> tuple[JndSamples, str]:
    """JND samples of MCL-JCI without its pictures, and in which of the two forms they lay there.

    Read are the release's texts, or the tables ``JND_first.mat`` ... that were made from them.
    """
    folder = Path(folder)
    if any(folder.rglob("JND_image_??.txt")):
        return mcl_jci.read_sample_texts(folder), "texts of the release"
    return mcl_jci.read_sample_matrices(folder), "JND_first.mat ..."


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, median, deviation and range of numbers."""
    array = np.asarray(values, float)
    return {
        "mean": float(array.mean()),
        "median": float(np.median(array)),
        "deviation": float(array.std(ddof=1)) if array.size > 1 else 0.0,
        "smallest": float(array.min()),
        "largest": float(array.max()),
    }


def _samples(choice: PictureChoice, names: Sequence[str]) -> tuple[JndSamples, str]:
    """Samples of the first JND of a data set, and where they were found."""
    folder = Path(choice.folder or ".")
    if choice.source == "mcl_jci":
        samples = mcl_jci.read_sample_texts(folder, names)
        first = {source: arrays[:1] for source, arrays in samples.values.items()}
        return JndSamples(samples.unit, first, samples.same_subjects), str(folder)
    if choice.source == "konjnd1k":
        path = next(iter(sorted(folder.rglob(RATINGS))), folder / RATINGS)
        coder: konjnd1k.Coder = "JPEG" if choice.codec == "jpeg" else "BPG"
        ratings = konjnd1k.read_ratings(path)
        if coder not in ratings:
            raise UserError(f"there are no ratings of {coder}.", where=str(path))
        return ratings[coder], str(path)
    raise UserError(
        f"pictures of '{choice.source}' have no labels by people.",
        where="`labels` of the data set",
        expected="kind: vmaf_steps, or (with `folder`) a table `file`",
    )
