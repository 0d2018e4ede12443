"""RD points in; Tables I, III, IV and the headline, with comparisons, out."""

from jndlab.papers.iqnet.tables import headline, table1, table3, table4, write_paper_table
from jndlab.quality.points import read_points
from jndops.adapter import run, stems


def main(snakemake) -> None:
    points = read_points(snakemake.input.points)
    params, stem = snakemake.params, stems(snakemake.output)
    write_paper_table(table1(points), stem)
    for build in (table3, table4, headline):
        write_paper_table(build(points, params.codec, params.anchor), stem)


run(main, snakemake)
