"""Ratings, stimuli and RD points in; tables and figures of opinion scores out."""

from jndlab.quality.intervals import POWER
from jndlab.quality.points import read_points
from jndlab.report.compare import verdict_summary
from jndlab.report.tables import write_table
from jndlab.subjective.comparison import headline_comparison
from jndlab.subjective.delta_mos import SHOWN, paired_table, with_delta_mos
from jndlab.subjective.dmos_predicted import CAPTION as PREDICTED
from jndlab.subjective.figures import mos_curves, rating_histograms
from jndlab.subjective.raters import CAPTION as RECORDS
from jndlab.subjective.rating_tables import (
    headline_table,
    mos_bd_rate_table,
    rater_table,
    score_table,
)
from jndlab.subjective.ratings import read_ratings, read_stimuli
from jndops.adapter import run, stems

SCORES = (
    "Scores with 95 % intervals over raters (1.96 standard errors, as ITU-R BT.500 prescribes; for "
    "few raters they are too narrow). Models: mos all raters, bt500 without "
    "those that ITU-R BT.500 rejects, p910 subject model of ITU-T P.910 Annex E. dmos = score of "
    "the hidden reference - score, by the same rater: 0 as good as the reference; "
    "differential_score = highest grade - dmos, P.910's DMOS where the test was ACR-HR. status "
    "collapsed: the model would rest on one person and has no scores; disconnected: raters in "
    "groups without a common stimulus, whose bias it cannot know. "
)
RATERS = (
    "Raters: bias and inconsistency in grades (P.910 Annex E; empty where the status of that "
    "model is not ok); outside_share and balance are the "
    "two numbers by which ITU-R BT.500 rejects (above 0.05 and below 0.3). "
) + RECORDS.format("grades")
PAIRED = (
    "Tests against {}, paired by rater: delta_mos = MOS({}) - MOS(method) at equal sequence and "
    "QP, a row per QP and one over all; t intervals over raters, p after Holm. deviation: of the "
    f"raters' own losses; raters_needed shows a loss of {SHOWN} grades with {100 * POWER:.0f} % "
    "power."
)
BD_RATE = (
    "BD-rate (%) against {} with MOS as quality, {} interpolation; negative saves bits at equal "
    "opinion. Only the rated QPs count; non_monotonic: opinion does not rise with rate."
)
HEADLINE = (
    "Means over the rated points against {}: saving at equal QP, loss of opinion against the "
    "source (dmos) there, difference of it to the anchor's with its 95 % interval over sequences, "
    "share of points whose interval of dmos (over raters, 1.96 standard errors as in BT.500) holds "
    "0, BD-rate under MOS as a gain. delta_mos: MOS(anchor) - MOS(method) at equal sequence and "
    "QP, paired by rater, with its t interval over raters. Printed in the BL-JUNIPER abstract: "
    "27.75 % at a DMOS, compared to the baseline encoding (delta_mos), close to 0, "
    "BD-rate gain 25.44 %."
)


def main(snakemake) -> None:
    params = snakemake.params
    stimuli = read_stimuli(snakemake.input.stimuli)
    ratings = read_ratings(
        snakemake.input.ratings, stimuli, tuple(params.scale), params.max_failed_checks
    )
    points = read_points(snakemake.input.points)
    stem = stems(snakemake.output)

    scores = score_table(ratings, points)
    bd_rates = mos_bd_rate_table(
        scores, points, params.anchor, params.interpolation, params.classes, params.trained
    )
    headline = headline_table(scores, bd_rates, points, params.anchor, params.trained)
    headline = with_delta_mos(headline, ratings, params.anchor)
    comparison = headline_comparison(headline)
    caption = HEADLINE.format(params.anchor)
    write_table(scores, stem["scores"], caption=SCORES + PREDICTED)
    write_table(rater_table(ratings), stem["raters"], caption=RATERS)
    paired = paired_table(ratings, params.anchor)
    write_table(paired, stem["paired_tests"], caption=PAIRED.format(params.anchor, params.anchor))
    about = BD_RATE.format(params.anchor, params.interpolation)
    write_table(bd_rates, stem["bd_rate_mos"], caption=about)
    write_table(headline, stem["headline"], caption=caption)
    write_table(
        comparison,
        stem["headline_comparison"],
        caption=f"{caption} Verdicts: {verdict_summary(comparison)}.",
    )
    rating_histograms(ratings, stem["rating_histograms"], params.anchor)
    for model in params.models:
        mos_curves(scores, model, stem[f"mos_over_rate_{model}"], params.anchor)


run(main, snakemake)
