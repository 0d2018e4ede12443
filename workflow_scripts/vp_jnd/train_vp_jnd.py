"""Pictures with labels and a split in; a trained classifier out."""

from pathlib import Path

from jndlab.codecs.stills.store import StillStore
from jndlab.datasets.jnd_labels import read_labels
from jndlab.datasets.pictures.picture_list import load_picture, read_list
from jndlab.datasets.splits import read_splits
from jndlab.papers.vp_jnd.held_out import picture_choice
from jndlab.papers.vp_jnd.labels import pw_jnds
from jndlab.papers.vp_jnd.measures import VMAF, read_measures
from jndlab.papers.vp_jnd.pictures import still_codec_for
from jndlab.papers.vp_jnd.training import train_classifier
from jndlab.training.samplers.coded_pairs import LabelledPicture
from jndops.adapter import run
from jndops.mlflow.server_run import server_run


def main(snakemake) -> None:
    given, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    records = {record.name: record for record in read_list(given.table)}
    codec = still_codec_for(picture_choice(params.entry, params.folder), list(records.values()))
    labels = pw_jnds(read_labels(given.labels, levels=1), codec)
    subsets = {split.name: split.subsets for split in read_splits(given.splits)}[wildcards.split]

    measures = read_measures(given.measures, given.pixel_jnd)

    def labelled(subset: str) -> list[LabelledPicture]:
        return [
            LabelledPicture(
                name,
                load_picture(given.pictures, records[name]),
                labels[name],
                measures[name].scores[VMAF] if measures else None,
            )
            for name in subsets[subset]
        ]

    names = (wildcards.network, wildcards.data, wildcards.split, f"seed{wildcards.seed}")
    name = "_".join(names)
    with server_run(name, params) as on_metrics:
        train_classifier(
            params.architecture,
            params.network,
            params.training,
            labelled("train"),
            labelled("val"),
            codec,
            StillStore(params.store),
            Path(snakemake.output.model).parent,
            seed=int(wildcards.seed),
            source=params.entry["source"],
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
