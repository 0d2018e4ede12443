"""A clip of MCL-JCV, with labels or without, in; labelled blocks (NPZ) out."""

from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.papers.bl_juniper.mcl_jcv import labelled_clip
from jndlab.training.samplers.block_files import write_blocks
from jndops.adapter import run


def main(snakemake) -> None:
    params, given = snakemake.params, snakemake.input
    content = labelled_clip(
        params.folder,
        snakemake.wildcards.source,
        BlockMappingOptions(**params.mapping),
        labels=given.get("labels") or None,
        video_table=given.get("video_jnd") or None,
        statistic=params.statistic,
    )
    write_blocks(snakemake.output.blocks, content)


run(main, snakemake)
