"""Adapter of rule list_jnd_frames."""

import logging

from jndlab.datasets.jnd_frames.config import FrameChoice
from jndlab.datasets.jnd_frames.records import write_frames, write_records
from jndlab.datasets.jnd_frames.sources import find_frames
from jndops.adapter import run


def main(snakemake) -> None:
    logging.captureWarnings(True)
    params, output = snakemake.params, snakemake.output
    choice = FrameChoice(folder=params.folder, **params.choice)
    records = write_frames(output.frames, find_frames(choice), choice.size)
    sources = {record.source for record in records}
    logging.info("%d frames of %d sources", len(records), len(sources))
    write_records(output.table, records)


run(main, snakemake)
