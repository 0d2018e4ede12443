"""BL-JUNIPER's results: weighted quality, tables, figures, the check of the authors' labels."""


rule measure_weighted_quality:
    """Measure PSNR and SSIM of all streams of a sequence, weighted by block importance."""
    input:
        source="<results>/sequences/{sequence}.mkv",
        streams=bl_juniper_inputs.weighted_streams,
        importance=expand(rules.map_importance.output.maps, saliency=BL_JUNIPER["importance"], allow_missing=True),
    output:
        table="<results>/bl_juniper/weighted/{codec}/{configuration}/{sequence}.csv",
    conda:
        "../../envs/codecs.yaml"
    resources:
        mem_mb=coding.memory_mb,
    params:
        clip=coding.clip,
        coded=bl_juniper_inputs.weighted_keys,
        weightings=bl_juniper_inputs.importance,
        every=BL_JUNIPER["compare"]["every"],
    script:
        "../../workflow_scripts/bl_juniper/measure_weighted_quality.py"


rule tabulate_bl_juniper:
    """Tabulate savings, headline, BD-rates, plain QP increase and block QPs."""
    input:
        points=coding.points_table("bl_juniper"),
        weighted=bl_juniper_inputs.weighted_tables(),
        video_jnd=expand(rules.map_block_jnd.output.video_jnd, sequence=SEQUENCES),
        qp_maps=bl_juniper_inputs.qp_maps(),
        printed=expand("config/published/bl_juniper/{table}.csv", table=["headline", "conditions"]),
    output:
        **outputs_of("bl_juniper", "tabulate_bl_juniper"),
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=ANCHOR,
        qps=settings.config["qps"],
        plain_qps=bl_juniper_inputs.plain_qps,
        interpolation=settings.config["bd_rate"]["interpolation"],
        clips=coding.clips(),
        maps=bl_juniper_inputs.map_keys(),
    script:
        "../../workflow_scripts/bl_juniper/tabulate_bl_juniper.py"


rule compare_block_jnd:
    """Compare predicted block JNDs with labels and baselines, and the labels with the QPs."""
    input:
        blocks=bl_juniper_inputs.blocks(),
        models=bl_juniper_inputs.models(),
        sources=expand("<results>/sequences/{sequence}.mkv", sequence=SEQUENCES),
        mapped=expand(rules.map_block_jnd.output.maps, sequence=SEQUENCES),
        video_jnd=expand(rules.map_block_jnd.output.video_jnd, sequence=SEQUENCES),
        predicted=expand(rules.predict_block_jnd.output.maps, seed=bl_juniper_inputs.seeds, sequence=SEQUENCES),
        authors=BL_JUNIPER["labels"] or [],
    output:
        **outputs_of("bl_juniper", "compare_block_jnd"),
    conda:
        "../../envs/networks.yaml"
    resources:
        mem_mb=doubling(6000),
    params:
        source=BL_JUNIPER["training_data"]["source"],
        data=bl_juniper_inputs.split(),
        clips=coding.clips(),
        every=BL_JUNIPER["key_frames_every"],
        raw_ti=BL_JUNIPER["cnn"]["raw_ti"],
        seeds=bl_juniper_inputs.seeds,
        qps=settings.config["qps"],
    script:
        "../../workflow_scripts/bl_juniper/compare_block_jnd.py"


rule plot_bl_juniper:
    """Plot rate-distortion curves, saving over target QP, gain over a plain increase of QP."""
    input:
        points=rules.tabulate_bl_juniper.input.points,
        savings="<results>/bl_juniper/tables/savings.csv",
        equal_rate="<results>/bl_juniper/tables/equal_rate.csv",
        printed="config/published/bl_juniper/headline.csv",
    output:
        **outputs_of("bl_juniper", "plot_bl_juniper", curve=CURVES),
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=ANCHOR,
        labels=coding.labels(),
    script:
        "../../workflow_scripts/bl_juniper/plot_bl_juniper.py"


rule plot_block_maps:
    """Plot a frame of each sequence with its block JNDs, importance and block QPs, and decoded."""
    input:
        clips=expand("<results>/sequences/{sequence}.mkv", sequence=SEQUENCES),
        jnd=expand(
            f"<results>/bl_juniper/block_jnd/{bl_juniper_inputs.jnd_origins[0]}/{{sequence}}.npz",
            sequence=SEQUENCES,
        ),
        importance=expand(
            "<results>/bl_juniper/importance/{saliency}/{sequence}.npz",
            sequence=SEQUENCES,
            saliency=BL_JUNIPER["importance"],
        ),
        qp_maps=expand(
            f"<results>/qp_maps/{{sequence}}/{{method}}/qp{bl_juniper_inputs.target_qp}.npz",
            sequence=SEQUENCES,
            method=bl_juniper_inputs.shown_methods,
        ),
        codings=expand(
            "<results>/bl_juniper/experiment/{configuration}/{sequence}.npz",
            configuration=BL_JUNIPER["experiment"]["configurations"][0],
            sequence=SEQUENCES,
        ),
    output:
        **outputs_of("bl_juniper", "plot_block_maps", sequence=SEQUENCES),
    conda:
        "../../envs/tables.yaml"
    params:
        clips=coding.clips(),
        jnd=bl_juniper_inputs.jnd,
        importance=bl_juniper_inputs.importance,
        labels=bl_juniper_inputs.method_labels(),
        target_qp=bl_juniper_inputs.target_qp,
        frame=BL_JUNIPER["figures"]["frame"],
    script:
        "../../workflow_scripts/bl_juniper/plot_block_maps.py"


rule bl_juniper_complexity:
    """Measure what stages cost on a key frame of each sequence, and encoding over the anchor's."""
    input:
        clips=expand("<results>/sequences/{sequence}.mkv", sequence=SEQUENCES),
        video_jnd=expand(rules.map_block_jnd.output.video_jnd, sequence=SEQUENCES),
        models=bl_juniper_inputs.used_models(),
        saliency=bl_juniper_inputs.all_saliency_files(),
        points=coding.points_table("bl_juniper"),
    output:
        **outputs_of("bl_juniper", "bl_juniper_complexity"),
    conda:
        "../../envs/networks.yaml"
    params:
        clips=coding.clips(),
        saliency=BL_JUNIPER["importance"],
        mapping=BL_JUNIPER["mapping"],
        every=BL_JUNIPER["key_frames_every"],
        qps=settings.config["qps"],
        anchor=ANCHOR,
    script:
        "../../workflow_scripts/bl_juniper/bl_juniper_complexity.py"


rule check_block_labels:
    """Recompute the statistics of the authors' labels and compare them with those on record."""
    input:
        labels=BL_JUNIPER["labels"] or [],
        recorded="config/published/bl_juniper/label_statistics.csv",
    output:
        **outputs_of("bl_juniper", "check_block_labels"),
    conda:
        "../../envs/tables.yaml"
    script:
        "../../workflow_scripts/bl_juniper/check_block_labels.py"


rule check_block_mapping:
    """Map MCL-JCV's video JNDs by stage 1 and compare the block labels with the authors' own."""
    input:
        labels=BL_JUNIPER["labels"] or [],
    output:
        **outputs_of("bl_juniper", "check_block_mapping"),
    conda:
        "../../envs/networks.yaml"
    resources:
        runtime=doubling(1440),
    params:
        mapped=bl_juniper_inputs.mapped_clips(),
    script:
        "../../workflow_scripts/bl_juniper/check_block_mapping.py"
