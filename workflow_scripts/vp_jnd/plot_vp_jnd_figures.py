"""Choices, labels and pictures of a data set in; the paper's figures out."""

from pathlib import Path

from jndlab.codecs.stills.store import StillStore
from jndlab.datasets.pictures.picture_list import load_picture, read_list
from jndlab.papers.vp_jnd.figures import (
    correlation_figure,
    decision_figure,
    margin_figure,
    saving_figure,
)
from jndlab.papers.vp_jnd.held_out import load_held_out, picture_choice
from jndlab.papers.vp_jnd.picture_figures import (
    look_figure,
    pictures_to_show,
    pixel_jnd_figure,
    weight_figure,
)
from jndlab.papers.vp_jnd.pictures import still_codec_for
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    folder, name = Path(params.folder), snakemake.wildcards.data
    tested = load_held_out(folder, name, params.entry, params.methods)
    records = {record.name: record for record in read_list(given.table)}
    codec = still_codec_for(
        picture_choice(params.entry, params.folder_of_data), [*records.values()]
    )
    held_out = [picture for split in tested.splits for picture in split.subsets["test"]]
    names = pictures_to_show(held_out, tested.labels, params.shown)
    pictures = {picture: load_picture(given.pictures, records[picture]) for picture in names}

    stem = stems(snakemake.output)
    correlation_figure(tested, stem["correlation"])
    saving_figure(tested, stem["saving"], params.labels)
    margin_figure(tested, stem["margins"], params.labels)
    pixel_jnd_figure(pictures, stem["pixel_jnd"])
    look_figure(pictures, tested.labels, codec, StillStore(params.store), stem["look"])
    if params.classifiers:
        decision_figure(tested, names, stem["decisions"], params.labels)
    classified = tested.first_classified()
    for method in params.classifiers:
        weight_figure(
            pictures, classified[method], stem[f"weights_{method}"], params.labels[method]
        )


run(main, snakemake)
