"""Candidates in; scores and errors of all patches by one scorer of the readings (Parquet) out."""

import torch

from jndlab.files import atomic_path
from jndlab.models.nima_mobilenet import open_scorer
from jndlab.papers.iqnet.candidates import read_candidates
from jndlab.papers.iqnet.training_data import score_patches
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    torch.set_num_threads(snakemake.threads)
    scorer, candidates = open_scorer(**params.scorer), read_candidates(snakemake.input.candidates)
    scores = score_patches(candidates, params.alphas, scorer, params.patch)
    with atomic_path(snakemake.output.scores) as part:
        scores.to_parquet(part, index=False)


run(main, snakemake)
