"""Adapter of rule plot_bl_juniper."""

from pathlib import Path

import pandas as pd

from jndlab.papers.bl_juniper.figures import gain_figure, saving_figure
from jndlab.report.figures import rd_curves
from jndlab.report.tables import load_points
from jndops.adapter import run


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    folder = Path(snakemake.output.saving).parent
    points = load_points(given.points)
    for metric in params.metrics:
        rd_curves(points, metric, folder / f"rd_{metric}", anchor_method=params.anchor)
    saving_figure(pd.read_csv(given.savings), folder / "saving_over_target_qp", params.labels)
    equal_rate = pd.read_csv(given.equal_rate)
    for quality in ("wpsnr", "wssim"):
        gain_figure(equal_rate, quality, folder / f"gain_{quality}", params.labels)


run(main, snakemake)
