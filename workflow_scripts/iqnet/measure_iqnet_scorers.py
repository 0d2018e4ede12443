"""Pictures in; scores of their patches, coded at several QPs and alphas (Parquet), out."""

from pathlib import Path

import pandas as pd
import torch

from jndlab.codecs import get_codec
from jndlab.datasets.pictures.crops import load_crop
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.files import atomic_path
from jndlab.models.nima_mobilenet import open_scorer
from jndlab.papers.iqnet.candidates import CandidateOptions
from jndlab.papers.iqnet.scorer_study import readings_of, score_picture, spread_pictures
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    study, given = snakemake.params.study, snakemake.params.inputs
    torch.set_num_threads(snakemake.threads)
    listed, codec = read_list(snakemake.input.pictures), get_codec(given["codec"])
    options = CandidateOptions(study["alphas"], given["filter_options"])
    scorers = {}
    for name, reading in readings_of(given["scorers"]).items():
        nima = {**given["nima"], "size": reading.size, "resampling": reading.resampling}
        scorers[name] = open_scorer(reading.scorer, nima=nima)
    tables = []
    with scratch(snakemake) as work_dir:
        for picture in spread_pictures(listed, study["pictures"]):
            table = score_picture(
                picture.name,
                load_crop(picture, given["folder"]),
                options,
                study["qps"],
                codec,
                scorers,
                study["patches"],
                work_dir,
                Path(snakemake.log[0]),
            )
            tables.append(table)
    with atomic_path(snakemake.output.scores) as part:
        pd.concat(tables, ignore_index=True).to_parquet(part, index=False)


run(main, snakemake)
