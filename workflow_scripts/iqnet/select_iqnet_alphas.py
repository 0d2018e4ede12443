"""Candidates and scores in; pairs to train on, alphas, manifest and statistics out."""

from pathlib import Path

from jndlab.datasets.pictures.picture_list import read_list
from jndlab.files import read_parquet, write_csv, write_json
from jndlab.media.clip import evenly_spread
from jndlab.papers.iqnet.candidates import read_candidates
from jndlab.papers.iqnet.config import SelectionOptions
from jndlab.papers.iqnet.contact_sheet import plot_contact_sheet
from jndlab.papers.iqnet.training_data import (
    alpha_histogram,
    choose_alphas,
    selection_readings,
    statistics,
    training_pairs,
    write_pair,
)
from jndlab.report.tables import write_table
from jndops.adapter import run, stems

SHOWN = 8  # pictures of the contact sheet


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    (histogram,), (contact_sheet,) = output.alpha_histogram, output.contact_sheet
    options = SelectionOptions(**params.selection)
    scores = read_parquet(snakemake.input.scores)
    choices = choose_alphas(scores, options)
    pictures = {picture.name: picture for picture in read_list(snakemake.input.pictures)}
    names = list(pictures)
    shown = [names[place] for place in evenly_spread(len(names), SHOWN, first=True)]

    folder, manifest, on_sheet = Path(output.sources).parent, [], []
    candidates = read_candidates(snakemake.input.candidates)
    for pair in training_pairs(candidates, choices, params.alphas, params.patch):
        manifest.append(write_pair(pair, pictures[pair.picture], folder))
        if pair.picture in shown:
            on_sheet.append(pair)
    write_csv(output.manifest, manifest)
    write_csv(output.alphas, choices.round(6).to_dict("records"))
    write_csv(histogram, alpha_histogram(choices, params.alphas).to_dict("records"))
    write_table(
        selection_readings(scores, options),
        stems(output)["selection_readings"],
        caption=f"Readings of the rules of selection, scored by {params.scorer}.",
    )
    metadata = statistics(scores, choices, params.alphas, options)
    write_json(output.statistics, {"scorer": params.scorer, **metadata})
    title = (
        f"IQNet training data: {len(on_sheet)} of {len(manifest)} pictures, "
        f"scored by {params.scorer}"
    )
    plot_contact_sheet(on_sheet, params.alphas, contact_sheet, title)


run(main, snakemake)
