"""RD points in; one table out."""

from jndlab.quality.points import POINT_COLUMNS, read_points
from jndlab.report.tables import LIST_FORMATS, write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    points = read_points(snakemake.input.points)
    seeded = ["seed"] if "seed" in points else []
    write_table(
        points[POINT_COLUMNS + seeded],
        stems(snakemake.output)["rd_points"],
        formats=LIST_FORMATS,
        caption="Rate-distortion points: bits of the whole stream, rate at the sheet's frame rate, "
        "quality of the decoded frames against the source at 10 bit.",
    )


run(main, snakemake)
