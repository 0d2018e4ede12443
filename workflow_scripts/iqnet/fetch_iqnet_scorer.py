"""The name of a scorer in; its weights in the cache and its metadata (JSON) out."""

import numpy as np

from jndlab.files import write_json
from jndlab.models.nima_mobilenet import open_scorer
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    scorer, side = open_scorer(**params.scorer, device="cpu"), params.patch
    ramp = np.broadcast_to(np.arange(side, dtype=np.uint8)[:, np.newaxis], (2, side, side))
    metadata = {**scorer.metadata, "score_of_a_ramp": float(scorer.score(ramp)[0])}
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
