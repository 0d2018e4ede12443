"""Measuring: decoder and metrics in one pass, decoded video never on disk."""


rule measure_point:
    """Measure a rate-distortion point: bits of the stream, quality of its decoded frames."""
    input:
        unpack(coded_files_of),
        source="<results>/sequences/{sequence}.mkv",
        source_metadata="<results>/sequences/{sequence}.json",
    output:
        point="<results>/points/{codec}/{configuration}/{sequence}/{method}/qp{qp}.json",
        frames="<results>/points/{codec}/{configuration}/{sequence}/{method}/qp{qp}.frames.csv",
    log:
        "<logs>/measure_point/{codec}.{configuration}.{sequence}.{method}.qp{qp}.log",
    benchmark:
        "<benchmarks>/measure_point/{codec}.{configuration}.{sequence}.{method}.qp{qp}.tsv"
    priority: 15
    conda:
        "../../envs/codecs.yaml"
    threads: settings.config["threads"]["measure"]
    resources:
        mem_mb=memory_mb,
    params:
        clip=clip_of,
        content=lambda wildcards: settings.sequences[wildcards.sequence].content,
        method=lambda wildcards: settings.config["methods"][wildcards.method],
    script:
        "../../workflow_scripts/coding/measure_point.py"
