"""Codings of the experiment in; tables of gains and of what they show out."""

from itertools import product

import pandas as pd

from jndlab.datasets.jnd_labels import read_labels
from jndlab.papers.bl_juniper import experiment
from jndlab.papers.bl_juniper.experiment_codings import Codings
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params, stem = snakemake.input, snakemake.params, stems(snakemake.output)
    places = product(params.configurations, params.sequences)
    gains = pd.concat(
        experiment.gains_of(sequence, configuration, Codings.read(path))
        for (configuration, sequence), path in zip(places, given.codings, strict=True)
    )
    jnd3 = {
        name: read_labels(path).values([name])[0, 2]
        for name, path in zip(params.sequences, given.video_jnd, strict=True)
    }
    write_table(
        experiment.gain_table(gains),
        stem["experiment"],
        caption=experiment.gain_caption(gains),
    )
    write_table(
        experiment.answers(gains, jnd3, params.method),
        stem["experiment_answers"],
        caption=experiment.answer_caption(gains),
    )


run(main, snakemake)
