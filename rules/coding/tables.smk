"""Tables of all points: the points themselves, savings at equal QP, BD-rates with their means."""


rule tabulate_points:
    """Every rate-distortion point in one table."""
    input:
        points=all_points(),
    output:
        table("tables/rd_points"),
        html="<results>/tables/rd_points.html",
    log:
        "<logs>/tabulate_points.log",
    benchmark:
        "<benchmarks>/tabulate_points.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(10),
    params:
        code=code("tabulate_points"),
    message:
        "Writing the table of rate-distortion points"
    script:
        "../../workflow_scripts/coding/tabulate_points.py"


rule compare_methods:
    """What each method saves against the anchor: at equal QP, and as BD-rate at equal quality."""
    input:
        points=all_points(),
    output:
        table("tables/bd_rate"),
        table("tables/same_qp"),
        bd_rate=report(
            "<results>/tables/bd_rate.html",
            caption="../../report/coding/bd_rate.rst",
            category="Comparison of methods",
            labels={"table": "BD-rate"},
        ),
        same_qp=report(
            "<results>/tables/same_qp.html",
            caption="../../report/coding/same_qp.rst",
            category="Comparison of methods",
            labels={"table": "saving at equal QP"},
        ),
    log:
        "<logs>/compare_methods.log",
    benchmark:
        "<benchmarks>/compare_methods.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(20),
    params:
        code=code("compare_methods"),
        anchor=settings.config["anchor"],
        bd_rate=settings.config["bd_rate"],
        classes=classes(),
    message:
        "Comparing the methods"
    script:
        "../../workflow_scripts/coding/compare_methods.py"


rule tables:
    """All tables that every run makes."""
    input:
        rules.tabulate_points.output,
        rules.compare_methods.output,
    message:
        "All tables are written"
