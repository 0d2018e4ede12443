"""Measuring: decoder and metrics in one pass, decoded video never on disk."""


rule measure_point:
    """Measure a rate-distortion point: bits of the stream, quality of its decoded frames."""
    input:
        unpack(coding.coded_files),
        source="<results>/sequences/{sequence}.mkv",
        source_metadata="<results>/sequences/{sequence}.json",
    output:
        point="<results>/points/{codec}/{configuration}/{sequence}/{method}/qp{qp}.json",
        frames="<results>/points/{codec}/{configuration}/{sequence}/{method}/qp{qp}.frames.csv",
    conda:
        "../../envs/codecs.yaml"
    threads: settings.config["threads"]["measure"]
    resources:
        mem_mb=coding.memory_mb,
    params:
        clip=coding.clip,
        content=coding.content,
        method=coding.method,
        columns=settings.columns_on_demand(),
    script:
        "../../workflow_scripts/coding/measure_point.py"
