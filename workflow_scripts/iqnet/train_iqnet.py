"""Adapter of rule train_iqnet."""

from pathlib import Path

from jndlab.papers.iqnet.training import train_iqnet
from jndops.adapter import run
from jndops.mlflow.live_tracking import live_run, tracked


def main(snakemake) -> None:
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    with live_run("iqnet", outputs["summary"], tracked(snakemake.params)) as on_metrics:
        train_iqnet(
            Path(snakemake.input.sources),
            Path(snakemake.input.targets),
            snakemake.params.network,
            snakemake.params.training,
            outputs,
            outputs["model"].parent / "runs",
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
