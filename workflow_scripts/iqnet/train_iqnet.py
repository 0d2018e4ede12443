"""Sources and selected targets in; a trained IQNet out."""

from pathlib import Path
from types import SimpleNamespace

from jndlab.papers.iqnet.training import train_iqnet
from jndops.adapter import run
from jndops.mlflow.server_run import server_run


def main(snakemake) -> None:
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    shown = SimpleNamespace(network=params.network, training={**params.training, "seed": seed})
    with server_run(f"iqnet_seed{seed}", shown) as on_metrics:
        train_iqnet(
            Path(snakemake.input.sources),
            Path(snakemake.input.targets),
            params.network,
            params.training,
            params.conditions,
            Path(snakemake.output.model).parent,
            seed,
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
