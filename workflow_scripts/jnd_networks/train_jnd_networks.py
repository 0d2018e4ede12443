"""Labelled frames and initial weights in; all networks of a paper, trained on a split, out."""

from pathlib import Path
from types import SimpleNamespace

from jndlab.datasets.jnd_frames.folder import read_sets
from jndlab.papers.jnd_networks.stages import Run, Stage
from jndlab.papers.jnd_networks.training import train_stage
from jndlab.quality.quality_sweeps import read_falls
from jndops.adapter import run
from jndops.mlflow.server_run import server_run


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    split, folder = snakemake.wildcards.split, Path(snakemake.output[0]).parents[1]
    curves = read_falls(given.sweeps, params.step) if given.sweeps else None
    sets = read_sets(given.frames, given.pictures, given.table, given.labels, given.splits, curves)
    (frames,) = (one for one in sets if one.split == split)
    for one in (Run(split, seed) for seed in params.seeds):
        for name, options in params.stages.items():  # each after those that it starts from
            stage, training = Stage(**options), params.training[name]
            shown = SimpleNamespace(network=options, training={**training, "seed": one.seed})
            with server_run(f"{params.paper}_{one.folder(name)}", shown) as on_metrics:
                train_stage(
                    stage,
                    frames,
                    training,
                    folder / one.folder(name),
                    conditions={"training_source": params.source, **frames.conditions},
                    seed=one.seed,
                    starts_from=[
                        folder / (one.folder(n) if n in params.stages else n) / "model.pt"
                        for n in stage.starts_from  # trained here, or imported
                    ],
                    saliency=Path(given.saliency) if given.saliency else None,
                    imagenet=Path(given.imagenet) if given.imagenet else None,
                    device="auto" if snakemake.resources.gpu else "cpu",
                    threads=snakemake.threads,
                    on_metrics=on_metrics,
                )


run(main, snakemake)
