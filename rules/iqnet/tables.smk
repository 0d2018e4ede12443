"""IQNet (OJCAS 2024): its tables beside the printed ones, and the printed ones recomputed."""

IQNET_TABLES = ["table1", "table3", "table4", "headline"]


rule audit_iqnet:
    """What the printed tables say when they are recomputed: one row per claim."""
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
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(10),
    params:
        code=code("audit_iqnet"),
    message:
        "Recomputing what IQNet's tables claim"
    script:
        "../../workflow_scripts/iqnet/audit_iqnet.py"


rule audit:
    """Audits of all papers' printed numbers."""
    input:
        rules.audit_iqnet.output,
    message:
        "Audits are written"


rule tabulate_iqnet:
    """Tables I, III, IV and the headline savings, each with its comparison to what is printed."""
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
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(10),
    params:
        code=code("tabulate_iqnet"),
        codec=settings.config["codecs"][0],
        anchor=settings.config["anchor"],
    message:
        "Comparing with IQNet's printed tables"
    script:
        "../../workflow_scripts/iqnet/tabulate_iqnet.py"
