"""Adapter of rule keep_config."""

from pathlib import Path

from jndlab.files import write_json
from jndops.adapter import run


def main(snakemake, log: Path) -> None:
    params = snakemake.params
    write_json(snakemake.output.config, {"config": params.config, "codecs": params.codecs})


run(main, snakemake)  # noqa: F821
