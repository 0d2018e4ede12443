"""Adapter of rule train_cnn_jnqd."""

from pathlib import Path

from jndlab.papers.iqnet.training import train_cnn_jnqd
from jndops.adapter import run
from jndops.mlflow.live_tracking import live_run, tracked


def main(snakemake) -> None:
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    name = f"cnn_jnqd_qp{snakemake.wildcards.qp}"
    with live_run(name, outputs["summary"], tracked(snakemake.params)) as on_metrics:
        train_cnn_jnqd(
            Path(snakemake.input.sources),
            Path(snakemake.input.targets),
            snakemake.params.training,
            outputs,
            outputs["model"].parent / "runs" / f"qp{snakemake.wildcards.qp}",
            threads=snakemake.threads,
            on_metrics=on_metrics,
        )


run(main, snakemake)
