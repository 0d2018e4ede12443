"""MLflow as a mirror of the results: rebuildable, written by one local job, never needed."""


rule mirror_mlflow:
    """Upsert points, tables, figures and trainings into the MLflow database, by key and content."""
    input:
        points=all_points(),
        tables=rules.tables.input,
        figures=rules.figures.input,
        trainings=[getattr(rules, paper).input.get("trainings", []) for paper in settings.config["papers"]],
    output:
        ledger="<results>/mlflow_ledger.csv",
    log:
        "<logs>/mirror_mlflow.log",
    benchmark:
        "<benchmarks>/mirror_mlflow.tsv"
    conda:
        "../envs/tracking.yaml"
    threads: 1
    resources:
        mem_mb=raised(1500),
        runtime=raised(60),
        mlflow_writer=1,
    params:
        code=code("mirror_mlflow", *(SCRIPTS / "jndops/mlflow").glob("*.py")),
        results=lambda wildcards, output: Path(output.ledger).parent,
        python=PYTHON,
        script=ADAPTERS["mirror_mlflow"],
    message:
        "Mirroring results into MLflow"
    shell:
        "{params.python:q} {params.script:q} --results {params.results:q}"
        " --database {params.results:q}/mlflow.db --ledger {output.ledger:q} 2>&1 | tee {log:q}"


rule track:
    """Results in MLflow (browse them with `make ui`)."""
    input:
        rules.mirror_mlflow.output,
    message:
        "MLflow mirrors the results: `make ui`"
