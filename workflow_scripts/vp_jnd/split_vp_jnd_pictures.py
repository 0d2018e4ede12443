"""Adapter of rule split_vp_jnd_pictures."""

from pathlib import Path

from jndlab.datasets.splits import write_splits
from jndlab.papers.vp_jnd_pictures import read_records
from jndlab.papers.vp_jnd_splits import make_splits
from jndops.adapter import run


def main(snakemake, log: Path) -> None:
    sources = {record.name: record.source for record in read_records(snakemake.input.table)}
    write_splits(snakemake.output.splits, make_splits(snakemake.params.split, sources))


run(main, snakemake)  # noqa: F821
