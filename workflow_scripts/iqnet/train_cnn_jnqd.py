"""Sources and LR-JNQD targets in; a trained CNN-JNQD out."""

from pathlib import Path
from types import SimpleNamespace

from jndlab.papers.iqnet.training import train_cnn_jnqd
from jndops.adapter import run
from jndops.mlflow.server_run import server_run


def main(snakemake) -> None:
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    shown = SimpleNamespace(training={**params.training, "seed": seed})
    name = f"cnn_jnqd_qp{snakemake.wildcards.qp}_seed{seed}"
    with server_run(name, shown) as on_metrics:
        train_cnn_jnqd(
            Path(snakemake.input.sources),
            Path(snakemake.input.targets),
            params.training,
            params.conditions,
            Path(snakemake.output.model).parent,
            seed,
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
