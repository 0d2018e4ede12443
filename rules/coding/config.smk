"""What was asked for, kept beside what came out."""


rule keep_config:
    """The effective configuration, with all defaults filled in."""
    output:
        config="<results>/config.json",
    log:
        "<logs>/keep_config.log",
    benchmark:
        "<benchmarks>/keep_config.tsv"
    localrule: True
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=raised(200),
        runtime=raised(5),
    params:
        code=code("keep_config"),
        effective=settings.effective(),
    message:
        "Keeping the effective configuration"
    script:
        "../../workflow_scripts/coding/keep_config.py"
