"""Candidates and scores in; an IQNet trained by one reading of the rules, with its choice, out."""

from pathlib import Path

from jndlab.datasets.pictures.picture_list import read_list
from jndlab.files import read_parquet, write_json
from jndlab.papers.iqnet.candidates import read_candidates
from jndlab.papers.iqnet.readings import write_reading_pairs
from jndlab.papers.iqnet.training import train_iqnet
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    params, reading = snakemake.params, snakemake.params.reading
    pictures = {picture.name: picture for picture in read_list(snakemake.input.pictures)}
    with scratch(snakemake) as folder:
        statistics = write_reading_pairs(
            read_candidates(snakemake.input.candidates),
            read_parquet(snakemake.input.scores),
            reading["training_data"],
            params.alphas,
            pictures,
            folder,
        )
        train_iqnet(
            folder / "sources",
            folder / "targets",
            reading["network"],
            reading["training"],
            {**params.conditions, "scorer": reading["training_data"]["scorer"]},
            Path(snakemake.output.model).parent,
            params.seed,
            threads=snakemake.threads,
        )
    write_json(snakemake.output.statistics, statistics)


run(main, snakemake)
