"""IQNet (OJCAS 2024): its tables beside the printed ones, and the printed ones recomputed."""

IQNET_TABLES = ["table1", "table3", "table4", "headline"]


rule audit_iqnet:
    """Recompute the claims of IQNet's printed tables, one row per claim."""
    input:
        printed=sorted(str(path.relative_to(ROOT)) for path in (ROOT / "config/published/iqnet").glob("*.csv")),
    output:
        table("iqnet/tables/audit"),
        html=report(
            "<results>/iqnet/tables/audit.html",
            caption="../../report/iqnet/audit.rst",
            category="IQNet",
            labels={"table": "audit of the printed tables"},
        ),
    log:
        "<logs>/audit_iqnet.log",
    benchmark:
        "<benchmarks>/audit_iqnet.tsv"
    conda:
        "../../envs/tables.yaml"
    script:
        "../../workflow_scripts/iqnet/audit_iqnet.py"


rule audit:
    """Audits of all papers' printed numbers."""
    input:
        rules.audit_iqnet.output,


rule tabulate_iqnet:
    """Tabulate Tables I, III, IV and the headline savings, each compared with the printed one."""
    input:
        points=points_of("prefilter"),
        printed=rules.audit_iqnet.input.printed,
    output:
        *(table(f"iqnet/tables/{name}{kind}") for name in IQNET_TABLES for kind in ("", "_comparison")),
        *(
            report(
                f"{RESULTS}/iqnet/tables/{name}{kind}.html",
                caption="../../report/iqnet/tables.rst",
                category="IQNet",
                labels={"table": f"{name}{kind}".replace("_", ": ")},
            )
            for name in IQNET_TABLES
            for kind in ("", "_comparison")
        ),
    log:
        "<logs>/tabulate_iqnet.log",
    benchmark:
        "<benchmarks>/tabulate_iqnet.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        codec=settings.config["codecs"][0],
        anchor=settings.config["anchor"],
    script:
        "../../workflow_scripts/iqnet/tabulate_iqnet.py"
