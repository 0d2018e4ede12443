"""BL-JUNIPER's results: weighted quality, tables, figures, the check of the authors' labels."""


rule measure_weighted_quality:
    """Measure PSNR and SSIM of all streams of a sequence, weighted by block importance."""
    input:
        source="<results>/sequences/{sequence}.mkv",
        streams=lambda wildcards: [stream_of(point) for point in weighed_points(wildcards)],
        importance=[f"{RESULTS}/bl_juniper/importance/{name}/{{sequence}}.npz" for name in BL_JUNIPER["importance"]],
    output:
        table="<results>/bl_juniper/weighted/{codec}/{configuration}/{sequence}.csv",
    log:
        "<logs>/measure_weighted_quality/{codec}.{configuration}.{sequence}.log",
    benchmark:
        "<benchmarks>/measure_weighted_quality/{codec}.{configuration}.{sequence}.tsv"
    conda:
        "../../envs/codecs.yaml"
    resources:
        mem_mb=memory_mb,
    params:
        clip=clip_of,
        coded=lambda wildcards: [[point.method, point.qp] for point in weighed_points(wildcards)],
        judges=list(BL_JUNIPER["importance"]),
        every=BL_JUNIPER["compare"]["every"],
    script:
        "../../workflow_scripts/bl_juniper/measure_weighted_quality.py"


rule tabulate_bl_juniper:
    """Tabulate savings, headline, BD-rates, plain QP increase and block QPs."""
    input:
        points=[f"{point_stem('points', point)}.json" for point in BL_JUNIPER_POINTS],
        plain=[f"{point_stem('points', point)}.json" for point in BL_JUNIPER_PLAIN],
        weighted=[
            f"{RESULTS}/bl_juniper/weighted/{codec}/{configuration}/{sequence}.csv"
            for codec, configuration in BL_JUNIPER_PLACES
            for sequence in settings.config["sequences"]
        ],
        video_jnd=expand(rules.map_block_jnd.output.video_jnd, sequence=settings.config["sequences"]),
        qp_maps=[f"{RESULTS}/qp_maps/{sequence}/{method}/qp{qp}.npz" for sequence, method, qp in BL_JUNIPER_MAPS],
        printed="config/published/bl_juniper/headline.csv",
    output:
        *(table(f"bl_juniper/tables/{name}") for name in ["savings", *BL_JUNIPER_TABLES]),
        *(bl_juniper_table(name) for name in BL_JUNIPER_TABLES),
        savings=bl_juniper_table("savings"),
    log:
        "<logs>/tabulate_bl_juniper.log",
    benchmark:
        "<benchmarks>/tabulate_bl_juniper.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=settings.config["anchor"],
        qps=settings.config["qps"],
        plain_qps=BL_JUNIPER_PLAIN_QPS,
        interpolation=settings.config["bd_rate"]["interpolation"],
        clips=clips_as_text(),
        maps=[list(key) for key in BL_JUNIPER_MAPS],
    script:
        "../../workflow_scripts/bl_juniper/tabulate_bl_juniper.py"


rule compare_block_jnd:
    """Compare predicted block JNDs with labels and baselines, and the labels with the QPs."""
    input:
        blocks=BL_JUNIPER_BLOCKS,
        models=BL_JUNIPER_MODELS,
        sources=expand("<results>/sequences/{sequence}.mkv", sequence=settings.config["sequences"]),
        mapped=expand(rules.map_block_jnd.output.maps, sequence=settings.config["sequences"]),
        video_jnd=expand(rules.map_block_jnd.output.video_jnd, sequence=settings.config["sequences"]),
        predicted=expand(rules.predict_block_jnd.output.maps, sequence=settings.config["sequences"]),
        authors=BL_JUNIPER["labels"] or [],
    output:
        *(table(f"bl_juniper/tables/{name}") for name in BL_JUNIPER_ERRORS),
        errors=bl_juniper_table("block_jnd_error"),
        tension=bl_juniper_table("label_tension"),
    log:
        "<logs>/compare_block_jnd.log",
    benchmark:
        "<benchmarks>/compare_block_jnd.tsv"
    conda:
        "../../envs/networks.yaml"
    resources:
        mem_mb=doubling(6000),
    params:
        source=BL_JUNIPER_DATA["source"],
        data=BL_JUNIPER_SPLIT,
        clips=clips_as_text(),
        every=BL_JUNIPER["key_frames_every"],
        mapping=BL_JUNIPER["mapping"],
        raw_ti=BL_JUNIPER_CNN["raw_ti"],
        qps=settings.config["qps"],
    script:
        "../../workflow_scripts/bl_juniper/compare_block_jnd.py"


rule plot_bl_juniper:
    """Plot rate-distortion curves, saving over target QP, gain over a plain increase of QP."""
    input:
        points=[*rules.tabulate_bl_juniper.input.points, *rules.tabulate_bl_juniper.input.plain],
        savings="<results>/bl_juniper/tables/savings.csv",
        equal_rate="<results>/bl_juniper/tables/equal_rate.csv",
        printed="config/published/bl_juniper/headline.csv",
    output:
        *(figure_data(f"bl_juniper/figures/{name}") for name in [*BL_JUNIPER_FIGURES, "saving_over_target_qp"]),
        *(bl_juniper_figure(name) for name in BL_JUNIPER_FIGURES),
        saving=bl_juniper_figure("saving_over_target_qp"),
    log:
        "<logs>/plot_bl_juniper.log",
    benchmark:
        "<benchmarks>/plot_bl_juniper.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=settings.config["anchor"],
        metrics=BL_JUNIPER_CURVES,
        labels=labels(),
    script:
        "../../workflow_scripts/bl_juniper/plot_bl_juniper.py"


rule plot_block_maps:
    """Plot a frame of each sequence with its block JNDs, importance and block QPs."""
    input:
        clips=expand("<results>/sequences/{sequence}.mkv", sequence=settings.config["sequences"]),
        jnd=expand(
            f"<results>/bl_juniper/block_jnd/{BL_JUNIPER_JND}/{{sequence}}.npz", sequence=settings.config["sequences"]
        ),
        importance=expand(
            "<results>/bl_juniper/importance/{saliency}/{sequence}.npz",
            sequence=settings.config["sequences"],
            saliency=BL_JUNIPER["importance"],
        ),
        qp_maps=expand(
            f"<results>/qp_maps/{{sequence}}/{{method}}/qp{BL_JUNIPER_TARGET_QP}.npz",
            sequence=settings.config["sequences"],
            method=BL_JUNIPER_METHODS,
        ),
    output:
        *(figure_data(f"bl_juniper/figures/maps_{name}") for name in settings.config["sequences"]),
        figures=[bl_juniper_figure(f"maps_{name}") for name in settings.config["sequences"]],
    log:
        "<logs>/plot_block_maps.log",
    benchmark:
        "<benchmarks>/plot_block_maps.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        clips=clips_as_text(),
        jnd=BL_JUNIPER_JND,
        judges=list(BL_JUNIPER["importance"]),
        labels=[labels()[method] for method in BL_JUNIPER_METHODS],
        target_qp=BL_JUNIPER_TARGET_QP,
        frame=BL_JUNIPER["figures"]["frame"],
    script:
        "../../workflow_scripts/bl_juniper/plot_block_maps.py"


rule check_block_labels:
    """Recompute the statistics of the authors' labels and compare them with those on record."""
    input:
        labels=BL_JUNIPER["labels"] or [],
        recorded="config/published/bl_juniper/label_statistics.csv",
    output:
        table("bl_juniper/checks/label_statistics"),
        comparison=report(
            "<results>/bl_juniper/checks/label_statistics.html",
            caption="../../report/bl_juniper/tables.rst",
            category="BL-JUNIPER",
            labels={"table": "statistics of the authors' labels"},
        ),
    log:
        "<logs>/check_block_labels.log",
    benchmark:
        "<benchmarks>/check_block_labels.tsv"
    conda:
        "../../envs/tables.yaml"
    script:
        "../../workflow_scripts/bl_juniper/check_block_labels.py"
