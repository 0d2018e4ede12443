"""The list of pictures in; decoded candidates of one share at each alpha (NPZ) out."""

import os
import time
from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.datasets.pictures.crops import load_crop
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.files import write_json
from jndlab.papers.iqnet.candidates import (
    CandidateOptions,
    batch_of,
    make_candidates,
    write_candidates,
)
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    params = snakemake.params
    options, codec = CandidateOptions(**params.candidates), get_codec(params.codec)
    listed = read_list(snakemake.input.pictures)
    pictures = batch_of(listed, int(snakemake.wildcards.batch), params.jobs)
    started = time.monotonic()
    with scratch(snakemake) as work_dir:
        write_candidates(
            snakemake.output.candidates,
            (
                make_candidates(
                    picture.name,
                    load_crop(picture, params.folder),
                    options,
                    codec,
                    work_dir,
                    Path(snakemake.log[0]),
                )
                for picture in pictures
            ),
        )
    metadata = {
        "pictures": [picture.name for picture in pictures],
        "candidates": params.candidates,
        "recipe": codec.recipe("AI", options.qp),
        "wall_seconds": round(time.monotonic() - started, 2),
        "cpu_seconds": round(sum(os.times()[:4]), 2),  # with the encoders' and the start of Python
    }
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
