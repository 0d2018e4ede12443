"""The name of a scorer in; its weights in the cache and its metadata (JSON) out."""

import numpy as np

from jndlab.files import write_json
from jndlab.quality.no_reference import PyiqaScorer
from jndops.adapter import run


def main(snakemake) -> None:
    scorer = PyiqaScorer(snakemake.params.scorer, device="cpu")
    side = snakemake.params.patch
    ramp = np.broadcast_to(np.arange(side, dtype=np.uint8)[:, np.newaxis], (2, side, side))
    metadata = {
        "scorer": scorer.name,
        "pyiqa_version": scorer.version,
        "negated": scorer.lower_is_better,
        "score_of_a_ramp": float(scorer.score(ramp)[0]),
    }
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
