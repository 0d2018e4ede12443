"""Training pictures (PNG) in; the same filtered by LR-JNQD out."""

from pathlib import Path

from jndlab.jnd.lr_jnqd import LrJnqdPrefilter
from jndlab.media.pictures import read_luma, write_png
from jndops.adapter import run


def main(snakemake) -> None:
    prefilter, qp = LrJnqdPrefilter(), int(snakemake.wildcards.qp)
    for source in sorted(Path(snakemake.input.sources).glob("*.png")):
        luma = read_luma(source)  # the data set's pictures are 8-bit luma
        target = Path(snakemake.output.targets) / source.name
        write_png(target, prefilter.filter_luma(luma.copy(), 8, qp))


run(main, snakemake)
