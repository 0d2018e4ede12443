"""Training pictures (PNG) in; the same filtered by LR-JNQD out."""

from pathlib import Path

import numpy as np
from PIL import Image

from jndlab.files import atomic_path
from jndlab.jnd.lr_jnqd import LrJnqdPrefilter
from jndops.adapter import run


def main(snakemake) -> None:
    prefilter, qp = LrJnqdPrefilter(), int(snakemake.wildcards.qp)
    for source in sorted(Path(snakemake.input.sources).glob("*.png")):
        luma = np.asarray(Image.open(source))  # the data set's pictures are 8-bit luma
        with atomic_path(Path(snakemake.output.targets) / source.name) as part:
            Image.fromarray(prefilter.filter_luma(luma.copy(), 8, qp)).save(part)


run(main, snakemake)
