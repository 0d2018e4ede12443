"""Predictions of a paper's networks in; tables of errors, costs, checks and coding out."""

from pathlib import Path

from jndlab.papers.jnd_networks.report import write_tables
from jndops.adapter import run


def main(snakemake) -> None:
    write_tables(
        snakemake.params.paper,
        snakemake.input.predictions,
        snakemake.input.costs,
        snakemake.input.points,
        snakemake.input.predicted,
        snakemake.params.names,
        snakemake.params.metadata,
        Path(snakemake.params.tables),
        Path(snakemake.output.checks_html).with_suffix(""),
    )


run(main, snakemake)
