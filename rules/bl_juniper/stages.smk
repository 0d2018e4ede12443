"""BL-JUNIPER's stages 1 to 3 of a sequence, as files: block JNDs and importance."""


rule map_block_jnd:
    """Stage 1: map the JND levels of a sequence, of people or by VMAF steps, to its blocks."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        metadata="<results>/sequences/{sequence}.json",
        labels=BL_JUNIPER["clip_labels"]["video_jnd"] or [],
    output:
        maps="<results>/bl_juniper/block_jnd/mapped/{sequence}.npz",
        video_jnd="<results>/bl_juniper/video_jnd/{sequence}.csv",
        sweep="<results>/bl_juniper/video_jnd/{sequence}.sweep.csv",
    conda:
        "../../envs/codecs.yaml"
    resources:
        mem_mb=coding.memory_mb,
        runtime=doubling(1440),
    params:
        clip=coding.clip,
        labels=BL_JUNIPER["clip_labels"],
        codec=settings.codecs[BL_JUNIPER["clip_labels"]["codec"]],
        every=BL_JUNIPER["key_frames_every"],
        mapping=BL_JUNIPER["mapping"],
    script:
        "../../workflow_scripts/bl_juniper/map_block_jnd.py"


rule predict_block_jnd:
    """Stage 2: predict the block JNDs of the key frames of a sequence by the three networks."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        metadata="<results>/sequences/{sequence}.json",
        models=bl_juniper_inputs.models_of,
    output:
        maps="<results>/bl_juniper/block_jnd/cnn_seed{seed}/{sequence}.npz",
    conda:
        "../../envs/networks.yaml"
    resources:
        gpu=int(BL_JUNIPER["cnn"]["device"] == "cuda"),
    params:
        clip=coding.clip,
        every=BL_JUNIPER["key_frames_every"],
        raw_ti=BL_JUNIPER["cnn"]["raw_ti"],
        device=BL_JUNIPER["cnn"]["device"],
    script:
        "../../workflow_scripts/bl_juniper/predict_block_jnd.py"


rule map_importance:
    """Stage 3: map the importance of each block of the key frames, 1 to 3."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        metadata="<results>/sequences/{sequence}.json",
        models=bl_juniper_inputs.saliency_files,
    output:
        maps="<results>/bl_juniper/importance/{saliency}/{sequence}.npz",
    conda:
        "../../envs/networks.yaml"
    params:
        saliency_code=bl_juniper_inputs.saliency_code,
        clip=coding.clip,
        saliency=bl_juniper_inputs.saliency,
        every=BL_JUNIPER["key_frames_every"],
        form=BL_JUNIPER["mapping"]["form"],
    script:
        "../../workflow_scripts/bl_juniper/map_importance.py"
