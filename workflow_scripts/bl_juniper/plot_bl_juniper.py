"""RD points and tables in; curves and figures of saving and gain out."""

import pandas as pd

from jndlab.papers.bl_juniper.figures import gain_figure, saving_figure
from jndlab.quality.points import read_points
from jndlab.report.figures import rd_curves
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    stem = stems(snakemake.output)
    points = read_points(given.points)
    for metric in (name.removeprefix("rd_") for name in stem if name.startswith("rd_")):
        rd_curves(
            points,
            metric,
            stem[f"rd_{metric}"],
            anchor_method=params.anchor,
            labels=params.labels,
        )
    saving_figure(pd.read_csv(given.savings), stem["saving_over_target_qp"], params.labels)
    equal_rate = pd.read_csv(given.equal_rate)
    for quality in ("wpsnr", "wssim"):
        gain_figure(equal_rate, quality, stem[f"gain_{quality}"], params.labels)


run(main, snakemake)
