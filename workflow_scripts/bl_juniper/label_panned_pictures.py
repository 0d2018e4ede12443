"""Packaged pictures in; synthetic pans as labelled blocks (NPZ), labels and sweeps out."""

from jndlab.codecs import get_codec
from jndlab.datasets.jnd_labels import write_labels
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.papers.bl_juniper.pictures import label_pictures, panned_pictures
from jndlab.quality.quality_sweeps import write_sweeps
from jndlab.training.samplers.block_files import write_blocks
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    data, output = snakemake.params.data, snakemake.output
    names = "pictures", "crops_per_picture", "crop", "seed"
    pictures = panned_pictures(*(data[name] for name in names))
    options = BlockMappingOptions(**snakemake.params.mapping)
    with scratch(snakemake) as folder:
        codec = get_codec(snakemake.params.codec)
        made = label_pictures(pictures, codec, options, folder, threads=snakemake.threads)
    write_labels(output.labels, made.labels)
    write_sweeps(output.sweeps, made.sweeps)
    write_blocks(output.blocks, made.content)


run(main, snakemake)
