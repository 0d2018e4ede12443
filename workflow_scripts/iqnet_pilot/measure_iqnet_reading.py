"""Clips and a network in; bits and quality of the filtered clips, coded all intra (CSV), out."""

from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.files import write_csv
from jndlab.media.clip import clip_from_text
from jndlab.papers.iqnet.readings import measure_network
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    params, sources = snakemake.params, map(Path, snakemake.input.clips)
    clips = {
        source.stem: (source, clip_from_text(clip))
        for source, clip in zip(sources, params.clips, strict=True)
    }
    model = next(iter(snakemake.input.model), None)
    with scratch(snakemake) as work_dir:
        codec = get_codec(params.codec)
        rows = measure_network(model and Path(model), clips, codec, params.qps, work_dir)
    write_csv(snakemake.output.numbers, rows)


run(main, snakemake)
