"""IQNet (OJCAS 2024): its printed tables recomputed."""


rule audit_iqnet:
    """What the printed tables say when they are recomputed: one row per claim."""
    input:
        printed=sorted(str(path.relative_to(ROOT)) for path in (ROOT / "config/published/iqnet").glob("*.csv")),
    output:
        report(
            table("iqnet/tables/audit"),
            caption="../report/audit.rst",
            category="IQNet",
            labels={"table": "audit of the printed tables"},
        ),
    log:
        "<logs>/audit_iqnet.log",
    benchmark:
        "<benchmarks>/audit_iqnet.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("audit_iqnet"),
    message:
        "Recomputing what IQNet's tables claim"
    script:
        "../workflow_scripts/audit_iqnet.py"


rule audit:
    """Audits of all papers' printed numbers."""
    input:
        rules.audit_iqnet.output,


rule iqnet:
    """Everything of this paper."""
    input:
        rules.audit_iqnet.output,
