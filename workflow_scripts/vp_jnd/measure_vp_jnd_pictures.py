"""A share of the pictures in; bytes, SSIM, VMAF NEG by quality and mean pixel JND out."""

import logging

from jndlab.codecs.stills.store import StillStore
from jndlab.datasets.pictures.picture_list import load_picture, read_list
from jndlab.papers.vp_jnd.held_out import picture_choice
from jndlab.papers.vp_jnd.measures import measure_picture, write_measures
from jndlab.papers.vp_jnd.pictures import still_codec_for
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    records = read_list(given.table)
    codec = still_codec_for(picture_choice(params.entry, params.folder), records)
    store = StillStore(params.store)
    measures = []
    with scratch(snakemake) as work_dir:
        for record in records[int(snakemake.wildcards.batch) :: params.jobs]:
            picture = load_picture(given.pictures, record)
            measures.append(measure_picture(record.name, picture, codec, store, work_dir))
            logging.info("%s coded at %d qualities", record.name, len(codec.qualities))
    write_measures(snakemake.output.measures, snakemake.output.pixel_jnd, measures)


run(main, snakemake)
