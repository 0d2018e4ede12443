"""Labelled frames and networks in; predictions, costs and a figure of pictures out."""

from pathlib import Path

from jndlab.datasets.jnd_frames.coding import read_psnr
from jndlab.datasets.jnd_frames.folder import read_set
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.files import write_csv
from jndlab.papers.jnd_networks.costs import COLUMNS, costs_of
from jndlab.papers.jnd_networks.pictures import draw_attention, draw_reconstructions
from jndlab.papers.jnd_networks.predictions import (
    features_of,
    predict_by_baselines,
    predict_by_networks,
    write_predictions,
)
from jndlab.papers.jnd_networks.stages import Stage
from jndops.adapter import run


def main(snakemake) -> None:
    given, output = snakemake.input, snakemake.output
    (figure,) = output.pictures
    stages = {name: Stage(**metadata) for name, metadata in snakemake.params.stages.items()}
    frames, psnr = read_set(given.folder, given.table), read_psnr(given.coded)
    models, weights, summaries = (
        {Path(path).parent.name: path for path in paths}
        for paths in (given.models, given.weights, given.trainings)
    )
    predictors = {name: path for name, path in models.items() if stages[name].predicts}
    features = features_of(frames, read_list(given.records), snakemake.params.folder)
    rows = [
        *predict_by_networks(predictors, stages, frames, psnr),
        *predict_by_baselines(frames, features, psnr),
    ]
    write_predictions(output.predictions, rows)
    write_csv(output.costs, costs_of(stages, weights, summaries), COLUMNS)
    if snakemake.wildcards.paper == "laser_jnd":
        making = {n: p for n, p in models.items() if _reconstructs(stages[n])}
        draw_reconstructions(frames, making, figure)
    else:
        attending = {n: p for n, p in weights.items() if _attends(stages[n])}
        draw_attention(frames, attending, given.saliency, figure)


def _reconstructs(stage: Stage) -> bool:
    """Whether its ONNX file makes the frame at one JND (E2E-LAT's decoder is left out there)."""
    return not stage.variant and (stage.target_level is not None or stage.network == "e2e_rec")


def _attends(stage: Stage) -> bool:
    return not stage.variant and stage.network.endswith("_va")


run(main, snakemake)
