"""Streams of segments in; one stream and its metadata out."""

from pathlib import Path

from jndlab.codecs import codec_class
from jndlab.codecs.segments import join_segments
from jndlab.files import read_json, sha256_of, write_json
from jndlab.media.clip import clip_from_text
from jndops.adapter import run


def main(snakemake) -> None:
    stream = Path(snakemake.output.stream)
    joined = join_segments(
        [Path(part) for part in snakemake.input.streams],
        clip_from_text(snakemake.params.clip),
        stream,
        repeats_headers=codec_class(snakemake.params.codec).repeats_headers,
    )
    parts = [read_json(metadata) for metadata in snakemake.input.metadata]
    metadata = {
        **parts[0],  # the command is that of the first segment
        "segments": len(parts),
        "stream_sha256": sha256_of(stream),
        "wall_seconds": sum(part["wall_seconds"] for part in parts),
        "cpu_seconds": sum(part["cpu_seconds"] for part in parts),
        "bits_per_frame": joined.bits_per_frame,
        "slice_types": joined.slice_types,
    }
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
