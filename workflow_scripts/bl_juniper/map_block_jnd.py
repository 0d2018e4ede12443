"""A clip in; JND levels of the clip (CSV) and of its blocks (NPZ) out."""

from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.datasets.jnd_labels import labels_from_values, write_labels
from jndlab.files import read_json
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.maps import write_block_maps
from jndlab.media.clip import clip_from_text
from jndlab.papers.bl_juniper.mapping import first_frames, map_clip
from jndlab.quality.quality_sweeps import labels_of, search_clip, write_sweeps
from jndlab.quality.vmaf_steps import LABEL_KIND
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    prepared = read_json(snakemake.input.metadata, "samples_sha256")
    params, output, name = snakemake.params, snakemake.output, snakemake.wildcards.sequence
    source, clip = Path(snakemake.input.clip), clip_from_text(params.clip)
    codec, labels = get_codec(params.codec), params.labels
    with (
        scratch(snakemake) as folder,
        first_frames(source, clip, labels["frames"], folder) as (path, short),
    ):
        how = codec, labels["configuration"]
        lowest, highest = labels["qps"]
        qps = range(lowest, highest + 1)
        sweep = search_clip(name, path, short, *how, qps, work_dir=folder)
        levels = labels_of([sweep])[name]
        maps = map_clip(
            path,
            short,
            levels,
            *how,
            params.every,
            BlockMappingOptions(**params.mapping),
            folder,
            provenance={
                "stage": "jnd mapping",
                "labels": LABEL_KIND,
                "video_jnd": levels,
                "codec": labels,
                "mapping": params.mapping,
                "source_sha256": prepared["samples_sha256"],
            },
        )
    table = labels_from_values({name: levels}, "QP", LABEL_KIND, "steps", name)
    write_labels(output.video_jnd, table)
    write_sweeps(output.sweep, [sweep])
    write_block_maps(output.maps, maps)


run(main, snakemake)
