"""A clip, and JNDs of people where there are, in; JNDs of it (CSV) and of its blocks (NPZ) out."""

from pathlib import Path

import numpy as np

from jndlab.codecs import get_codec
from jndlab.datasets.jnd_labels import JndLabels, labels_from_values, read_labels, write_labels
from jndlab.errors import UserError
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
        table = _of_people(snakemake.input.labels, name)
        sweeps = []
        if table is None:
            sweeps = [search_clip(name, path, short, *how, qps, work_dir=folder)]
            levels = labels_of(sweeps)[name]
            table = labels_from_values({name: levels}, "QP", LABEL_KIND, "steps", name)
        levels = [int(np.floor(value + 0.5)) for value in table.values()[0]]
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
                "labels": table.kind,
                "video_jnd": levels,
                "codec": labels,
                "mapping": params.mapping,
                "source_sha256": prepared["samples_sha256"],
            },
        )
    write_labels(output.video_jnd, table)
    write_sweeps(output.sweep, sweeps)
    write_block_maps(output.maps, maps)


def _of_people(path: str | None, name: str) -> JndLabels | None:
    """Labels of a sequence in a table of one's own; None where there are none."""
    if not path:
        return None
    table = read_labels(path, order="warn")
    if name not in table.sources:
        return None
    if table.unit != "QP":
        raise UserError(
            "JNDs of clips are no QPs.", where=path, expected=f"the unit QP, found {table.unit}"
        )
    return table.only([name])


run(main, snakemake)
