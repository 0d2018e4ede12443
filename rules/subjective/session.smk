"""Scores by people: a rating test from the coded clips of the run, and the analysis of its ratings."""

from jndlab.subjective.rating_page import PAGE
from jndops.plan.subjective import RatedClip, rated_clips, rated_points

SUBJECTIVE = settings.config["subjective"]
RATING_MODELS = ["bt500", "p910"]
RATING_TABLES = ["scores", "raters", "bd_rate_mos", "headline", "headline_comparison"]
RATING_FIGURES = ["rating_histograms", *(f"mos_over_rate_{model}" for model in RATING_MODELS)]

try:
    RATED = rated_points(settings)
except UserError as error:
    raise WorkflowError(str(error))


RATING_CLIPS = rated_clips(RATED)
# What each rating clip shows: the source itself or the stream of a point.
RATING_SOURCES = {
    clip: stream_of(clip.point) if clip.point else f"{RESULTS}/sequences/{clip.sequence}.mkv" for clip in RATING_CLIPS
}


rule encode_rating_clip:
    """Encode a source or a decoded stream as a visually lossless clip that browsers play."""
    input:
        source=lambda wildcards: RATING_SOURCES[RatedClip(wildcards.sequence, wildcards.coding)],
    output:
        clip="<results>/subjective/clips/{sequence}/{coding}.mp4",
        metadata="<results>/subjective/clips/{sequence}/{coding}.json",
    log:
        "<logs>/encode_rating_clip/{sequence}.{coding}.log",
    benchmark:
        "<benchmarks>/encode_rating_clip/{sequence}.{coding}.tsv"
    wildcard_constraints:
        coding=r"reference|[^/]+/(AI|LDP)/[^/]+/qp\d+",
    conda:
        "../../envs/codecs.yaml"
    params:
        clip=clip_of,
        seconds=SUBJECTIVE["clip_seconds"],
    script:
        "../../workflow_scripts/subjective/encode_rating_clip.py"


rule make_subjective_session:
    """Make the folder of a rating session, and the table of its clips."""
    input:
        clips=[f"{RESULTS}/subjective/clips/{clip.sequence}/{clip.coding}.mp4" for clip in RATING_CLIPS],
        metadata=[f"{RESULTS}/subjective/clips/{clip.sequence}/{clip.coding}.json" for clip in RATING_CLIPS],
    output:
        session=directory("<results>/subjective/session"),
        stimuli="<results>/subjective/stimuli.csv",
    log:
        "<logs>/make_subjective_session.log",
    benchmark:
        "<benchmarks>/make_subjective_session.tsv"
    conda:
        "../../envs/codecs.yaml"
    params:
        page_code=digest(PAGE.iterdir()),
        shown=[clip.shown() for clip in RATING_CLIPS],
        options={key: SUBJECTIVE[key] for key in ("seed", "training_pairs", "break_every", "pause_seconds")},
    script:
        "../../workflow_scripts/subjective/make_subjective_session.py"


rule subjective_session:
    """A rating session that is ready to run: open its index.html in a browser."""
    input:
        rules.make_subjective_session.output,


rule analyse_ratings:
    """Analyse ratings: MOS and DMOS with intervals, raters, BD-rate under MOS, curves."""
    input:
        ratings=SUBJECTIVE["ratings"],
        stimuli=rules.make_subjective_session.output.stimuli,
        points=[f"{point_stem('points', point)}.json" for point in RATED],
    output:
        *(table(f"subjective/tables/{name}") for name in RATING_TABLES),
        *(
            report(
                f"{RESULTS}/subjective/tables/{name}.html",
                caption="../../report/subjective/tables.rst",
                category="Scores by people",
                labels={"table": name.replace("_", " ")},
            )
            for name in RATING_TABLES
        ),
        *(
            report(
                f"{RESULTS}/subjective/figures/{name}.png",
                caption="../../report/subjective/figures.rst",
                category="Scores by people",
                labels={"figure": name.replace("_", " ")},
            )
            for name in RATING_FIGURES
        ),
        *(figure_data(f"subjective/figures/{name}") for name in RATING_FIGURES),
    log:
        "<logs>/analyse_ratings.log",
    benchmark:
        "<benchmarks>/analyse_ratings.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        scale=SUBJECTIVE["scale"],
        models=RATING_MODELS,
        anchor=settings.config["anchor"],
        interpolation=settings.config["bd_rate"]["interpolation"],
        classes=classes(),
    script:
        "../../workflow_scripts/subjective/analyse_ratings.py"
