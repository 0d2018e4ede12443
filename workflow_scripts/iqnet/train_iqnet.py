"""Sources and selected targets in; a trained IQNet out."""

from pathlib import Path

from jndlab.papers.iqnet.training import train_iqnet
from jndops.adapter import run
from jndops.mlflow.server_run import server_run


def main(snakemake) -> None:
    with server_run("iqnet", snakemake.params) as on_metrics:
        train_iqnet(
            Path(snakemake.input.sources),
            Path(snakemake.input.targets),
            snakemake.params.network,
            snakemake.params.training,
            snakemake.params.conditions,
            Path(snakemake.output.model).parent,
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
