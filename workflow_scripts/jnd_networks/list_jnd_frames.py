"""A data set in; frames of one size (PNG) and their records (CSV) out."""

import logging

from jndlab.datasets.jnd_frames.config import FrameChoice
from jndlab.datasets.jnd_frames.sources import find_frames
from jndlab.datasets.pictures.picture_list import write_list, write_pictures
from jndops.adapter import run


def main(snakemake) -> None:
    logging.captureWarnings(True)
    params, output = snakemake.params, snakemake.output
    choice = FrameChoice(folder=params.folder, **params.choice["keys"])
    records = write_pictures(output.frames, find_frames(choice, params.choice["most"]), choice.size)
    sources = {record.source for record in records}
    logging.info("%d frames of %d sources", len(records), len(sources))
    write_list(output.table, records)


run(main, snakemake)
