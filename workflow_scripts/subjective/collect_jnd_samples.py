"""Answers of JND searches and their key in; JND samples and labels out."""

from pathlib import Path

from jndlab.datasets.jnd_labels import labels_from_samples, write_labels
from jndlab.subjective.jnd_search import found_levels, read_searches, write_samples
from jndops.adapter import run


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    key = snakemake.input.stimuli
    subjects, samples = read_searches(snakemake.input.ratings, key, params.max_failed_checks)
    write_samples(Path(output.samples).parent, subjects, samples)
    found = found_levels(samples)
    labels = labels_from_samples(found, params.statistic, output.samples, order="warn")
    write_labels(output.labels, labels)


run(main, snakemake)
