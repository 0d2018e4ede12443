"""RD points in; overview, rate-distortion curves, figures of saving and loss out."""

from jndlab.quality.aggregate import bd_rate_table
from jndlab.quality.points import read_points
from jndlab.report.figures import bar_plot, rd_curves
from jndlab.report.method_summary import overview_plot
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params = snakemake.params
    points = read_points(snakemake.input.points)
    stem = stems(snakemake.output)
    overview_plot(points, params.labels, stem["overview"])
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
    for quantity in ("saving_pct", "psnr_drop_db", "vmaf_drop"):
        bar_plot(points, quantity, stem[quantity], params.labels, params.anchor)


run(main, snakemake)
