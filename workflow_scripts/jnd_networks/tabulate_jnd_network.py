"""Adapter of rule tabulate_laser_jnd."""

from pathlib import Path

from jndlab.papers.jnd_prediction_report import write_tables
from jndops.adapter import run


def main(snakemake, log: Path) -> None:
    write_tables(
        "laser_jnd",
        snakemake.input.predictions,
        snakemake.input.costs,
        snakemake.input.points,
        snakemake.input.predicted,
        snakemake.params.names,
        snakemake.params.facts,
        Path(snakemake.params.tables),
        Path(snakemake.output.checks_html).with_suffix(""),
    )


run(main, snakemake)  # noqa: F821
