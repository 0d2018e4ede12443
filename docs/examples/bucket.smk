"""The suite's run, and its results packed in a bucket. Copy it next to the Snakefile: see docs/containers.md."""


include: "Snakefile"


storage bucket:
    provider="s3",


rule store_archive:
    """Numbers, tables, figures and report of the run, without video, in a bucket."""
    input:
        rules.all.input,
    output:
        storage.bucket("s3://my-bucket/results-archive.tar.gz"),
    params:
        configuration=workflow.configfiles[0],
    shell:
        "{sys.executable} workflow_scripts/commands/archive_results.py pack --configfile {params.configuration}"
        " && cp {RESULTS}/results-archive.tar.gz {output}"
