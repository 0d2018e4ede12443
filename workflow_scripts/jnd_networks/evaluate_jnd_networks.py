"""Labelled frames and networks in; predictions, costs and a figure of pictures out."""

from pathlib import Path

from jndlab.datasets.jnd_frames.coding import read_psnr
from jndlab.datasets.jnd_frames.folder import read_sets
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.files import write_csv
from jndlab.papers.jnd_networks.baselines import features_of
from jndlab.papers.jnd_networks.costs import COLUMNS, costs_of
from jndlab.papers.jnd_networks.pictures import plot_attention, plot_reconstructions
from jndlab.papers.jnd_networks.predictions import predict, write_predictions
from jndlab.papers.jnd_networks.reconstructions import COLUMNS as MADE
from jndlab.papers.jnd_networks.reconstructions import makes_pictures, reconstruct
from jndlab.papers.jnd_networks.stages import Run, Stage
from jndops.adapter import run


def main(snakemake) -> None:
    given, output = snakemake.input, snakemake.output
    (figure,) = output.pictures
    stages = {name: Stage(**options) for name, options in snakemake.params.stages.items()}
    runs = [Run(*one) for one in snakemake.params.runs]
    sets = read_sets(given.frames, given.pictures, given.table, given.labels, given.splits)
    psnr = read_psnr(given.coded)
    features = features_of(sets[0], read_list(given.table), snakemake.params.folder)
    models, weights, summaries = (
        {Path(path).parent.name: path for path in paths}
        for paths in (given.models, given.weights, given.trainings)
    )
    places = [(name, one) for name, stage in stages.items() for one in _runs(stage, runs)]
    by_run = {(n, one): models[one.folder(n) if one else n] for n, one in places}
    predictors = {place: path for place, path in by_run.items() if stages[place[0]].predicts}
    asked = {"subsets": snakemake.params.subsets, "threads": snakemake.threads}
    write_predictions(
        output.predictions, predict(sets, stages, predictors, features, psnr, **asked)
    )
    first = {n: runs[0].folder(n) if stage.trained else n for n, stage in stages.items()}
    of_first = {n: weights[first[n]] for n, stage in stages.items() if stage.predicts}
    of_training = {n: summaries[first[n]] for n, stage in stages.items() if stage.trained}
    write_csv(output.costs, costs_of(stages, of_first, of_training), COLUMNS)
    write_csv(output.reconstructions, map(vars, reconstruct(sets, stages, by_run)), MADE)
    if snakemake.wildcards.paper == "laser_jnd":
        making = {n: models[first[n]] for n, stage in stages.items() if _shown(stage)}
        plot_reconstructions(sets[0], making, figure)
    else:
        attending = {n: path for n, path in of_first.items() if _attends(stages[n])}
        plot_attention(sets[0], attending, given.saliency, figure)


def _runs(stage: Stage, runs: list[Run]) -> list[Run] | list[None]:
    return runs if stage.trained else [None]


def _shown(stage: Stage) -> bool:
    """Whether it makes the frame at one JND, and is of no variant."""
    return makes_pictures(stage) and bool(stage.target_level or stage.levels) and not stage.variant


def _attends(stage: Stage) -> bool:
    return not stage.variant and stage.network.endswith("_va")


run(main, snakemake)
