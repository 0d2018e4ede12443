"""RD points in; Fig. 15-17, the trade-off and the table of equal quality out."""

from jndlab.papers.iqnet.figures import bar_figure, trade_off
from jndlab.papers.iqnet.tables import savings_with_conditions, with_conditions
from jndlab.quality.equal_quality import LEVELS, equal_quality_table
from jndlab.quality.points import read_points
from jndlab.report.conditions import training_records
from jndlab.report.tables import write_table
from jndops.adapter import run, stems

BARS = {
    "vmaf_drop": "fig15_vmaf_drop",
    "psnr_drop_db": "fig16_psnr_drop",
    "saving_pct": "fig17_saving",
}


def main(snakemake) -> None:
    params, stem = snakemake.params, stems(snakemake.output)
    points = read_points(snakemake.input.points)
    points = points[points["codec"] == params.codec]
    records = training_records(snakemake.input.trainings)
    savings = savings_with_conditions(with_conditions(points, records), params.codec, params.anchor)
    for quantity, name in BARS.items():
        bar_figure(savings, quantity, stem[name], labels=params.labels, points=points)
    trade_off(savings, stem["trade_off"], labels=params.labels)
    write_table(
        equal_quality_table(points, params.anchor, LEVELS),
        stem["equal_quality"],
        caption=f"Saving (%) against {params.anchor} at equal quality, codec {params.codec}: "
        "saving = 100 (1 - rate / anchor rate), positive saves, at each level of VMAF v0.6.1 and "
        "of PSNR Y (both mean over frames). Log-rate is interpolated over quality by pchip, never "
        "extrapolated: outside the range that both curves reach a cell is empty and the reason "
        "gives the ranges. Rows of scope mean average the sequences that have a value, "
        "left_out the others; without a quality each sequence counts by the mean of its levels.",
    )


run(main, snakemake)
