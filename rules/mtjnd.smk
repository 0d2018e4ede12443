"""MTJND (ICIP 2023): its tables and figures, and everything of it under one name."""


rule tabulate_mtjnd:
    """Errors with intervals beside baselines and printed numbers, comparisons, costs, checks, bits saved."""
    input:
        predictions="<results>/mtjnd/predictions.csv",
        costs="<results>/mtjnd/costs.csv",
        printed="config/published/mtjnd/headline.csv",
        points=jnd_method_points("mtjnd"),
        predicted=jnd_method_predictions("mtjnd"),
    output:
        *(table(f"mtjnd/tables/{name}") for name in jnd_tables("mtjnd")),
        *(
            report(
                f"{RESULTS}/mtjnd/tables/{name}.html",
                caption="../report/jnd_networks_tables.rst",
                category=JND_REPORT,
                subcategory="MTJND",
                labels={"table": label},
            )
            for name, label in jnd_tables("mtjnd").items()
        ),
        checks=table("mtjnd/checks/networks"),
        checks_html=report(
            "<results>/mtjnd/checks/networks.html",
            caption="../report/jnd_networks_checks.rst",
            category=JND_REPORT,
            subcategory="MTJND",
            labels={"table": "checks of the networks"},
        ),
    log:
        "<logs>/tabulate_mtjnd.log",
    benchmark:
        "<benchmarks>/tabulate_mtjnd.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(20),
    params:
        code=code("tabulate_mtjnd"),
        tables=lambda wildcards, output: str(Path(output[0]).parent),
        names=list(jnd_tables("mtjnd")),
        facts=jnd_facts(),
    message:
        "Tabulating what MTJND's networks predict"
    script:
        "../workflow_scripts/tabulate_mtjnd.py"


rule draw_mtjnd:
    """Predicted over true, errors, training curves."""
    input:
        predictions="<results>/mtjnd/predictions.csv",
        curves=jnd_curves("mtjnd"),
    output:
        *(figure_data(f"mtjnd/figures/{name}") for name in jnd_figures()),
        *(
            report(
                f"{RESULTS}/mtjnd/figures/{name}.png",
                caption="../report/jnd_networks_figures.rst",
                category=JND_REPORT,
                subcategory="MTJND",
                labels={"figure": label},
            )
            for name, label in jnd_figures().items()
        ),
    log:
        "<logs>/draw_mtjnd.log",
    benchmark:
        "<benchmarks>/draw_mtjnd.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=raised(1500),
        runtime=raised(20),
    params:
        code=code("draw_mtjnd"),
        figures=lambda wildcards, output: str(Path(output[0]).parent),
        facts=jnd_facts(),
    message:
        "Drawing what MTJND's networks predict"
    script:
        "../workflow_scripts/draw_mtjnd.py"


rule mtjnd:
    """All tables and figures of this paper, its frames and its networks."""
    input:
        rules.jnd_frames.input,
        rules.tabulate_mtjnd.output,
        rules.draw_mtjnd.output,
        f"{RESULTS}/mtjnd/figures/pictures.png",
        trainings=jnd_trainings("mtjnd"),
    message:
        "MTJND is complete"
