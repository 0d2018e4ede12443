"""Packaged pictures in; synthetic pans as labelled blocks (NPZ), labels and sweeps out."""

from jndlab.codecs import get_codec
from jndlab.datasets.jnd_labels import write_labels
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.papers.bl_juniper.pictures import label_pictures, panned_pictures
from jndlab.quality.quality_sweeps import write_sweeps
from jndlab.training.samplers.block_files import write_blocks
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    pictures = panned_pictures(**params.pictures)
    options = BlockMappingOptions(**params.labels["mapping"])
    with scratch(snakemake) as folder:
        codec = get_codec(params.labels["codec"])
        made = label_pictures(pictures, codec, options, folder, threads=snakemake.threads)
    write_labels(output.labels, made.labels)
    write_sweeps(output.sweeps, made.sweeps)
    write_blocks(output.blocks, made.content)


run(main, snakemake)
