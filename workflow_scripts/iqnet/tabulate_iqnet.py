"""RD points in; Tables I, III, IV and the headline, with comparisons, out."""

from jndlab.papers.iqnet.tables import (
    bd_saving,
    headline,
    table1,
    table3,
    table4,
    with_conditions,
    write_paper_table,
)
from jndlab.quality.points import read_points
from jndlab.report.conditions import training_records
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params, stem = snakemake.params, stems(snakemake.output)
    records = training_records(snakemake.input.trainings)
    points = with_conditions(read_points(snakemake.input.points), records)
    write_paper_table(table1(points), stem)
    for build in (table3, table4, headline):
        write_paper_table(build(points, params.codec, params.anchor), stem)
    write_paper_table(bd_saving(points, params.codec, params.interpolation), stem)


run(main, snakemake)
