"""Frames, labels, split and codings in; a folder in the authors' layout out."""

from jndlab.datasets.jnd_frames.folder import write_authors_folder, write_set
from jndlab.datasets.jnd_labels import read_labels
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.datasets.splits import read_splits
from jndops.adapter import run


def main(snakemake) -> None:
    files, output = snakemake.input, snakemake.output
    (split,) = read_splits(files.splits)
    labels = read_labels(files.labels, order="warn")
    records = read_list(files.table)
    rows = write_authors_folder(output.folder, records, split, labels, files.frames, files.pictures)
    write_set(output.table, rows)


run(main, snakemake)
