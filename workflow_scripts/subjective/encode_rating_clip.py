"""A source or a stream in; a visually lossless MP4 and its metadata out."""

from pathlib import Path

from jndlab.files import write_json
from jndlab.media.clip import clip_from_text
from jndlab.subjective.rating_clips import write_rating_clip
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    with scratch(snakemake) as work_dir:
        metadata = write_rating_clip(
            Path(snakemake.input.source),
            clip_from_text(snakemake.params.clip),
            Path(snakemake.output.clip),
            seconds=snakemake.params.seconds,
            work_dir=work_dir,
            log=Path(snakemake.log[0]),
        )
    write_json(snakemake.output.metadata, metadata.as_json())


run(main, snakemake)
