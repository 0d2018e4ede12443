"""IQNet's pattern on other content, and what each reading of the rules does (config/iqnet_pilot.yaml)."""


rule score_iqnet_readings:
    """Score all patches by a scorer of the readings; candidates are those of the training data."""
    input:
        candidates=rules.score_iqnet_patches.input.candidates,
        weights=iqnet_inputs.nima_file(),
    output:
        scores="<results>/iqnet/readings/scores/{scoring}.parquet",
    conda:
        "../../envs/networks.yaml"
    params:
        scorer=iqnet_inputs.scoring_options,
        patch=IQNET_DATA["patch"],
        alphas=IQNET_DATA["alphas"],
    script:
        "../../workflow_scripts/iqnet_pilot/score_iqnet_readings.py"


rule train_iqnet_reading:
    """Choose alphas by a reading of the rules and train an IQNet on what comes of it."""
    input:
        pictures=rules.list_iqnet_pictures.output.pictures,
        candidates=rules.score_iqnet_patches.input.candidates,
        scores=iqnet_inputs.scores_of_reading,
    output:
        **coding.trained_network("<results>/models/iqnet/readings/{reading}"),
        statistics="<results>/models/iqnet/readings/{reading}/statistics.json",
    conda:
        "../../envs/networks.yaml"
    threads: IQNET_JOBS["threads"]
    resources:
        **training_needs(IQNET_JOBS, mem_mb=3000),
    params:
        reading=iqnet_inputs.reading,
        alphas=IQNET_DATA["alphas"],
        conditions=iqnet_inputs.training_conditions(),
        seed=iqnet_inputs.section["seeds"][0],
    script:
        "../../workflow_scripts/iqnet_pilot/train_iqnet_reading.py"


rule measure_iqnet_reading:
    """Code the all-intra sequences, filtered by a reading's network (anchor: not at all)."""
    input:
        clips=iqnet_inputs.compared_clips,
        model=iqnet_inputs.model_of_reading,
    output:
        numbers="<results>/iqnet/readings/measured/{reading}.csv",
    conda:
        "../../envs/codecs.yaml"
    params:
        codec=lambda wildcards: settings.codec_of_points(iqnet_inputs.point_codec),
        clips=[coding.clips()[name] for name in iqnet_inputs.compared_sequences()],
        qps=settings.config["qps"],
    script:
        "../../workflow_scripts/iqnet_pilot/measure_iqnet_reading.py"


rule tabulate_iqnet_readings:
    """Tabulate Table IV next to the printed one, its agreement, and what each reading does."""
    input:
        # All intra the readings are measured by themselves.
        points=coding.points_table("iqnet") if "LDP" in settings.config["configurations"] else [],
        summaries=expand(rules.train_iqnet_reading.output.summary, reading=iqnet_inputs.section["readings"]),
        statistics=expand(rules.train_iqnet_reading.output.statistics, reading=iqnet_inputs.section["readings"]),
        measured=expand(
            rules.measure_iqnet_reading.output.numbers, reading=["anchor", *iqnet_inputs.section["readings"]]
        ),
        printed=rules.audit_iqnet.input.printed,
    output:
        **outputs_of("iqnet", "tabulate_iqnet_readings"),
    conda:
        "../../envs/tables.yaml"
    params:
        codec=iqnet_inputs.point_codec,
        anchor=ANCHOR,
        names=iqnet_inputs.printed_names(),
        contents={name: settings.sequences[name].content for name in settings.config["sequences"]},
        levers=iqnet_inputs.levers(),
    script:
        "../../workflow_scripts/iqnet_pilot/tabulate_iqnet_readings.py"


rule iqnet_pilot:
    """IQNet's Table IV on other content and the table of readings: made on request."""
    input:
        rules.tabulate_iqnet_readings.output,
