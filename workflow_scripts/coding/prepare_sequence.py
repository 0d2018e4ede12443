"""A source of a data set in; a lossless clip and its metadata out."""

from fractions import Fraction

from jndlab.datasets.prepare import prepare_sequence
from jndlab.datasets.sequences import Sequence
from jndlab.files import write_json
from jndlab.media.clip import clip_from_text
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    row = snakemake.params.sheet_row
    with scratch(snakemake) as work_dir:
        metadata = prepare_sequence(
            Sequence(**{**row, "fps": Fraction(row["fps"])}),
            clip_from_text(snakemake.params.clip),
            source_dir=snakemake.params.source_dir,
            target=snakemake.output.clip,
            work_dir=work_dir,
        )
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
