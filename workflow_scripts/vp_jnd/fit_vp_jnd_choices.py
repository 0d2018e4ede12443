"""Measured pictures, labels and splits in; fitted baselines of each split (JSON) out."""

from jndlab.codecs.stills.base import get_still_codec
from jndlab.datasets.jnd_labels import read_labels
from jndlab.datasets.splits import read_splits
from jndlab.files import write_json
from jndlab.papers.vp_jnd.baselines import fit_baselines
from jndlab.papers.vp_jnd.labels import pw_jnds
from jndlab.papers.vp_jnd.measures import read_measures
from jndops.adapter import run


def main(snakemake) -> None:
    given = snakemake.input
    measures = read_measures(given.measures, given.pixel_jnd)
    codec = get_still_codec(snakemake.params.codec)
    labels = pw_jnds(read_labels(given.labels, levels=1), codec)
    fitted = {
        split.name: fit_baselines(
            measures, labels, [*split.subsets["train"], *split.subsets["val"]]
        )
        for split in read_splits(given.splits)
    }
    write_json(snakemake.output.fitted, fitted)


run(main, snakemake)
