"""Adapter of rule tabulate_iqnet."""

from pathlib import Path

from jndlab.papers.iqnet.tables import (
    METHODS,
    headline,
    table1,
    table3,
    table4,
    write_paper_table,
)
from jndlab.report.tables import load_points
from jndops.adapter import run


def main(snakemake) -> None:
    points = load_points(snakemake.input.points)
    folder = Path(snakemake.output[0]).parent
    methods = {**METHODS, "anchor": snakemake.params.anchor}
    write_paper_table(table1(points), folder)
    for build in (table3, table4, headline):
        write_paper_table(build(points, snakemake.params.codec, methods=methods), folder)


run(main, snakemake)
