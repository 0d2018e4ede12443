"""RD points in; one table out."""

from jndlab.quality.points import ON_DEMAND, POINT_COLUMNS, read_points
from jndlab.report.tables import LIST_FORMATS, write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    points = read_points(snakemake.input.points)
    further = [name for name in (*ON_DEMAND, "seed") if name in points]
    write_table(
        points[POINT_COLUMNS + further],
        stems(snakemake.output)["rd_points"],
        formats=LIST_FORMATS,
        caption="Rate-distortion points: bits of the whole stream, rate at the sheet's frame rate, "
        "quality of the decoded frames against the source at 10 bit.",
    )


run(main, snakemake)
