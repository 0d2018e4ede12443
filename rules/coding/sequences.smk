"""Sources: found, checked and made lossless clips of the configured length."""


rule prepare_sequence:
    """A source as a lossless clip (FFV1) of the configured number of frames."""
    input:
        source=raw_source,
    output:
        clip="<results>/sequences/{sequence}.mkv",
        metadata="<results>/sequences/{sequence}.json",
    log:
        "<logs>/prepare_sequence/{sequence}.log",
    benchmark:
        "<benchmarks>/prepare_sequence/{sequence}.tsv"
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb,
        runtime=raised(60),
    params:
        code=code("prepare_sequence"),
        clip=clip_of,
        sheet_row=sheet_row,
        source_dir=lambda wildcards: str(settings.source_dir(wildcards.sequence)),
    message:
        "Preparing sequence {wildcards.sequence}"
    script:
        "../../workflow_scripts/coding/prepare_sequence.py"


rule check_data:
    """What data is present, what is missing and what to do for it."""
    log:
        "<logs>/check_data.log",
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=raised(200),
        runtime=raised(10),
    params:
        sequences=" ".join(f"--sequence {name}" for name in settings.config["sequences"]),
        data_dir=settings.config["data_dir"],
        python=PYTHON,
        script=ADAPTERS["check_data"],
    message:
        "Checking data sets"
    shell:
        "{params.python:q} {params.script:q} --data-dir {params.data_dir:q} {params.sequences} 2>&1 | tee {log:q}"
