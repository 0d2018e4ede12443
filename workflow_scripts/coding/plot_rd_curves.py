"""RD points in; rate-distortion curves with BD-rates out."""

from jndlab.quality.aggregate import bd_rate_table
from jndlab.quality.points import read_points
from jndlab.report.figures import rd_curves
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params = snakemake.params
    points = read_points(snakemake.input.points)
    stem = stems(snakemake.output)
    interpolation = params.bd_rate["interpolation"]
    metrics = list(dict.fromkeys(metric for metric, _ in params.rd_curves.values()))
    bd_rates = bd_rate_table(points, params.anchor, metrics, interpolation)
    for curve, (metric, codec) in params.rd_curves.items():
        rd_curves(
            points[points["codec"] == codec],
            metric,
            stem[f"rd_{curve}"],
            anchor_method=params.anchor,
            labels=params.labels,
            bd_rates=bd_rates,
        )


run(main, snakemake)
