"""A source and a prefiltered clip in; pooled metrics (JSON) out."""

from pathlib import Path

from jndlab.files import write_json
from jndlab.media.clip import clip_from_text
from jndlab.quality.full_reference import measure
from jndlab.quality.metrics import pool
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    with scratch(snakemake) as work_dir:
        measured = measure(
            Path(snakemake.input.source),
            Path(snakemake.input.clip),
            clip_from_text(snakemake.params.clip),
            work_dir=work_dir,
            threads=snakemake.threads,
        )
    write_json(snakemake.output.metrics, pool(measured.frames))


run(main, snakemake)
