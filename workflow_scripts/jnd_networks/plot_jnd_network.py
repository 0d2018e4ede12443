"""Adapter of rule draw_laser_jnd."""

from pathlib import Path

from jndlab.papers.jnd_prediction_report import draw_figures
from jndops.adapter import run


def main(snakemake, log: Path) -> None:
    draw_figures(
        snakemake.input.predictions,
        snakemake.input.curves,
        snakemake.params.facts,
        Path(snakemake.params.figures),
    )


run(main, snakemake)  # noqa: F821
