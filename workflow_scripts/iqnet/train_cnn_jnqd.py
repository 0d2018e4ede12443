"""Sources and LR-JNQD targets in; a trained CNN-JNQD out."""

from pathlib import Path

from jndlab.papers.iqnet.training import train_cnn_jnqd
from jndops.adapter import run
from jndops.mlflow.server_run import server_run


def main(snakemake) -> None:
    name = f"cnn_jnqd_qp{snakemake.wildcards.qp}"
    with server_run(name, snakemake.params) as on_metrics:
        train_cnn_jnqd(
            Path(snakemake.input.sources),
            Path(snakemake.input.targets),
            snakemake.params.training,
            snakemake.params.conditions,
            Path(snakemake.output.model).parent,
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
