"""Measured pictures or a table of labels in; a picture-wise JND of each (CSV) out."""

import logging

from jndlab.datasets.jnd_labels import write_labels
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.papers.vp_jnd.held_out import picture_choice
from jndlab.papers.vp_jnd.labels import label_pictures
from jndlab.papers.vp_jnd.measures import read_measures
from jndops.adapter import run


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    choice = picture_choice(params.entry, params.folder)
    measures = read_measures(given.measures, given.pixel_jnd) if given.measures else None
    labels = label_pictures(choice, read_list(given.table), params.labels, measures)
    mean = labels.values().mean()
    logging.info("%d labels (%s), mean %.1f %s", len(labels.rows), labels.kind, mean, labels.unit)
    write_labels(snakemake.output.labels, labels)


run(main, snakemake)
