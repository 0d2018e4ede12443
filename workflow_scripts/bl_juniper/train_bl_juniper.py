"""Labelled blocks in; the trained network of one JND level out."""

from pathlib import Path
from types import SimpleNamespace

from jndlab.papers.bl_juniper.training import train_bl_juniper
from jndops.adapter import run
from jndops.mlflow.server_run import server_run


def main(snakemake) -> None:
    level, seed = int(snakemake.wildcards.level), int(snakemake.wildcards.seed)
    params = snakemake.params
    shown = SimpleNamespace(training={**params.training, "seed": seed}, data=params.data)
    with server_run(f"bl_juniper_jnd{level}_seed{seed}", shown) as on_metrics:
        train_bl_juniper(
            [Path(path) for path in snakemake.input.blocks],
            level,
            params.training,
            params.data,
            Path(snakemake.output.model).parent,
            seed,
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
