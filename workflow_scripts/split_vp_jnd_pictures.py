"""Adapter of rule split_vp_jnd_pictures."""

from pathlib import Path

from jndlab.datasets.splits import write_splits
from jndlab.papers.vp_jnd_labels import make_splits
from jndlab.papers.vp_jnd_pictures import read_records
from jndops.adapter import run


def main(snakemake, log: Path) -> None:
    splits = make_splits(snakemake.params.split, read_records(snakemake.input.table))
    write_splits(snakemake.output.splits, splits)


run(main, snakemake)  # noqa: F821
