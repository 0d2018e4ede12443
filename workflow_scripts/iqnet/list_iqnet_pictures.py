"""Picture files in; the list of training pictures with hashes (CSV) out."""

import logging

from jndlab.datasets.pictures.crops import list_crops
from jndlab.datasets.pictures.picture_list import write_list
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    pictures = list_crops(folder=params.folder, **params.source)
    logging.info("%d pictures", len(pictures))
    write_list(snakemake.output.pictures, pictures)


run(main, snakemake)
