"""The effective configuration, kept with the results."""


rule keep_config:
    """Keep the effective configuration, with all defaults filled in."""
    output:
        config="<results>/config.json",
    localrule: True
    conda:
        "../../envs/codecs.yaml"
    params:
        effective=settings.effective(),
    script:
        "../../workflow_scripts/coding/keep_config.py"
