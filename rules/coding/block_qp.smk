"""Methods of kind block-QP control: a QP for every 64x64 block of every frame."""


rule map_block_qps:
    """The QPs that a control gives the blocks of a clip for a target QP."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        stages=files_of_options,
    output:
        qp_map="<results>/qp_maps/{sequence}/{method}/qp{qp}.npz",
    log:
        "<logs>/map_block_qps/{sequence}.{method}.qp{qp}.log",
    benchmark:
        "<benchmarks>/map_block_qps/{sequence}.{method}.qp{qp}.tsv"
    priority: 20
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb,
        runtime=raised(60),
    params:
        code=lambda wildcards: class_code("map_block_qps", wildcards),
        clip=clip_of,
        target=lambda wildcards: settings.config["methods"][wildcards.method]["class"],
        options=options_of,
    message:
        "Choosing block QPs of {wildcards.sequence} with {wildcards.method} at QP {wildcards.qp}"
    script:
        "../../workflow_scripts/coding/map_block_qps.py"
