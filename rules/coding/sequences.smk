"""Sources: found, checked and made lossless clips of the configured length."""


rule prepare_sequence:
    """Convert a source to a lossless clip (FFV1) of the configured number of frames."""
    input:
        source=coding.raw_source,
    output:
        clip=coding.kept("sources", "<results>/sequences/{sequence}.mkv"),
        metadata="<results>/sequences/{sequence}.json",
    conda:
        "../../envs/codecs.yaml"
    params:
        clip=coding.clip,
        packaged_source=coding.packaged_source,
        sheet_row=coding.sheet_row,
        source_dir=coding.source_dir,
    script:
        "../../workflow_scripts/coding/prepare_sequence.py"


rule check_data:
    """Report which data is present, which is missing and how to get it."""
    conda:
        "../../envs/codecs.yaml"
    params:
        sequences=[argument for name in settings.config["sequences"] for argument in coding.data_needed(name)],
        needed=lambda wildcards: [argument for name in iqnet_inputs.datasets() for argument in ("--need", name)],
        data_dir=settings.config["data_dir"],
        python=PYTHON,
        script=SCRIPTS / "commands/check_data.py",
    shell:
        "{params.python:q} {params.script:q} --data-dir {params.data_dir:q} {params.sequences:q} {params.needed:q} 2>&1 | tee {log:q}"
