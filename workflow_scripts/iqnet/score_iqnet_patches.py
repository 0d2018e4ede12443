"""Candidates of all shares in; scores and errors of all patches (Parquet) out."""

import time

import torch

from jndlab.files import atomic_path, write_json
from jndlab.models.nima_mobilenet import open_scorer
from jndlab.papers.iqnet.candidates import read_candidates
from jndlab.papers.iqnet.training_data import score_patches
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    torch.set_num_threads(snakemake.threads)
    scorer = open_scorer(**params.scorer)
    started = time.monotonic()
    candidates = read_candidates(snakemake.input.candidates)
    scores = score_patches(candidates, params.alphas, scorer, params.patch)
    with atomic_path(snakemake.output.scores) as part:
        scores.to_parquet(part, index=False)
    metadata = {
        **scorer.metadata,
        "patches_scored": len(scores),
        "wall_seconds": round(time.monotonic() - started, 2),
    }
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
