"""Adapter of rule plot_iqnet_figures."""

from pathlib import Path

from jndlab.papers.iqnet.figures import bar_figure, trade_off
from jndlab.quality.aggregate import same_qp_table
from jndlab.quality.equal_quality import LEVELS, equal_quality_table
from jndlab.report.tables import load_points, write_table
from jndops.adapter import run


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    points = load_points(snakemake.input.points)
    points = points[points["codec"] == params.codec]
    savings = same_qp_table(points, params.anchor)
    for quantity, stem in params.bars.items():
        bar_figure(savings, quantity, stem, labels=params.labels)
    trade_off(savings, Path(output.trade_off).with_suffix(""), labels=params.labels)
    write_table(
        equal_quality_table(points, params.anchor, LEVELS),
        Path(output.equal_quality).with_suffix(""),
        caption=f"Saving (%) against {params.anchor} at equal quality, codec {params.codec}: "
        "saving = 100 (1 - rate / anchor rate), positive saves, at each level of VMAF v0.6.1 and "
        "of PSNR Y (both mean over frames). Log-rate is interpolated over quality by pchip, never "
        "extrapolated: outside the range that both curves reach a cell is empty and the reason "
        "gives the ranges. Rows of scope mean average the sequences that have a value, "
        "left_out the others; without a quality each sequence counts by the mean of its levels.",
    )


run(main, snakemake)
