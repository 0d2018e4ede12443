"""Scores by people: a rating test from the coded clips of the run, and the analysis of its ratings."""

from jndops.inputs.subjective import SubjectiveInputs

with workflow_errors():
    subjective_inputs = SubjectiveInputs(coding)

SUBJECTIVE = subjective_inputs.section


wildcard_constraints:
    coding=r"reference|[^/]+/(AI|LDP)/[^/]+/qp\d+(/equal_rate)?",


rule encode_at_equal_rate:
    """Encode the anchor at the rate of a method's stream, as near as its codec can."""
    input:
        unpack(subjective_inputs.matched),
    output:
        stream="<results>/subjective/equal_rate/{codec}/{configuration}/{sequence}/{method}/qp{qp}.{suffix}",
        rates="<results>/subjective/equal_rate/{codec}/{configuration}/{sequence}/{method}/qp{qp}.{suffix}.json",
    conda:
        "../../envs/codecs.yaml"
    threads: settings.config["threads"]["encode"]
    resources:
        mem_mb=coding.memory_mb,
        runtime=doubling(1440),
    params:
        codec_code=coding.codec_code,
        clip=coding.clip,
        codec=coding.codec,
    script:
        "../../workflow_scripts/subjective/encode_at_equal_rate.py"


rule encode_rating_clip:
    """Encode a source or a decoded stream as a visually lossless clip that browsers play."""
    input:
        source=subjective_inputs.source,
    output:
        clip="<results>/subjective/clips/{sequence}/{coding}.mp4",
        metadata="<results>/subjective/clips/{sequence}/{coding}.json",
    conda:
        "../../envs/codecs.yaml"
    params:
        clip=coding.clip,
        seconds=SUBJECTIVE["clip_seconds"],
    script:
        "../../workflow_scripts/subjective/encode_rating_clip.py"


rule make_subjective_session:
    """Make the folder of a rating session, and the table of its clips."""
    input:
        **subjective_inputs.session_files(),
    output:
        session=directory("<results>/subjective/session"),
        stimuli="<results>/subjective/stimuli.csv",
    conda:
        "../../envs/codecs.yaml"
    params:
        page_code=subjective_inputs.page_code,
        shown=subjective_inputs.shown(),
        options=subjective_inputs.session_options(),
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
        points=coding.points_table("subjective"),
    output:
        **outputs_of("subjective", "analyse_ratings", model=list(subjective_inputs.models)),
    conda:
        "../../envs/tables.yaml"
    params:
        scale=SUBJECTIVE["scale"],
        max_failed_checks=SUBJECTIVE["max_failed_checks"],
        models=subjective_inputs.models,
        anchor=ANCHOR,
        interpolation=settings.config["bd_rate"]["interpolation"],
        classes=coding.classes(),
        trained=coding.trained_methods(),
    script:
        "../../workflow_scripts/subjective/analyse_ratings.py"


rule analyse_preferences:
    """Analyse a test of pairs: shares and Bradley-Terry scale of each method against the anchor."""
    input:
        ratings=SUBJECTIVE["ratings"],
        stimuli=rules.make_subjective_session.output.stimuli,
    output:
        **outputs_of("subjective", "analyse_preferences"),
    conda:
        "../../envs/tables.yaml"
    params:
        max_failed_checks=SUBJECTIVE["max_failed_checks"],
        anchor=ANCHOR,
    script:
        "../../workflow_scripts/subjective/analyse_preferences.py"


rule collect_jnd_samples:
    """JND samples and labels from the searches of people, in the forms that the papers read."""
    input:
        ratings=SUBJECTIVE["ratings"],
        stimuli=rules.make_subjective_session.output.stimuli,
    output:
        **outputs_of("subjective", "collect_jnd_samples"),
        samples="<results>/subjective/jnd/samples.csv",
        labels="<results>/subjective/jnd/labels.csv",
    conda:
        "../../envs/tables.yaml"
    params:
        statistic=SUBJECTIVE["jnd_statistic"],
        max_failed_checks=SUBJECTIVE["max_failed_checks"],
    script:
        "../../workflow_scripts/subjective/collect_jnd_samples.py"
