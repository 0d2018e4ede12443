"""Tables of all points: the points themselves, savings at equal QP, BD-rates with their means."""


rule tabulate_points:
    """Tabulate every rate-distortion point."""
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
    script:
        "../../workflow_scripts/coding/tabulate_points.py"


rule compare_methods:
    """Compare each method with the anchor: saving at equal QP, BD-rate at equal quality."""
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
    params:
        anchor=settings.config["anchor"],
        bd_rate=settings.config["bd_rate"],
        classes=classes(),
    script:
        "../../workflow_scripts/coding/compare_methods.py"


rule tables:
    """All tables that every run makes."""
    input:
        rules.tabulate_points.output,
        rules.compare_methods.output,
