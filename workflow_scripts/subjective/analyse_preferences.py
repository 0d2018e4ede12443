"""Votes on pairs and their key in; how often methods are preferred to the anchor out."""

from jndlab.report.tables import write_table
from jndlab.subjective.preferences import preference_table, read_pairs, read_votes, vote_raters
from jndlab.subjective.raters import CAPTION as RATERS
from jndops.adapter import run, stems

CAPTION = (
    "Pair comparison against {}: votes for the method, no difference, votes for the anchor; share "
    "= votes and half the ties, with t intervals over raters, p after Holm; a row per QP and one "
    "over all. scale: log odds of being preferred to the anchor (Bradley-Terry, half a vote for "
    "each side of a method as prior), interval by leaving out rater by rater. "
    "rate_difference_pct: bitrate of the method's clips against those that they were compared "
    "with, mean, and the largest of a pair without its sign."
)


def main(snakemake) -> None:
    params = snakemake.params
    pairs = read_pairs(snakemake.input.stimuli)
    votes = read_votes(snakemake.input.ratings, pairs, params.max_failed_checks)
    table = preference_table(pairs, votes, params.anchor)
    stem = stems(snakemake.output)
    raters = vote_raters(snakemake.input.ratings, pairs, votes)
    write_table(raters, stem["preference_raters"], caption=RATERS.format("votes of -1, 0 and 1"))
    write_table(table, stem["preferences"], caption=CAPTION.format(params.anchor))


run(main, snakemake)
