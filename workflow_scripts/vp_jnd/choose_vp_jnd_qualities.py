"""Held-out pictures and models in; the quality chosen for each (JSON) out."""

from jndlab.codecs.stills.store import StillStore
from jndlab.datasets.pictures.picture_list import load_picture, read_list
from jndlab.datasets.splits import read_splits
from jndlab.files import sha256_of, write_json
from jndlab.papers.vp_jnd.baselines import choices_of_split, load_choice
from jndlab.papers.vp_jnd.held_out import picture_choice
from jndlab.papers.vp_jnd.pictures import still_codec_for
from jndops.adapter import run


def main(snakemake) -> None:
    given, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    records = {record.name: record for record in read_list(given.table)}
    codec = still_codec_for(picture_choice(params.entry, params.folder), list(records.values()))
    subsets = {split.name: split.subsets for split in read_splits(given.splits)}[wildcards.split]
    choice = load_choice(
        params.target, params.options, codec, params.store, threads=snakemake.threads
    )
    chosen = choices_of_split(
        wildcards.method,
        choice,
        {name: load_picture(given.pictures, records[name]) for name in subsets["test"]},
        codec,
        StillStore(params.store),
        params.evaluate_every,
    )
    models = [sha256_of(path) for path in given.models]
    seed = int(wildcards.seed) if params.trained else None
    write_json(snakemake.output.choices, {**chosen, "seed": seed, "models_sha256": models})


run(main, snakemake)
