"""A clip of MCL-JCV, with labels or without, in; labelled blocks (NPZ) out."""

from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.papers.bl_juniper.mcl_jcv import labelled_clip
from jndlab.training.samplers.block_files import write_blocks
from jndops.adapter import run


def main(snakemake) -> None:
    params, labels = snakemake.params, snakemake.input.get("labels")
    content = labelled_clip(
        params.folder,
        snakemake.wildcards.source,
        BlockMappingOptions(**params.mapping),
        labels=labels or None,
        statistic=params.statistic,
    )
    write_blocks(snakemake.output.blocks, content)


run(main, snakemake)
