"""Encoding: one job per sequence, coding configuration, QP and method."""


rule encode_clip:
    """One stream, whole and checked, with its bits per frame."""
    input:
        unpack(coded_clip_of),
    output:
        stream=ensure("<results>/streams/{codec}/{configuration}/{sequence}/{method}/qp{qp}.{suffix}", non_empty=True),
        metadata="<results>/streams/{codec}/{configuration}/{sequence}/{method}/qp{qp}.{suffix}.json",
    log:
        "<logs>/encode_clip/{codec}.{configuration}.{sequence}.{method}.qp{qp}.{suffix}.log",
    benchmark:
        "<benchmarks>/encode_clip/{codec}.{configuration}.{sequence}.{method}.qp{qp}.{suffix}.tsv"
    priority: encode_priority
    conda:
        "../../envs/codecs.yaml"
    threads: settings.config["threads"]["encode"]
    resources:
        mem_mb=memory_mb,
        runtime=encode_minutes,
    params:
        code=lambda wildcards: codec_code("encode_clip", wildcards),
        clip=clip_of,
        codec=lambda wildcards: settings.codecs[wildcards.codec],
    message:
        "Encoding {wildcards.sequence} {wildcards.configuration} QP {wildcards.qp} ({wildcards.method}, {wildcards.codec})"
    script:
        "../../workflow_scripts/coding/encode_clip.py"
