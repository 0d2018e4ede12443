"""The effective configuration in; a JSON file out."""

from jndlab.files import write_json
from jndops.adapter import run


def main(snakemake) -> None:
    write_json(snakemake.output.config, snakemake.params.effective)


run(main, snakemake)
