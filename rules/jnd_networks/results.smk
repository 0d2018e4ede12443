"""LASeR-JND (TCSVT 2024): its tables and figures, and everything of it under one name."""


rule tabulate_laser_jnd:
    """Errors with intervals beside baselines and printed numbers, comparisons, costs, checks, bits saved."""
    input:
        predictions="<results>/laser_jnd/predictions.csv",
        costs="<results>/laser_jnd/costs.csv",
        printed="config/published/laser_jnd/headline.csv",
        points=jnd_method_points("laser_jnd"),
        predicted=jnd_method_predictions("laser_jnd"),
    output:
        *(table(f"laser_jnd/tables/{name}") for name in jnd_tables("laser_jnd")),
        *(
            report(
                f"{RESULTS}/laser_jnd/tables/{name}.html",
                caption="../report/jnd_networks_tables.rst",
                category=JND_REPORT,
                subcategory="LASeR-JND",
                labels={"table": label},
            )
            for name, label in jnd_tables("laser_jnd").items()
        ),
        checks=table("laser_jnd/checks/networks"),
        checks_html=report(
            "<results>/laser_jnd/checks/networks.html",
            caption="../report/jnd_networks_checks.rst",
            category=JND_REPORT,
            subcategory="LASeR-JND",
            labels={"table": "checks of the networks"},
        ),
    log:
        "<logs>/tabulate_laser_jnd.log",
    benchmark:
        "<benchmarks>/tabulate_laser_jnd.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(20),
    params:
        code=code("tabulate_laser_jnd"),
        tables=lambda wildcards, output: str(Path(output[0]).parent),
        names=list(jnd_tables("laser_jnd")),
        facts=jnd_facts(),
    message:
        "Tabulating what LASeR-JND's networks predict"
    script:
        "../workflow_scripts/tabulate_laser_jnd.py"


rule draw_laser_jnd:
    """Predicted over true, errors, training curves."""
    input:
        predictions="<results>/laser_jnd/predictions.csv",
        curves=jnd_curves("laser_jnd"),
    output:
        *(figure_data(f"laser_jnd/figures/{name}") for name in jnd_figures()),
        *(
            report(
                f"{RESULTS}/laser_jnd/figures/{name}.png",
                caption="../report/jnd_networks_figures.rst",
                category=JND_REPORT,
                subcategory="LASeR-JND",
                labels={"figure": label},
            )
            for name, label in jnd_figures().items()
        ),
    log:
        "<logs>/draw_laser_jnd.log",
    benchmark:
        "<benchmarks>/draw_laser_jnd.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=raised(1500),
        runtime=raised(20),
    params:
        code=code("draw_laser_jnd"),
        figures=lambda wildcards, output: str(Path(output[0]).parent),
        facts=jnd_facts(),
    message:
        "Drawing what LASeR-JND's networks predict"
    script:
        "../workflow_scripts/draw_laser_jnd.py"


rule laser_jnd:
    """All tables and figures of this paper, its frames and its networks."""
    input:
        rules.jnd_frames.input,
        rules.tabulate_laser_jnd.output,
        rules.draw_laser_jnd.output,
        f"{RESULTS}/laser_jnd/figures/pictures.png",
        trainings=jnd_trainings("laser_jnd"),
    message:
        "LASeR-JND is complete"
