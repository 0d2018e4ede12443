"""A source and a stream in; an RD point (JSON) and the metrics of its frames (CSV) out."""

from pathlib import Path

from jndlab.files import read_json, write_csv, write_json
from jndlab.media.clip import clip_from_text
from jndlab.paths import ROOT
from jndlab.quality.full_reference import measure
from jndlab.quality.rd_point import PointKey, frame_rows, rd_point, read_encoded, require_stream
from jndops.adapter import run, scratch
from jndops.run_record import suite


def main(snakemake) -> None:
    clip = clip_from_text(snakemake.params.clip)
    encode = read_encoded(snakemake.input.encode)
    require_stream(snakemake.input.stream, encode)
    with scratch(snakemake) as work_dir:
        measured = measure(
            Path(snakemake.input.source),
            Path(snakemake.input.stream),
            clip,
            work_dir=work_dir,
            threads=snakemake.threads,
            columns=snakemake.params.columns,
        )
    names = snakemake.wildcards
    prefilter = snakemake.input.prefilter_metrics
    point = rd_point(
        key=PointKey(names.sequence, names.configuration, names.codec, names.method, int(names.qp)),
        clip=clip,
        content=snakemake.params.content,
        method=snakemake.params.method,
        source=read_json(snakemake.input.source_metadata, "samples_sha256"),
        coded=read_json(snakemake.input.coded_metadata, "samples_sha256"),
        encode=encode,
        measured=measured,
        prefilter_metrics=read_json(prefilter) if prefilter else None,
        suite=suite(ROOT),
    )
    write_csv(snakemake.output.frames, frame_rows(encode, measured))
    write_json(snakemake.output.point, point)


run(main, snakemake)
