"""Adapter of rule plot_figures."""

from jndlab.quality.aggregate import same_qp_table
from jndlab.report.figures import drop_plot, rd_curves, saving_plot
from jndlab.report.tables import load_points
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    points = load_points(snakemake.input.points)
    for stem, metric, codec in params.rd_curves:
        of_codec = points[points["codec"] == codec]
        rd_curves(of_codec, metric, stem, anchor_method=params.anchor)
    savings = same_qp_table(points, params.anchor)
    for quantity, stem in params.same_qp.items():
        if quantity == "saving_pct":
            saving_plot(savings, stem)
        else:
            drop_plot(savings, quantity, stem)


run(main, snakemake)
