"""RD points in; tables of BD-rates and of savings at equal QP out."""

from jndlab.quality.aggregate import bd_rate_table
from jndlab.quality.points import read_points, same_qp_table
from jndlab.report.tables import LIST_FORMATS, write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params = snakemake.params
    points = read_points(snakemake.input.points)
    stem = stems(snakemake.output)
    bd_rates = bd_rate_table(
        points,
        params.anchor,
        params.bd_rate["metrics"],
        params.bd_rate["interpolation"],
        params.classes,
    )
    write_table(
        bd_rates,
        stem["bd_rate"],
        caption=f"BD-rate (%) against {params.anchor}, {params.bd_rate['interpolation']} "
        "interpolation of log-rate; negative saves bits at equal quality. Class and overall rows "
        "are means of the per-sequence values that exist (low_overlap counts the doubtful among "
        "them, left_out the sequences without a value).",
    )
    write_table(
        same_qp_table(points, params.anchor),
        stem["same_qp"],
        formats=LIST_FORMATS,
        caption=f"Saving and loss of quality against {params.anchor} at equal QP: saving = "
        "100 (1 - bits / anchor bits); drop = anchor - method, mean over frames.",
    )


run(main, snakemake)
