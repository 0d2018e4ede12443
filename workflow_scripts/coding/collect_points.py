"""JSON files of points in; one Parquet file out, with savings against the anchor at equal QP."""

from jndlab.quality.points import load_points, with_savings, with_seeds, write_points
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    points = with_savings(load_points(snakemake.input.points), params.anchor)
    points = with_seeds(points, params.seeds)
    points["sheet_frames"] = points["sequence"].map(params.sheet_frames)
    write_points(points, snakemake.output.points)


run(main, snakemake)
