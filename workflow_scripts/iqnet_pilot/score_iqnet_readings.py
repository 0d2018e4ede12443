"""Candidates in; scores and errors of all patches by one scorer of the readings (Parquet) out."""

import torch

from jndlab.models.nima_mobilenet import open_scorer
from jndlab.papers.iqnet.training_data import write_scores
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    torch.set_num_threads(snakemake.threads)
    of = params.alphas, open_scorer(**params.scorer), params.patch, params.code
    write_scores(snakemake.output.scores, snakemake.input.candidates, *of)


run(main, snakemake)
