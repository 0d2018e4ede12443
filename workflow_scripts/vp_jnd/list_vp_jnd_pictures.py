"""A data set in; pictures (PNG) and their records (CSV) out."""

import logging

from jndlab.datasets.pictures.picture_list import write_list
from jndlab.papers.vp_jnd.held_out import picture_choice
from jndlab.papers.vp_jnd.pictures import write_chosen
from jndops.adapter import run


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    choice = picture_choice(params.entry, params.folder)
    records = write_chosen(output.pictures, choice, **params.limits)
    logging.info("%d pictures of %d sources", len(records), len({r.source for r in records}))
    write_list(output.table, records)


run(main, snakemake)
