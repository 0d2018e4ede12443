"""Answers of JND searches and their key in; JND samples and labels out."""

from pathlib import Path

from jndlab.datasets.jnd_labels import labels_from_samples, write_labels
from jndlab.report.tables import write_table
from jndlab.subjective.jnd_search import found_levels, read_searches, search_raters, write_samples
from jndlab.subjective.raters import CAPTION as RATERS
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    key = snakemake.input.stimuli
    subjects, samples = read_searches(snakemake.input.ratings, key, params.max_failed_checks)
    raters = search_raters(snakemake.input.ratings, key, subjects)
    write_table(raters, stems(output)["jnd_raters"], caption=RATERS.format("QP of the first JND"))
    write_samples(Path(output.samples).parent, subjects, samples)
    found = found_levels(samples)
    labels = labels_from_samples(found, params.statistic, output.samples, order="warn")
    write_labels(output.labels, labels)


run(main, snakemake)
