"""What a run did, for a paper: methods with references, and the versions of all that made it."""

from jndlab.report.references import REFERENCES


rule describe_run:
    """Describe the run for a paper, and list the versions of all tools and packages."""
    input:
        points=coding.point_files(),
        # Looked up when the rules of all papers are there; a paper need not train anything.
        trainings=lambda wildcards: [
            file
            for paper in settings.config["papers"]
            for file in getattr(getattr(rules, paper).input, "trainings", [])
        ],
    output:
        **outputs_of("coding", "describe_run"),
    conda:
        "../../envs/tables.yaml"
    params:
        config=coding.described(),
        datasets=coding.datasets(),
        models=coding.model_files(),
        recorded=coding.recorded_files(),
        references=digest([REFERENCES]),
    script:
        "../../workflow_scripts/coding/describe_run.py"
