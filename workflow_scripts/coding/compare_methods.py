"""RD points in; summary of the methods, BD-rates and savings at equal QP out."""

from jndlab.files import write_text
from jndlab.quality.aggregate import bd_rate_between, bd_rate_table
from jndlab.quality.points import rate_axis, read_points, same_qp_table
from jndlab.report.method_summary import (
    WHO,
    bd_rate_by_sequence,
    latex_values,
    readable,
    short_label,
    shown_in_words,
    summary_table,
)
from jndlab.report.tables import LIST_FORMATS, write_table
from jndops.adapter import run, stems

SEEDS = (
    " Of methods with several training seeds a sequence has the mean over them, deviation is over "
    "seeds, and rows of level seed have them one by one."
)
DEVIATIONS = " Of methods with several training seeds means over them, and their deviations."
DOUBTFUL = "* = curves that share less than 75 % of their range of quality"


def main(snakemake) -> None:
    params = snakemake.params
    points = read_points(snakemake.input.points)
    axis = rate_axis(points)
    several = "seed" in points
    over = "sequences and training seeds" if several else "sequences"
    stem = stems(snakemake.output)
    bd_rates = bd_rate_table(
        points,
        params.anchor,
        params.bd_rate["metrics"],
        params.bd_rate["interpolation"],
        params.classes,
        params.trained,
    )
    write_table(
        bd_rates,
        stem["bd_rate"],
        formats=LIST_FORMATS,
        caption=f"BD-rate (%) against {params.anchor}, {params.bd_rate['interpolation']} "
        "interpolation of log-rate; negative saves bits at equal quality. anchor_qps: the QPs of "
        "the anchor's curve, on which it rests. Class and overall rows are means of the "
        "per-sequence values that exist (low_overlap counts the doubtful among them, left_out the "
        f"sequences without a value), low and high their 95 % intervals over {over}. better: "
        "what is shown, p_holm adjusted over the table." + (SEEDS if several else ""),
    )
    if params.bd_rate["between"]:
        write_table(
            bd_rate_between(
                points,
                params.bd_rate["between"],
                params.bd_rate["metrics"],
                params.bd_rate["interpolation"],
                params.classes,
                params.trained,
            ),
            stem["bd_rate_between"],
            caption="BD-rate (%) of a method over the method named as reference; negative saves "
            "bits at equal quality. Means as for the BD-rates against the anchor.",
        )
    write_table(
        same_qp_table(points, params.anchor),
        stem["same_qp"],
        formats=LIST_FORMATS,
        caption=f"Saving and loss of quality against {params.anchor} at equal {axis}: saving = "
        "100 (1 - bits / anchor bits); drop = anchor - method, mean over frames."
        + (DEVIATIONS if several else ""),
    )
    summary = summary_table(points, bd_rates, params.labels)
    caption = (
        f"Methods against {params.anchor}: BD-rate (negative saves bits at equal quality), then "
        f"bits saved and quality lost at equal {axis}, means over sequences and {axis}s. "
        f"{DOUBTFUL} are in the mean; where all are, none is given. In brackets 95 % intervals "
        f"over {over}. {shown_in_words(bd_rates, params.anchor, params.trained, params.labels)}"
    )
    write_table(summary, stem["summary"], formats=("csv",))
    write_table(readable(summary), stem["summary"], formats=("md", "tex", "html"), caption=caption)
    ids = [who[-1] for who, _ in bd_rates.groupby(WHO, sort=True)]
    write_text(stem["values"].with_suffix(".tex"), latex_values(summary, ids))
    for configuration, metric in params.by_sequence:
        wide = bd_rate_by_sequence(bd_rates, params.labels, configuration, metric)
        name = stem[f"bd_rate_{configuration}_{metric}"]
        # Rows of the CSV say what they are of without the name of their file.
        write_table(wide.assign(configuration=configuration, metric=metric), name, formats=("csv",))
        write_table(
            wide,
            name,
            formats=("md", "tex", "html"),
            caption=f"BD-rate (%) under {short_label(metric)} in {configuration} against "
            f"{params.anchor}, by sequence; negative saves bits at equal quality. {DOUBTFUL}.",
            bold=[place for place, row in enumerate(wide["sequence"]) if row.startswith("mean ")],
        )


run(main, snakemake)
