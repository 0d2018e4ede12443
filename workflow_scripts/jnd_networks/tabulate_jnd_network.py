"""Predictions of a paper's networks in; tables of errors, costs, checks and coding out."""

from jndlab.papers.jnd_networks.report import write_tables
from jndops.adapter import run, stems


def main(snakemake) -> None:
    write_tables(
        snakemake.params.paper,
        snakemake.input.predictions,
        snakemake.input.costs,
        snakemake.input.reconstructions,
        snakemake.input.points,
        snakemake.input.predicted,
        snakemake.input.trainings,
        snakemake.params.metadata,
        stems(snakemake.output),
    )


run(main, snakemake)
