"""Frames in; JND1 to JND3 of each (CSV), with sweeps or subjects, out."""

import logging
from pathlib import Path

from jndlab.codecs.x264 import X264Codec
from jndlab.datasets.jnd_frames.config import FrameLabels
from jndlab.datasets.jnd_frames.labels import (
    label_by_steps,
    label_by_subjects,
    label_by_table,
    labels_of_folder,
)
from jndlab.datasets.jnd_labels import write_labels
from jndlab.datasets.pictures.picture_list import load_pictures, read_list
from jndlab.files import write_csv
from jndlab.quality.jnd_subjects import subject_rows, sur_rows
from jndlab.quality.quality_sweeps import write_sweeps
from jndlab.quality.vmaf_steps import StepRule
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    logging.captureWarnings(True)
    params, records = snakemake.params, read_list(snakemake.input.table)
    options = FrameLabels(**params.labels)
    folder = Path(params.folder) if params.folder else Path()
    if params.data_set == "folder":
        labels = labels_of_folder(folder, options.kind, options.order)
    elif options.file:
        labels = label_by_table(records, options.file, options.order)
    elif options.kind == "subjective":
        labels, samples, kept = label_by_subjects(
            records, params.data_set, folder, options, resolution=params.resolution
        )
        write_csv(snakemake.output.subjects, subject_rows(samples, kept))
        write_csv(snakemake.output.sur, sur_rows(kept))
    else:
        streams = Path(snakemake.output.streams)
        streams.mkdir(parents=True, exist_ok=True)
        with scratch(snakemake) as work_dir:
            labels, sweeps = label_by_steps(
                load_pictures(snakemake.input.frames, records),
                X264Codec(params.preset),
                StepRule(options.metric, options.step),
                work_dir=work_dir,
                threads=snakemake.threads,
                streams=streams,
                leave_out=options.unreached == "leave_out",
            )
        left_out = sorted({record.name for record in records} - set(labels.sources))
        logging.info("%d frames without all levels: %s", len(left_out), ", ".join(left_out))
        write_sweeps(snakemake.output.sweeps, sweeps)
    means = ", ".join(f"{mean:.2f}" for mean in labels.values().mean(axis=0))
    logging.info("mean %s of JND1 to JND3 (%s): %s", labels.unit, labels.kind, means)
    write_labels(snakemake.output.labels, labels)


run(main, snakemake)
