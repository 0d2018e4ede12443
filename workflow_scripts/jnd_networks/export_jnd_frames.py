"""Frames, labels, splits, codings in; a folder in the authors' layout, by the first split, out."""

from jndlab.datasets.jnd_frames.folder import write_authors_folder
from jndlab.datasets.jnd_labels import read_labels
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.datasets.splits import read_splits
from jndops.adapter import run


def main(snakemake) -> None:
    files = snakemake.input
    labels = read_labels(files.labels, order="warn")
    split = read_splits(files.splits)[0]
    records = read_list(files.table)
    write_authors_folder(
        snakemake.output.folder, records, split, labels, files.frames, files.pictures
    )


run(main, snakemake)
