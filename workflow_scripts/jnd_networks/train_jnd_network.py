"""Exported frames and starting weights in; a trained stage out."""

from pathlib import Path

from jndlab.datasets.jnd_frames.folder import read_set
from jndlab.papers.jnd_networks.stages import Stage
from jndlab.papers.jnd_networks.training import train_stage
from jndops.adapter import run
from jndops.mlflow.server_run import server_run


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    frames = read_set(given.folder, given.table)
    stage = Stage(**params.network)
    name = f"{snakemake.wildcards.paper}_{stage.name}"
    with server_run(name, params) as on_metrics:
        train_stage(
            stage,
            frames.frames,
            params.training,
            Path(snakemake.output.model).parent,
            conditions={"training_source": params.source, **frames.conditions},
            starts_from=[Path(path) for path in given.starts_from],
            label_means=frames.label_means,
            saliency=Path(given.saliency) if given.saliency else None,
            imagenet=Path(given.imagenet) if given.imagenet else None,
            device="auto" if snakemake.resources.gpu else "cpu",
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
