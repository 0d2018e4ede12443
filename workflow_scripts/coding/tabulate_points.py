"""Adapter of rule tabulate_points."""

from pathlib import Path

from jndlab.report.tables import load_points, write_table
from jndops.adapter import run


def main(snakemake) -> None:
    points = load_points(snakemake.input.points)
    write_table(
        points,
        Path(snakemake.output[0]).with_suffix(""),
        caption="Rate-distortion points: bits of the whole stream, rate at the sheet's frame rate, "
        "quality of the decoded frames against the source at 10 bit.",
    )


run(main, snakemake)
