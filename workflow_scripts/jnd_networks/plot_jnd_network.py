"""Predictions and training curves of a paper's networks in; figures out."""

from jndlab.papers.jnd_networks.report import plot_figures
from jndops.adapter import run, stems


def main(snakemake) -> None:
    plot_figures(
        snakemake.input.predictions,
        snakemake.input.curves,
        snakemake.params.metadata,
        stems(snakemake.output),
    )


run(main, snakemake)
