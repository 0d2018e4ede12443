"""Records of frames in; sources of the subsets (CSV) out."""

import logging

from jndlab.datasets.jnd_frames.folder import split_sources
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.datasets.splits import write_splits
from jndops.adapter import run


def main(snakemake) -> None:
    records = read_list(snakemake.input.table)
    split = split_sources(records, **snakemake.params.split)
    for subset, sources in split.subsets.items():
        logging.info("%s: %d sources", subset, len(sources))
    write_splits(snakemake.output.splits, [split])


run(main, snakemake)
