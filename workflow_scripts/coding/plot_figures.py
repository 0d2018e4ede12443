"""RD points in; rate-distortion curves and figures of saving and loss out."""

from jndlab.quality.points import read_points, same_qp_table
from jndlab.report.figures import drop_plot, rd_curves, saving_plot
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params = snakemake.params
    points = read_points(snakemake.input.points)
    stem = stems(snakemake.output)
    for curve, (metric, codec) in params.rd_curves.items():
        of_codec = points[points["codec"] == codec]
        rd_curves(of_codec, metric, stem[f"rd_{curve}"], anchor_method=params.anchor)
    savings = same_qp_table(points, params.anchor)
    saving_plot(savings, stem["saving_pct"])
    for quantity in ("psnr_drop_db", "vmaf_drop"):
        drop_plot(savings, quantity, stem[quantity])


run(main, snakemake)
