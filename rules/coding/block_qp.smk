"""Methods of kind block-QP control: a QP for every 64x64 block of every frame."""


rule map_block_qps:
    """Choose a QP for every 64x64 block of every frame of a clip at a target QP."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        stages=coding.method_files,
    output:
        qp_map="<results>/qp_maps/{sequence}/{method}/qp{qp}.npz",
    conda:
        "../../envs/codecs.yaml"
    params:
        method_code=coding.method_code,
        clip=coding.clip,
        target=coding.method_class,
        options=coding.options,
    script:
        "../../workflow_scripts/coding/map_block_qps.py"
