"""The authors' block labels in; their statistics compared with those on record out."""

from jndlab.papers.bl_juniper.label_statistics import (
    STATISTICS_CAPTION,
    statistics_comparison,
    statistics_table,
)
from jndlab.papers.bl_juniper.mcl_jcv import read_block_labels
from jndlab.report.compare import with_verdicts
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    statistics = statistics_table(read_block_labels(snakemake.input.labels))
    comparison = statistics_comparison(statistics)
    caption = with_verdicts(STATISTICS_CAPTION, comparison)
    stem = stems(snakemake.output)["label_statistics"]
    write_table(comparison, stem, caption=caption)


run(main, snakemake)
