"""A clip and the block JNDs that stage 1 made of its own in; labelled blocks (NPZ) out."""

from pathlib import Path

from jndlab.datasets.jnd_labels import read_labels
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.maps import read_block_maps
from jndlab.media.clip import clip_from_text
from jndlab.papers.bl_juniper.mapping import labelled_sequence
from jndlab.training.samplers.block_files import write_blocks
from jndops.adapter import run


def main(snakemake) -> None:
    params, given = snakemake.params, snakemake.input
    clip = clip_from_text(params.clip)
    maps = read_block_maps(given.maps, "block_jnd", width=clip.width, height=clip.height)
    labels = read_labels(given.video_jnd, order="warn")
    options = BlockMappingOptions(**params.mapping)
    content = labelled_sequence(Path(given.clip), clip, maps, labels, params.every, options)
    write_blocks(snakemake.output.blocks, content)


run(main, snakemake)
