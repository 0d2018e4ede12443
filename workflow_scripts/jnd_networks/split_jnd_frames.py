"""Records of frames in; sources of the subsets (CSV) out."""

import logging

from jndlab.datasets.jnd_frames.folder import split_sources
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.datasets.splits import write_splits
from jndops.adapter import run


def main(snakemake) -> None:
    records = read_list(snakemake.input.table)
    splits = split_sources(records, **snakemake.params.split)
    for split in splits:
        counts = ", ".join(f"{len(of)} {subset}" for subset, of in split.subsets.items())
        logging.info("%s: %s sources", split.name, counts)
    write_splits(snakemake.output.splits, splits)


run(main, snakemake)
