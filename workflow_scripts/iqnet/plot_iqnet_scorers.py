"""Scores over QP and alpha in; the table and figure of what the scorers follow out."""

from jndlab.files import read_parquet
from jndlab.papers.iqnet.config import SelectionOptions
from jndlab.papers.iqnet.scorer_study import (
    alphas_by_qp,
    mean_changes,
    plot_scorers,
    scorer_table,
    selection_by_scorer,
)
from jndlab.report.style import figure_style, save_figure
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params = snakemake.params
    scores, stem = read_parquet(snakemake.input.scores), stems(snakemake.output)
    selection = selection_by_scorer(SelectionOptions(**params.selection))
    title = (
        f"Scores of {scores['picture'].nunique()} pictures, {params.codec}, all intra, "
        f"base QP {params.qp}"
    )
    write_table(scorer_table(scores, params.qp, selection), stem["scorers"], caption=title + ".")
    with figure_style():
        changes = mean_changes(scores, params.qp)
        figure = plot_scorers(changes, alphas_by_qp(scores, selection), title)
        save_figure(figure, changes, stem["scorers_over_qp"])


run(main, snakemake)
