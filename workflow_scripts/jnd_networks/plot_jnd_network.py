"""Predictions and training curves of a paper's networks in; figures out."""

from pathlib import Path

from jndlab.papers.jnd_networks.report import plot_figures
from jndops.adapter import run


def main(snakemake) -> None:
    plot_figures(
        snakemake.input.predictions,
        snakemake.input.curves,
        snakemake.params.metadata,
        Path(snakemake.params.figures),
    )


run(main, snakemake)
