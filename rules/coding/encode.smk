"""Encoding: one job per sequence, coding configuration, QP and method."""


rule encode_clip:
    """Encode a clip to one checked stream, with its bits per frame."""
    input:
        unpack(coding.coded_clip),
        codec_files=coding.codec_files,
    output:
        stream=ensure("<results>/streams/{codec}/{configuration}/{sequence}/{method}/qp{qp}.{suffix}", non_empty=True),
        metadata="<results>/streams/{codec}/{configuration}/{sequence}/{method}/qp{qp}.{suffix}.json",
    priority: coding.encode_priority
    conda:
        "../../envs/codecs.yaml"
    threads: settings.config["threads"]["encode"]
    resources:
        mem_mb=coding.memory_mb,
        runtime=coding.encode_minutes,
    params:
        codec_code=coding.codec_code,
        clip=coding.clip,
        codec=coding.codec,
    script:
        "../../workflow_scripts/coding/encode_clip.py"
