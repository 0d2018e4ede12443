"""RD points in; overview, and figures of saving and loss at equal QP out."""

from jndlab.quality.points import read_points
from jndlab.report.figures import bar_plot
from jndlab.report.method_summary import overview_plot
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params = snakemake.params
    points = read_points(snakemake.input.points)
    stem = stems(snakemake.output)
    overview_plot(points, params.labels, stem["overview"])
    for quantity in ("saving_pct", "psnr_drop_db", "vmaf_drop"):
        bar_plot(points, quantity, stem[quantity], params.labels, params.anchor)


run(main, snakemake)
