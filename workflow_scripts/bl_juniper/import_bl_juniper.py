"""The authors' weights and labelled blocks in; a network (ONNX, torch) out."""

from pathlib import Path

from jndlab.papers.bl_juniper.training import import_bl_juniper
from jndops.adapter import run


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    import_bl_juniper(
        Path(given.weights),
        [Path(path) for path in given.blocks],
        int(snakemake.wildcards.level),
        params.training,
        params.data,
        Path(snakemake.output.model).parent,
    )


run(main, snakemake)
