"""Records of pictures in; their splits (CSV) out."""

from jndlab.datasets.pictures.picture_list import read_list
from jndlab.datasets.splits import write_splits
from jndlab.papers.vp_jnd.splits import make_splits
from jndops.adapter import run


def main(snakemake) -> None:
    sources = {record.name: record.source for record in read_list(snakemake.input.table)}
    write_splits(snakemake.output.splits, make_splits(snakemake.params.split, sources))


run(main, snakemake)
