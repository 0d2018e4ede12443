"""Encoding: one job per sequence, coding configuration, QP and method."""


rule encode_clip:
    """Encode a clip to one checked stream, with its bits per frame."""
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
        codec_code=codec_code,
        clip=clip_of,
        codec=lambda wildcards: settings.codecs[wildcards.codec],
    script:
        "../../workflow_scripts/coding/encode_clip.py"
