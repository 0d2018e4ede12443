"""Candidates of all shares in; scores and errors of all patches (Parquet) out."""

import time

import torch

from jndlab.files import write_json
from jndlab.models.nima_mobilenet import open_scorer
from jndlab.papers.iqnet.training_data import write_scores
from jndops.adapter import run


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    torch.set_num_threads(snakemake.threads)
    scorer = open_scorer(**params.scorer)
    started = time.monotonic()
    of = params.alphas, scorer, params.patch, params.code
    metadata = {
        **scorer.metadata,
        "patches_scored": write_scores(output.scores, snakemake.input.candidates, *of),
        "wall_seconds": round(time.monotonic() - started, 2),
    }
    write_json(output.metadata, metadata)


run(main, snakemake)
