"""Numbers and codings of the ablations in; tables and Fig. 10-12 out."""

from pathlib import Path

import pandas as pd

from jndlab.files import read_json
from jndlab.papers.iqnet.ablations import ABLATIONS, FRAME, in_words, plot_ablation, summary
from jndlab.report.style import figure_style, save_figure
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    numbers = pd.read_csv(given.numbers)
    table = summary(numbers)
    stem = stems(snakemake.output)
    pictures = numbers.loc[numbers["picture"] != FRAME, "picture"].nunique()
    caption = (
        f"IQNet's ablations, codec {params.codec}, all intra, QP {params.qp}: means over "
        f"{pictures} training pictures with 95 % intervals over their sources; Fig. 10 and 11 "
        f"at alpha {params.alpha:g}. difference: to the first variant, by picture; effect: whether "
        "it is shown, of all comparisons of the table."
    )
    write_table(table, stem["ablations"], formats=("csv",))
    write_table(in_words(table), stem["ablations"], formats=("md", "tex", "html"), caption=caption)
    write_table(numbers, stem["ablation_pictures"], formats=("csv",))
    metadata = read_json(given.scenes)
    rule = pd.DataFrame([{"variant": name, **row} for name, row in metadata["mae_rule"].items()])
    caption = "The MAE rule in the whole data set: patches whose alpha it changes, by reading."
    write_table(rule, stem["mae_rule"], caption=caption)
    with figure_style():
        for name, scene in metadata["scenes"].items():
            note = f"codec {params.codec}, QP {params.qp}"
            if "ours" in ABLATIONS[name].variants:
                note += f", alpha {params.alpha:g}"
            folder = Path(given.pictures)
            figure = plot_ablation(name, numbers, table, scene, params.qp, folder, note)
            shown = numbers[numbers["variant"].isin(["source", *ABLATIONS[name].variants])]
            save_figure(figure, shown, stem[name])


run(main, snakemake)
