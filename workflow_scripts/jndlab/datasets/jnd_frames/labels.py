"""JND labels of frames: by steps of VMAF, from a data set's subjects, or as a folder gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jndlab.codecs.base import Codec
from jndlab.datasets import mcl_jci, videoset
from jndlab.datasets.authors_folder import read_authors_folder
from jndlab.datasets.jnd_frames.config import FrameLabels, Outliers
from jndlab.datasets.jnd_labels import (
    JndLabels,
    Kind,
    Order,
    labels_from_samples,
    labels_from_values,
    make_labels,
    read_labels,
)
from jndlab.datasets.pictures.picture_list import Picture, by_source
from jndlab.errors import UserError
from jndlab.media.pictures import rgb_to_frame
from jndlab.quality.jnd_outliers import (
    unreliable_subjects,
    without_outlying_samples,
    without_subjects,
)
from jndlab.quality.jnd_statistics import JndSamples
from jndlab.quality.quality_sweeps import QualitySweep, labels_of, sweep_pictures
from jndlab.quality.vmaf_steps import LABEL_KIND, StepRule

LEVELS = 3
# QP 0 of x264 is lossless and no quality of its own; VideoSet has it as the reference.
QPS = tuple(range(1, 52))


class SubjectiveLabels(NamedTuple):
    """Labels of frames, all samples of their sources, and the samples that the labels rest on."""

    labels: JndLabels
    samples: JndSamples
    kept: JndSamples


def label_by_steps(
    frames: Iterable[tuple[Picture, np.ndarray]],
    codec: Codec,
    rule: StepRule,
    *,
    work_dir: Path,
    threads: int = 1,
    streams: Path | None = None,
    leave_out: bool = False,
) -> tuple[JndLabels, list[QualitySweep]]:
    """Labels of the kind ``vmaf_steps``, QP of ``codec``, and the sweeps that they are read off.

    Each frame is coded as a still (all intra) at QP 1 to 51; ``streams`` is a folder that keeps
    the streams. A frame whose worst quality does not reach all levels has no label where
    ``leave_out``, else raises UserError.
    """
    pictures = {record.name: rgb_to_frame(rgb) for record, rgb in frames}
    sweeps = sweep_pictures(
        pictures,
        codec,
        QPS,
        work_dir=work_dir,
        metric=rule.metric,
        threads=threads,
        streams=streams,
    )
    reached = [sweep for sweep in sweeps if None not in sweep.levels(rule)]
    values = labels_of(reached if leave_out else sweeps, rule)
    return labels_from_values(values, "QP", LABEL_KIND, "steps", "labels by VMAF steps"), sweeps


def label_by_subjects(
    records: Sequence[Picture],
    data_set: str,
    folder: Path,
    rule: FrameLabels,
    *,
    resolution: str = "640x360",
) -> SubjectiveLabels:
    """Subjective labels of a public data set, those of a source copied to each of its frames.

    ``data_set`` is ``videoset`` (H.264 QP of whole clips) or ``mcl_jci`` (JPEG QF). Which samples
    the rule leaves out follows from all sources of the data set that are read. Subjects saw the
    originals: frames that were cut or resized raise UserError.
    """
    _require_originals(records)
    if data_set == "videoset":
        samples = videoset.samples_of(videoset.read_tables(folder, resolution))
    elif data_set == "mcl_jci":
        samples = mcl_jci.read_sample_texts(folder, list(by_source(records)))
    else:
        raise UserError(
            f"frames of '{data_set}' have no subjective labels.",
            where="`jnd_frames.labels.kind`",
            expected="vmaf_steps; subjective only with videoset, mcl_jci or folder",
        )
    sources = by_source(records)
    kept = _only(without_outliers(samples, rule.outliers), sources)
    of_sources = labels_from_samples(kept, rule.statistic, str(folder), order=rule.order)
    labels = labels_of_frames(of_sources, records, str(folder), rule.order)
    return SubjectiveLabels(labels, _only(samples, sources), kept)


def label_by_table(
    records: Sequence[Picture], path: str | Path, order: Order = "error"
) -> JndLabels:
    """Labels of clips in a table of one's own (QP), those of a clip copied to each of its frames.

    Raises UserError for clips without labels, labels in QF, and frames that were cut or resized.
    """
    _require_originals(records)
    labels, sources = read_labels(path, order=order), by_source(records)
    lacking = sorted(set(sources) - set(labels.sources))
    if lacking or labels.unit != "QP":
        raise UserError(
            f"there is no JND of {', '.join(lacking[:8])}." if lacking else "JNDs are no QPs.",
            where=str(path),
            expected="a row in QP for each sequence and level",
            remedy="let people search these too, or leave them out of `jnd_frames.sources`.",
        )
    return labels_of_frames(labels.only(sources), records, str(path), order)


def labels_of_folder(folder: Path, kind: Kind, order: Order = "error") -> JndLabels:
    """The labels of a folder in the authors' layout, declared to be of ``kind``."""
    splits = read_authors_folder(folder, kind=kind, order=order)
    rows = [row for split in splits.values() if split.labels for row in split.labels.rows]
    return make_labels(rows, str(folder), order=order)


def labels_of_frames(
    labels: JndLabels, records: Sequence[Picture], where: str, order: Order = "error"
) -> JndLabels:
    """Labels of sources copied to their frames: ``source`` of each row becomes a frame's name."""
    frames = by_source(records)
    rows = [
        replace(row, source=record.name)
        for row in labels.rows
        for record in frames.get(row.source, ())
    ]
    return make_labels(rows, where, levels=labels.levels, order=order)


def without_outliers(samples: JndSamples, rule: Outliers) -> JndSamples:
    """Samples without those that a rule leaves out; UserError where it cannot be applied."""
    if rule == "none":
        return samples
    if rule == "grubbs":
        return without_outlying_samples(samples)
    return without_subjects(samples, unreliable_subjects(samples, rule))


def _only(samples: JndSamples, sources: Mapping[str, object]) -> JndSamples:
    return replace(samples, values={source: samples.values[source] for source in sources})


def _require_originals(records: Iterable[Picture]) -> None:
    for record in records:
        if record.resized or record.left or record.top:
            raise UserError(
                "subjective labels do not hold for frames that were cut or resized.",
                where=f"{record.name}: {record.window_width}x{record.window_height} at "
                f"{record.left},{record.top}, now {record.width}x{record.height}",
                remedy="set `jnd_frames.size: null`; networks resize by themselves.",
            )
