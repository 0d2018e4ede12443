"""RD points in; one table out."""

from jndlab.report.tables import load_points, write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    points = load_points(snakemake.input.points)
    write_table(
        points,
        stems(snakemake.output)["rd_points"],
        caption="Rate-distortion points: bits of the whole stream, rate at the sheet's frame rate, "
        "quality of the decoded frames against the source at 10 bit.",
    )


run(main, snakemake)
