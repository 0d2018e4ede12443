"""BL-JUNIPER's experiment: what block JNDs gain over importance alone and over one QP."""


rule encode_bl_juniper_experiment:
    """Code a clip by the anchor at every QP, and with the maps of the method, its parts, the ceilings."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        jnd=expand(
            "<results>/bl_juniper/block_jnd/{origin}/{sequence}.npz",
            origin=bl_juniper_inputs.jnd_origins,
            allow_missing=True,
        ),
        importance=f"<results>/bl_juniper/importance/{bl_juniper_inputs.experiment_importance}/{{sequence}}.npz",
    output:
        codings="<results>/bl_juniper/experiment/{configuration}/{sequence}.npz",
    conda:
        "../../envs/codecs.yaml"
    resources:
        mem_mb=coding.memory_mb,
        runtime=doubling(1440),
    params:
        clip=coding.clip,
        origins=bl_juniper_inputs.jnd_origins,
        experiment=bl_juniper_inputs.experiment(),
        frame=BL_JUNIPER["figures"]["frame"],
    script:
        "../../workflow_scripts/bl_juniper/encode_bl_juniper_experiment.py"


rule bl_juniper_experiment:
    """Tabulate the experiment: gains by target, weighting and map, and what they show."""
    input:
        codings=expand(
            rules.encode_bl_juniper_experiment.output.codings,
            configuration=BL_JUNIPER["experiment"]["configurations"],
            sequence=SEQUENCES,
        ),
        video_jnd=expand(rules.map_block_jnd.output.video_jnd, sequence=SEQUENCES),
    output:
        **outputs_of("bl_juniper", "bl_juniper_experiment"),
    conda:
        "../../envs/tables.yaml"
    params:
        sequences=SEQUENCES,
        configurations=BL_JUNIPER["experiment"]["configurations"],
        method=bl_juniper_inputs.jnd,
    script:
        "../../workflow_scripts/bl_juniper/bl_juniper_experiment.py"
