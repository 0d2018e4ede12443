"""MLflow as a mirror of the results: rebuildable, written by one local job, never needed."""

from jndops.archive import numbers_of
from jndops.mlflow.mirror import needs_mirroring

MIRROR = SCRIPTS / "commands/mirror_mlflow.py"

if workflow.is_main_process and needs_mirroring(RESULTS):
    note_failure(f"{RESULTS}/logs/mirror_mlflow.log")


rule mirror_mlflow:
    """Mirror points, tables, figures and trainings into the MLflow database, by key and content."""
    input:
        points=coding.point_files(),
        tables=rules.tables.input,
        figures=rules.figures.input,
        description=rules.describe_run.output,
        papers=[numbers_of(getattr(rules, paper).input, RESULTS) for paper in settings.config["papers"]],
    output:
        ledger="<results>/mlflow_ledger.csv",
    conda:
        "../envs/tracking.yaml"
    resources:
        mlflow_writer=1,
    params:
        code=digest([MIRROR, *(SCRIPTS / "jndops/mlflow").glob("*.py")]),
        results=lambda wildcards, output: Path(output.ledger).parent,
    # Out of the environment: as parameters these paths would re-run it where the project is moved.
    shell:
        '"$JND_PYTHON" "$JND_SUITE/workflow_scripts/commands/mirror_mlflow.py" --results {params.results:q}'
        " --database {params.results:q}/mlflow.db --ledger {output.ledger:q} 2>&1 | tee {log:q}"


rule track:
    """Results in MLflow (browse them with `make ui`)."""
    input:
        rules.mirror_mlflow.output,
