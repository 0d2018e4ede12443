"""JSON files of points in; one Parquet file out, with savings against the anchor at equal QP."""

from jndlab.quality.points import load_points, with_savings, write_points
from jndops.adapter import run


def main(snakemake) -> None:
    points = load_points(snakemake.input.points)
    write_points(with_savings(points, snakemake.params.anchor), snakemake.output.points)


run(main, snakemake)
