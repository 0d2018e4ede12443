"""The name or file of a frequency weighting in; the weights (CSV) and Fig. 4 out."""

from jndlab.jnd.erjnd import frequency_weights
from jndlab.papers.iqnet.weights_figure import plot_weights, weights_table
from jndlab.report.style import figure_style, save_figure
from jndops.adapter import run, stems


def main(snakemake) -> None:
    weighting = snakemake.params.weighting
    weights = frequency_weights(weighting)
    with figure_style():
        figure = plot_weights(weights, weighting)
        save_figure(figure, weights_table(weights), stems(snakemake.output)["fig04_weights"])


run(main, snakemake)
