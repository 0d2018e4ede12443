"""Adapter of rule keep_config."""

from pathlib import Path

from jndlab.files import write_json
from jndops.adapter import run


def main(snakemake, log: Path) -> None:
    write_json(snakemake.output.config, snakemake.params.effective)


run(main, snakemake)  # noqa: F821
